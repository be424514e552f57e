from shared.db.engine import Database
from shared.db.eventlog import Append, EventLog, NewEvent


async def test_an_append_gets_the_next_seqs_and_positions(database: Database, log: EventLog) -> None:
    await database.writer.run(lambda conn: log.open_stream(conn, "s", "acme", "f", [NewEvent("e1", b"1")]))

    appended = await database.writer.append(Append("s", 2, (NewEvent("e2", b"2"), NewEvent("e3", b"3"))))

    assert (appended.first_seq, appended.last_seq, appended.last_position) == (2, 3, 3)
    assert [(e.seq, e.position, e.payload) for e in await log.read("s", 0, 10)] == [
        (1, 1, b"1"),
        (2, 2, b"2"),
        (3, 3, b"3"),
    ]
    assert await log.read_feed("f", 0, 10) == await log.read("s", 0, 10)
