"""Which edges no contact can take."""

from shared.model.campaigns.reach import Reach, reach
from shared.model.campaigns.reading import read_campaign

HEAD = """\
display_name: X
contact: {plan: {values: [free, pro], default: free}, age: {type: integer, minimum: 18, default: 18}, stage: {}}
steps:
"""


def found(steps: str, most: int = 50, **contact: str | int) -> Reach:
    [one] = reach([read_campaign(f"{HEAD}{steps}".encode(), "x.yaml")], contact, (), most)
    return one


def reasons(one: Reach) -> dict[tuple[str, str], str]:
    return {(edge.step, edge.branch): why for edge, why in one.unreachable.items()}


FORK = """\
  - id: fork
    condition:
      branches:
        - {name: pro, when: 'contact.plan == "pro"', next: pro_only}
        - {name: child, when: 'contact.age < 10', next: end}
        - {name: same, when: 'contact.plan == "pro" && reply != ""', next: end}
        - {name: free, when: 'contact.plan == "free"', next: end}
      otherwise: lost
  - id: pro_only
    condition:
      branches:
        - {name: impossible, when: 'contact.plan == "free" && reply.contains("x")', next: end}
        - {name: vip, when: '"vip" in tags', next: end}
      otherwise: wait
  - {id: wait, wait_for_reply: {timeout: 1 day, on_timeout: end}, next: end}
  - {id: lost, split: {arms: [{name: a, next: end}]}}
  - {id: end, split: {arms: [{name: never, weight: 0, next: done}, {name: always, next: done}]}}
  - {id: done, exit: {}}
"""


def test_an_edge_is_unreachable_for_its_own_condition_for_those_before_it_or_for_lack_of_a_message() -> None:
    one = reasons(found(FORK))

    assert one == {
        ("fork", "child"): "Its condition holds for no contact: contact.age < 10",
        ("fork", "same"): (
            'Whenever its condition holds, an earlier branch is taken: contact.plan == "pro" && reply != ""'
        ),
        ("fork", "otherwise"): "One of its branches is taken for every contact.",
        ("pro_only", "impossible"): (
            "No contact for whom it holds can come to `pro_only`: the conditions before it exclude that."
        ),
        ("wait", "reply"): "No message is sent before, so that there is nothing to reply to.",
        ("lost", "a"): "No contact can come to `lost`.",
        ("end", "never"): "The arm `never` has the weight 0.",
    }


def test_an_update_of_the_contact_undoes_what_is_known_of_the_field() -> None:
    updated = (
        FORK.replace("next: pro_only}", "next: change}\n")
        + "  - {id: change, update_contact: {fields: {plan: free}}, next: pro_only}\n"
    )
    one = reasons(found(updated))
    assert ("pro_only", "impossible") not in one
    assert ("fork", "otherwise") not in one


def test_fields_that_all_contacts_have_and_the_most_steps_are_regarded() -> None:
    assert ("fork", "pro") in reasons(found(FORK, plan="free"))
    few = reasons(found(FORK, most=2))
    assert few["wait", "timeout"] == "It takes 2 steps to come to `wait`, and a contact takes 2."


def test_an_example_is_a_contact_that_may_take_the_edge() -> None:
    one = found(FORK)
    vip = next(edge for edge in one.combinations if edge.branch == "vip")
    for drawn in (0.0, 0.5, 0.99):
        example = one.example(vip, drawn)
        assert (example["contact.plan"], example["tags 'vip'"]) == ("pro", True)
