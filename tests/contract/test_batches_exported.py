"""The transcripts of a batch as lines."""

import json
from contextlib import aclosing

import pytest

from greenroom.synthesizer.v1 import batch_pb2 as pb
from shared.plain import UNSAFE
from shared.rpc.cursors import Position, encode_token
from tests.contract.batches import REFUSING, over, play, results, spec
from tests.scripted import Held, Script, Theatre, kinds, leaves, refused, says


async def exported(stage: Theatre, name: str, cursor: str = "") -> list[pb.ExportTranscriptsResponse]:
    return [response async for response in stage.client.batches.export(name, cursor=cursor)]


async def test_transcripts_are_exported_as_lines_in_the_order_of_their_places(stage: Theatre) -> None:
    done = await play(stage, Script(by_index={1: REFUSING}))

    data = b"".join(response.chunk for response in await exported(stage, done.name))

    lines = [json.loads(line) for line in data.splitlines()]
    assert [line["conversation"].get("index", 0) for line in lines] == [0, 1, 2, 3]
    rows = await results(stage, done.name)
    assert [line["conversation"]["name"] for line in lines] == [row.conversation for row in rows]
    assert lines[1]["conversation"]["ended"]["reason"] == "MODEL_REFUSED"
    kinds_ = kinds(await stage.events(rows[0].conversation))
    assert [kind for event, kind in zip(lines[0]["events"], kinds_, strict=True) if kind in event] == kinds_
    assert data.endswith(b"\n")


async def test_a_line_holds_no_raw_control_character(stage: Theatre) -> None:
    hostile = "\x1b[2J\x9b31m\u202e\x7f"
    done = await play(stage, Script(agent=[says(hostile)]), size=1)

    line = b"".join(response.chunk for response in await exported(stage, done.name)).decode()

    assert not UNSAFE.search(line)
    said = [event["agent_message"]["text"] for event in json.loads(line)["events"] if "agent_message" in event]
    assert hostile in said


async def test_an_export_continues_from_every_cursor_even_inside_a_line(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await play(stage, size=3)
    whole = b"".join(response.chunk for response in await exported(stage, done.name))
    monkeypatch.setattr("services.synthesizer.batches.export.CHUNK_BYTES", 1_000)

    responses = await exported(stage, done.name)

    assert b"".join(response.chunk for response in responses) == whole
    assert all(len(response.chunk) <= 1_000 for response in responses)
    assert len(responses) > 5
    had = b""
    for response in responses:
        had += response.chunk
        rest = await exported(stage, done.name, response.cursor)
        assert had + b"".join(one.chunk for one in rest) == whole


async def test_an_export_cursor_expires_when_a_retry_changed_its_line(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await play(stage, Script(by_index={0: REFUSING}), size=2)
    monkeypatch.setattr("services.synthesizer.batches.export.CHUNK_BYTES", 500)
    [first, *_] = await exported(stage, done.name)
    await stage.client.batches.retry(done.name)
    await over(stage, done.name)

    async with refused("OUT_OF_RANGE", "CURSOR_EXPIRED"):
        await exported(stage, done.name, first.cursor)
    other = await play(stage, size=1)
    async with refused("INVALID_ARGUMENT", "CURSOR_FOREIGN"):
        await exported(stage, other.name, first.cursor)
    other_id = other.name.removeprefix("batches/")
    places: list[Position] = ["x", True, [0, 1], [True, 1, 1], [0, 1, -1], [other.spec.size, 1, 0]]
    for place in places:
        async with refused("INVALID_ARGUMENT", "CURSOR_MALFORMED") as errors:
            await exported(stage, other.name, encode_token("batches.export", other_id, place))
        assert [violation.field for violation in errors[0].violations] == ["cursor"]


async def test_a_followed_export_gives_conversations_as_they_end_while_others_still_run(stage: Theatre) -> None:
    held = Held(leaves("Bye."))
    script = Script(by_index={0: Script(persona=[held])})
    batch = await stage.client.batches.start(spec(stage, script, size=3))
    await held.begun.wait()

    names: list[str] = []
    async with aclosing(stage.client.batches.export(batch.name, follow=True)) as responses:
        async for response in responses:
            assert not response.chunk or response.chunk.endswith(b"\n")
            names += [json.loads(line)["conversation"]["name"] for line in response.chunk.splitlines()]
            if len(names) == 2:
                held.released.set()

    rows = await results(stage, batch.name)
    assert names[2:] == [rows[0].conversation]
    assert set(names) == {row.conversation for row in rows}


async def test_a_followed_export_gives_a_retried_conversation_again_after_the_cursor(stage: Theatre) -> None:
    done = await play(stage, Script(by_index={1: REFUSING}), size=3)
    first = [response async for response in stage.client.batches.export(done.name, follow=True)]
    failed = [row.conversation for row in await results(stage, done.name) if row.reason == "MODEL_REFUSED"]
    await stage.client.batches.retry(done.name)
    await over(stage, done.name)

    rest = stage.client.batches.export(done.name, cursor=first[-1].cursor, follow=True)
    again = b"".join([response.chunk async for response in rest]).splitlines()

    lines = [json.loads(line)["conversation"] for line in again]
    assert [(line["name"], line["state"]) for line in lines] == [(failed[0], "STATE_COMPLETED")]
    assert len(b"".join(response.chunk for response in first).splitlines()) == 3


async def test_a_followed_export_cuts_only_lines_that_are_longer_than_a_chunk(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await play(stage, size=3)
    whole = [response.chunk async for response in stage.client.batches.export(done.name, follow=True)]
    longest = max(map(len, b"".join(whole).splitlines()))
    monkeypatch.setattr("services.synthesizer.batches.export.CHUNK_BYTES", longest // 2)

    responses = [response async for response in stage.client.batches.export(done.name, follow=True)]

    assert b"".join(response.chunk for response in responses) == b"".join(whole)
    for index, response in enumerate(responses):
        rest = [one.chunk async for one in stage.client.batches.export(done.name, cursor=response.cursor, follow=True)]
        had = b"".join(one.chunk for one in responses[: index + 1])
        assert had[: had.rfind(b"\n") + 1] + b"".join(rest) == b"".join(whole)
