"""Workflows of n8n and journeys of Dittofeed become campaigns, and what they cannot say is named."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.synthesizer.campaigns.formats import import_campaign
from services.synthesizer.campaigns.formats.imported import Imported, Outcome
from shared.errors import InvalidArgument
from shared.model.campaigns.interactions import NO_RESPONSE
from shared.model.campaigns.model import (
    Branch,
    Campaign,
    Condition,
    Delay,
    SendEmail,
    SendSms,
    Split,
    Step,
    UpdateContact,
    WaitForReply,
    Webhook,
    Weekday,
)
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.simulation import Script, simulate
from shared.model.campaigns.writing import write_campaign


def node(name: str, kind: str, version: float = 1, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "type": f"n8n-nodes-base.{kind}", "typeVersion": version, "parameters": parameters}


def workflow(nodes: Sequence[Mapping[str, Any]], *ways: str, **more: Any) -> bytes:
    """ways: such as `If 1 Send`, the node and its output with the node to which it leads."""
    connections: dict[str, Any] = {}
    for way in ways:
        source, output, target = way.split(" | ")
        outputs = connections.setdefault(source, {"main": []})["main"]
        outputs.extend([] for _ in range(int(output) + 1 - len(outputs)))
        outputs[int(output)].append({"node": target, "type": "main", "index": 0})
    return json.dumps({"name": "W", "nodes": nodes, "connections": connections, **more}).encode()


def imported(content: bytes, *others: tuple[bytes, str]) -> Imported:
    found, _ = import_campaign([(content, "file.json"), *others])
    assert read_campaign(write_campaign(found.campaign), "written.yaml") == found.campaign
    return found


def steps(campaign: Campaign) -> Mapping[str, Step]:
    return {step.id: step for step in campaign.steps}


def filter_2(left: Any, operation: str, right: Any = "", kind: str = "string", **options: Any) -> dict[str, Any]:
    comparison = {"leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation}}
    return {"options": options, "combinator": "and", "conditions": [comparison]}


def is_true(expression: str) -> dict[str, Any]:
    return filter_2(f"={{{{ {expression} }}}}", "true", "", "boolean")


CONDITIONS = [
    (filter_2("={{ $json.plan }}", "equals", "pro"), "contact.plan == 'pro'"),
    (filter_2("={{ $json.plan }}", "notEquals", "Pro", caseSensitive=False), "!contact.plan.matches('(?i)^Pro$')"),
    (filter_2("={{ $json.a.b[0].c }}", "exists"), "contact.a_b_0_c != ''"),
    (filter_2("={{ $json['Phone Number'] }}", "empty"), "contact.phone_number == ''"),
    (filter_2("={{ $json.age }}", "gte", 18, "number"), "contact.age >= 18.0"),
    (filter_2("={{ $json.tags }}", "notContains", "vip", "array"), "!contact.tags.contains('vip')"),
    (filter_2("={{ $json.text }}", "regex", "/^ye(s|p)$/i"), "contact.text.matches('(?i)^ye(s|p)$')"),
    (filter_2("={{ $json.due }}", "after", "2026-01-01", "dateTime"), "contact.due > '2026-01-01'"),
    (is_true("$json.is_open"), "contact.is_open"),
    (is_true("!$json.error"), "contact.error == ''"),
    (is_true("$json.t?.length > 3 && $json.x !== 'n'"), "(double(size(contact.t)) > 3.0 && contact.x != 'n')"),
    (is_true("$json.t.toLowerCase().includes('yes')"), "contact.t.matches('(?i)yes')"),
    (is_true("['a', 'b'].includes($json.kind)"), "(contact.kind in ['a', 'b'])"),
    (is_true("new Date().getHours() < 12"), "time.hour < 12"),
    (is_true("$now.weekday === 7"), "time.weekday == 'sunday'"),
    (is_true("$json.t.indexOf('x') === -1"), "!contact.t.contains('x')"),
    ({"string": [{"value1": "={{$json.p}}", "operation": "contains", "value2": "a"}]}, "contact.p.contains('a')"),
    ({"number": [{"value1": '={{$json["n"]}}', "operation": "larger", "value2": 0.7}]}, "contact.n > 0.7"),
    ({"boolean": [{"value1": "={{$json.b}}", "value2": True}]}, "contact.b"),
]


def test_conditions_of_old_and_new_versions_become_cel() -> None:
    for conditions, cel in CONDITIONS:
        version = 2 if "conditions" in conditions else 1
        nodes = [
            node("Start", "webhook"),
            node("If", "if", version, conditions=conditions),
            node("Yes", "telegram", text="Hi"),
        ]
        found = imported(workflow(nodes, "Start | 0 | If", "If | 0 | Yes"))
        action = steps(found.campaign)["if"].action
        assert isinstance(action, Condition)
        assert action.branches == (Branch(cel, "yes", "true"),)
        assert (found.conditions, found.evaluated) == (1, 1)


def test_a_comparison_without_a_meaning_is_a_contact_field_and_named() -> None:
    conditions = filter_2("={{ $json.list.map(x => x.y).join() }}", "equals", "a")
    nodes = [
        node("Start", "manualTrigger"),
        node("If", "if", 2.2, conditions=conditions),
        node("Yes", "twilio", message="Hi"),
    ]
    found = imported(workflow(nodes, "Start | 0 | If", "If | 0 | Yes"))
    action = steps(found.campaign)["if"].action
    assert isinstance(action, Condition)
    assert action.branches[0].when == "contact.if_holds_1"
    assert (found.conditions, found.evaluated) == (1, 0)
    told = next(part for part in found.parts if part.name == "If")
    assert told.outcome is Outcome.APPROXIMATED
    assert "is not evaluated, because" in told.reasons[0]
    assert "`if_holds_1`" in told.reasons[0]


def test_switches_of_every_version_take_the_outputs_that_their_rules_name() -> None:
    rules = [{"operation": "equal", "value2": "a", "output": 2}, {"operation": "startsWith", "value2": "b"}]
    first = {"dataType": "string", "value1": "={{$json.k}}", "rules": {"rules": rules}, "fallbackOutput": 3}
    third = {
        "rules": {
            "values": [{"conditions": filter_2("={{ $json.k }}", "equals", one), "outputKey": one} for one in "ab"]
        },
        "options": {"fallbackOutput": "extra"},
    }
    numbered = {"mode": "expression", "output": "={{ $json.k === 'a' ? 1 : 0 }}"}
    every = {**third, "options": {"allMatchingOutputs": True}}
    for version, parameters, taken in (
        (1, first, {"out2": "contact.k == 'a'", "out0": "contact.k.startsWith('b')", "out3": ""}),
        (3, third, {"out0": "contact.k == 'a'", "out1": "contact.k == 'b'", "out2": ""}),
        (
            3,
            numbered,
            {"out1": "(contact.k == 'a' ? 1.0 : 0.0) == 1.0", "out0": "(contact.k == 'a' ? 1.0 : 0.0) == 0.0"},
        ),
        (3, every, {"out0": "contact.k == 'a'", "out1": "contact.k == 'b'"}),
    ):
        sends = [node(f"out{number}", "telegram", text="x") for number in range(4)]
        nodes = [node("Start", "telegramTrigger"), node("S", "switch", version, **parameters), *sends]
        found = imported(workflow(nodes, "Start | 0 | S", *(f"S | {number} | out{number}" for number in range(4))))
        ways: dict[str, str] = {}
        for step in found.campaign.steps:
            if isinstance(step.action, Condition):
                ways |= {branch.next: branch.when for branch in step.action.branches}
                ways |= {step.action.otherwise: ""} if step.action.otherwise.startswith("out") else {}
        assert {name: ways.get(name) for name in taken} == taken, version


def test_nodes_become_the_steps_of_their_kind() -> None:
    nodes = [
        node("Schedule", "scheduleTrigger", 1.2, rule={"interval": [{"triggerAtHour": 9}]}),
        node("Get", "httpRequest", 4, url="https://api.example/{{ }}", method="GET"),
        node(
            "Set",
            "set",
            3.4,
            assignments={"assignments": [{"name": "first", "value": "={{ $json.user.name.trim() }}"}]},
        ),
        node(
            "Ask",
            "gmail",
            2.1,
            operation="sendAndWait",
            sendTo="={{ $json.mail }}",
            subject="=For {{ $json.first }}",
            message="OK? {{",
        ),
        node("Agreed", "filter", 2, conditions=filter_2("={{ $json.data.approved }}", "true", "", "boolean")),
        node("Wait", "wait", 1.1, amount=2, unit="days"),
        node(
            "Tell",
            "whatsApp",
            1,
            operation="send",
            textBody="={{ $('Get').item.json.user.name }} is {{ $json.x.map(y) }}",
        ),
        node("Code", "code", 2, jsCode="return 1"),
        node(
            "Off",
            "slack",
            2,
            text="no",
        )
        | {"disabled": True},
        node("Note", "stickyNote"),
        node("Lost", "telegram", text="never"),
    ]
    found = imported(
        workflow(
            nodes,
            "Schedule | 0 | Get",
            "Get | 0 | Set",
            "Set | 0 | Ask",
            "Ask | 0 | Agreed",
            "Agreed | 0 | Wait",
            "Wait | 0 | Tell",
            "Tell | 0 | Off",
            "Off | 0 | Code",
        )
    )
    made = {step.id: step.action for step in found.campaign.steps}
    assert made["schedule"] == Delay(time=9 * 60)
    assert made["get"] == Webhook("get", {"method": "GET"}, "https://api.example/{{ '{{' }} }}")
    answer = "{{ results.get.user.name | default: contact.get_user_name, allow_false: true | append: '' }}"
    assert made["get_update_contact"] == UpdateContact({"get_user_name": answer})
    assert made["set"] == UpdateContact({"first_2": "{{ contact.get_user_name | strip }}"})
    assert isinstance(made["ask"], SendEmail)
    assert made["ask"].body == "OK? {{ '{{' }}\n\nReply YES to approve, or NO."
    assert made["ask_wait_for_reply"] == WaitForReply(7 * 86_400)
    assert isinstance(made["agreed"], Condition)
    assert made["agreed"].branches[0].when.startswith("reply.matches(")
    assert made["wait"] == Delay(duration=2 * 86_400)
    assert made["tell"] == SendSms("{{ contact.get_user_name }} is [$json.x.map(y)]")
    assert made["code"] == Webhook("code")
    outcomes = {part.name: part.outcome for part in found.parts}
    assert outcomes["Agreed"] is Outcome.READ
    assert {name for name, one in outcomes.items() if one is Outcome.LEFT_OUT} == {"Off", "Lost"}
    assert all(part.reasons for part in found.parts if part.outcome is not Outcome.READ)
    assert "Note" not in outcomes


def test_requests_to_addresses_that_send_messages_are_messages() -> None:
    json_body = '={ "to": "{{ $json.wa_id }}", "text": { "body": "Hi {{ $json.name }}\\nAll well?" } }'
    parameters = {"parameters": [{"name": "text", "value": "=Hello {{ $('Hook').item.json.name }}"}]}
    nodes = [
        node("Hook", "webhook"),
        node("WhatsApp", "httpRequest", 4.2, url="https://graph.facebook.com/v20.0/1/messages", jsonBody=json_body),
        node("Bot", "httpRequest", 3, url="https://api.telegram.org/botX/sendMessage", bodyParameters=parameters),
        node("Else", "httpRequest", 4.2, url="https://api.telegram.org/botX/getMe"),
    ]
    found = imported(workflow(nodes, "Hook | 0 | WhatsApp", "WhatsApp | 0 | Bot", "Bot | 0 | Else"))
    made = {step.id: step.action for step in found.campaign.steps}
    assert made["whats_app"] == SendSms("Hi {{ contact.name }}\nAll well?")
    assert made["bot"] == SendSms("Hello {{ contact.name }}")
    assert isinstance(made["else"], Webhook)


def test_nodes_behind_one_output_run_one_after_the_other_and_a_merge_waits_for_them() -> None:
    nodes = [node("Start", "webhook"), *(node(name, "telegram", text=name) for name in "ABC"), node("M", "merge")]
    found = imported(workflow(nodes, "Start | 0 | A", "Start | 0 | B", "A | 0 | M", "B | 0 | M", "M | 0 | C"))
    said = [step.action.body for step in found.campaign.steps if isinstance(step.action, SendSms)]
    assert said == ["A", "B", "C"]


def test_a_loop_over_items_runs_its_body_once() -> None:
    nodes = [
        node("Start", "webhook"),
        node("Loop", "splitInBatches", 3),
        node("In", "telegram", text="in"),
        node("Out", "telegram", text="out"),
    ]
    found = imported(workflow(nodes, "Start | 0 | Loop", "Loop | 0 | Out", "Loop | 1 | In", "In | 0 | Loop"))
    script = Script([found.campaign])
    rows = [*simulate(script, script.begin({}, 0), lambda *_: NO_RESPONSE, lambda *_: {})]
    assert [row.message for row in rows if row.message] == ["in", "out"]
    assert rows[-1].ended == "exit"


def test_several_triggers_are_told_apart_by_a_contact_field() -> None:
    nodes = [
        node("Form", "formTrigger"),
        node("Chat", "telegramTrigger"),
        node("A", "telegram", text="a"),
        node("B", "telegram", text="b"),
    ]
    found = imported(workflow(nodes, "Form | 0 | A", "Chat | 0 | B"))
    start = steps(found.campaign)["start"].action
    assert start == Condition((Branch("contact.trigger == 'chat'", "b", "chat"),), "a")
    trigger = next(one for one in found.campaign.contact if one.name == "trigger")
    assert (trigger.values, trigger.default) == (("form", "chat"), "form")


JOURNEY = """\
name: Trial
definition:
  entryNode: {type: EventEntryNode, event: TRIAL_STARTED, child: wait}
  nodes:
  - {id: wait, type: DelayNode, variant: {type: LocalTime, hour: 9, allowedDaysOfWeek: [1]}, child: cohort}
  - {id: cohort, type: RandomCohortNode, children: [{id: hi, percent: 30}, {id: split, percent: 70}]}
  - {id: hi, type: MessageNode, name: Hi, variant: {type: Sms, templateId: t1}, child: split}
  - id: split
    type: SegmentSplitNode
    variant: {type: Boolean, segment: s1, trueChild: active, falseChild: ExitNode}
  - id: active
    type: WaitForNode
    timeoutSeconds: 3600
    timeoutChild: mail
    segmentChildren: [{id: ExitNode, segmentId: paid}]
  - {id: mail, type: MessageNode, variant: {type: Email, templateId: t2}, child: ExitNode}
  exitNode: {type: ExitNode}
templates:
- {id: t1, definition: {type: Sms, body: "Hi {{ user.firstName | default: 'you' }}"}}
segments:
- id: s1
  name: Pros
  definition: {entryNode: {id: a, type: Trait, path: plan, operator: {type: Equals, value: pro}}, nodes: []}
"""


def test_a_journey_becomes_a_campaign() -> None:
    found = imported(JOURNEY.encode(), (b"<p>{% unsubscribe_link %}</p>", "t2.liquid.html"))
    made = {step.id: (step.action, step.next) for step in found.campaign.steps}
    assert made["delay"] == (Delay(time=540, weekday=Weekday.MONDAY), "random_cohort")
    split = made["random_cohort"][0]
    assert isinstance(split, Split)
    assert [(arm.next, arm.weight) for arm in split.arms] == [("hi", 30.0), ("segment_split", 70.0)]
    assert made["hi"] == (SendSms("Hi {{ contact.first_name | default: 'you' }}"), "segment_split")
    assert made["segment_split"][0] == Condition((Branch("contact.plan == 'pro'", "wait_for", "true"),), "exit")
    assert made["wait_for"][0] == Condition((Branch("contact.in_paid", "exit", "segment 1"),), "wait_for_wait")
    assert made["wait_for_wait"] == (Delay(duration=3600), "wait_for_again")
    assert made["wait_for_again"][0] == Condition((Branch("contact.in_paid", "exit", "segment 1"),), "message")
    mail = made["message"][0]
    assert isinstance(mail, SendEmail)
    assert "{{ unsubscribe_url }}" in mail.body
    told = {part.name: part for part in found.parts}
    assert told["entry"].outcome is Outcome.APPROXIMATED
    assert "TRIAL_STARTED" in told["entry"].reasons[0]
    assert told["cohort"].outcome is Outcome.READ
    assert "in_paid" in " ".join(told["active"].reasons)


def bad_files() -> Mapping[str, tuple[bytes, str]]:
    """Files that are no campaigns, with a part of the problem that names where."""
    a, b = node("A", "telegram", text="x"), node("B", "telegram", text="x")
    circle = workflow([node("S", "webhook"), a, b], "S | 0 | A", "A | 0 | B", "B | 0 | A")
    fan = [node(f"N{number}", "telegram", text="x") for number in range(40)]
    ways = [f"N{number} | 0 | N{other}" for number in range(39) for other in (number + 1, min(number + 2, 39))]
    return {
        "no JSON": (b'{"nodes": [}', "line 1"),
        "circle": (circle, "the node `A` out of a circle"),
        "dangling": (workflow([a], "A | 0 | Gone"), "connections.A.main[0]: It names the node `Gone`"),
        "no nodes": (workflow([]), "nodes: There are no nodes"),
        "no type": (workflow([{"name": "A"}]), "nodes[0].type"),
        "twice": (workflow([a, a]), "There are two nodes `A`"),
        "parameters": (workflow([{**a, "parameters": 3}]), "nodes[0].parameters"),
        "connections": (b'{"nodes": [], "connections": 3}', "connections"),
        "10 MB": (workflow([node("A", "telegram", text="x" * 10_000_000)]), "4 MiB"),
        "long YAML": (b"- a\n" * 700_000, "10,000 lines"),
        "deep": (b"[" * 1_000_000, "nested"),
        "deep parameters": (b'{"nodes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
        "many nodes": (workflow([{**a, "name": str(number)} for number in range(5_000)]), "5,000 nodes"),
        "too many ways": (workflow(fan, *ways), "outputs lead to several nodes"),
        "number": (b'{"nodes": 1e999}', "too large"),
        "surrogate": (b'{"nodes": "\\ud800"}', "UTF-8"),
        "something": (b'{"a": 1}', "none of the formats"),
        "journey node": (JOURNEY.replace("[{id: hi", "[{id: ho").encode(), "children[0].id: It names the node `ho`"),
        "journey seconds": (JOURNEY.replace("3600", "an hour").encode(), "node `active`.timeoutSeconds"),
        "journey kind": (JOURNEY.replace("DelayNode", "DelayNod").encode(), "nodes[0].type"),
        "journey circle": (JOURNEY.replace("active, falseChild: ExitNode", "hi, falseChild: hi").encode(), "No way"),
    }


def test_bad_files_are_refused_within_a_second_with_node_and_field() -> None:
    for name, (content, part) in bad_files().items():
        began = time.process_time()
        with pytest.raises(InvalidArgument) as refused:
            import_campaign([(content, "file.json")])
        told = " ".join([str(refused.value), *(f"{one.field}: {one.description}" for one in refused.value.violations)])
        assert part in told, name
        assert time.process_time() - began < 3, name
