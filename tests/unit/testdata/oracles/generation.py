"""Generation with NumPy alone: slow, simple, and bit-identical to the kernels. Tests compare the two."""

from array import array
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation import MAX_CALLS, Calls, Chain, FaultKind, cascades
from services.testdata.traces.generation.alias import AliasTable
from services.testdata.traces.generation.arrays import Codes, Lengths, Whole, Words
from services.testdata.traces.generation.arrivals import ArrivalTable
from services.testdata.traces.generation.chain import USER_BLOCK
from services.testdata.traces.generation.decks import SHARD, Decks
from services.testdata.traces.generation.generate import first_user
from services.testdata.traces.generation.philox import LOW, Purpose, philox


def session_count(chain: Chain) -> int:
    """Must equal `generation.session_count`."""
    return int(block_totals(chain.key, chain.session_counts, chain.parameters.users).sum())


def generate(chain: Chain, first: int, count: int) -> Calls:
    """Must equal `generation.generate`."""
    totals = block_totals(chain.key, chain.session_counts, chain.parameters.users)
    before = np.concatenate([[0], totals.cumsum()])
    if chain.decks is None:
        codes, lengths = walk(chain, first, count)
    else:
        shards = range((first + count - 2) // SHARD + 1)
        dealt = [deal(chain, chain.decks, shard, min(SHARD, first - 1 + count - shard * SHARD)) for shard in shards]
        lengths = np.concatenate([of_shard for _, of_shard in dealt])
        codes = np.concatenate([of_shard for of_shard, _ in dealt])[lengths[: first - 1].sum() :]
        lengths = lengths[first - 1 :]
    return columns(chain, first, codes, lengths, *first_user(before, first))


def walk(chain: Chain, first: int, sessions: int) -> tuple[Codes, Lengths]:
    """The endpoints of the sessions, concatenated, and the number of calls of each."""
    leave = len(chain.endpoints)
    going = np.arange(sessions)
    state = np.full(sessions, leave)
    lengths = np.zeros(sessions, np.int32)
    steps: list[tuple[Whole, Whole]] = []
    for step in range(MAX_CALLS):
        words = session_words(chain.key, first + going, step // 4, Purpose.WALK)[step % 4]
        state = pick(chain.rows, state, words).astype(np.int64)
        stays = state != leave
        going, state = going[stays], state[stays]
        if not len(going):
            break
        lengths[going] += 1
        steps.append((going, state))
    codes = np.empty(lengths.sum(dtype=np.int64), np.uint16)
    begins = lengths.cumsum(dtype=np.int64) - lengths
    for step, (at, code) in enumerate(steps):
        codes[begins[at] + step] = code
    return codes, lengths


def deal(chain: Chain, decks: Decks, shard: int, sessions: int) -> tuple[Codes, Lengths]:
    """The endpoints of the first `sessions` sessions of a shard, concatenated, and the number of calls of each."""
    leave = len(chain.endpoints)
    left: list[list[int]] = [[] for _ in range(leave + 1)]
    dealt = [0] * (leave + 1)
    codes, lengths = array("H"), array("i")
    for _ in range(sessions):
        state, length = leave, 0
        while True:
            deck = left[state]
            if not deck:
                cards = decks.cards[decks.starts[state] : decks.starts[state + 1]]
                deck = left[state] = shuffled(chain.key, cards, shard, state, dealt[state])[::-1].tolist()
                dealt[state] += 1
            state = deck.pop()
            if state == leave or length == MAX_CALLS:
                break
            codes.append(state)
            length += 1
        lengths.append(length)
    return np.array(codes, np.uint16), np.array(lengths, np.int32)


LOW_20 = np.uint64((1 << 20) - 1)


def columns(chain: Chain, first: int, codes: Codes, lengths: Lengths, first_user: int, skip: int) -> Calls:
    """All columns of the sessions, starting with session `first`, with retries."""
    tables = chain.calls
    owned = owners(chain.key, chain.session_counts, chain.types, first_user, skip, len(lengths))
    index = np.arange(len(lengths)).repeat(lengths)
    begins = lengths.cumsum(dtype=np.int64) - lengths
    step = np.arange(len(codes)) - begins[index]
    session = first + index
    status_word, time_word, params_word, _ = session_words(chain.key, session, step, Purpose.CALL)
    status = pick(tables.statuses, codes, status_word).astype(np.int16)
    latency = tables.latency_means[codes] * tables.latency_factors[time_word >> np.uint64(20)]
    span = tables.think_span[codes].astype(np.uint64)
    think = tables.think_least[codes] + ((time_word & LOW_20) * span >> np.uint64(20)).astype(np.int64)
    head = tables.params.heads[codes]
    params = tables.params.codes[
        (head >> np.uint64(32)) + ((params_word * (head & np.uint64(0xFFFFFFFF))) >> np.uint64(32))
    ]

    arrival, has, where, _ = session_words(chain.key, first + np.arange(len(lengths)), 0, Purpose.SESSION)
    starts = cascade_starts(chain.cascade_threshold, has, where, lengths)
    hit = np.flatnonzero(step >= starts[index])
    kind = np.zeros(len(codes), np.uint8)
    kind_word, slow_word, retry_word, _ = session_words(chain.key, session[hit], step[hit], Purpose.CASCADE)
    kind[hit] = cascade_kinds(kind_word)
    slow = hit[kind[hit] == FaultKind.SLOW]
    latency[slow] *= tables.slow_factors[(slow_word >> np.uint64(20))[kind[hit] == FaultKind.SLOW]]
    latency[kind == FaultKind.TIMEOUT] = cascades.TIMEOUT_MS
    status[kind == FaultKind.TIMEOUT] = 504
    status[kind == FaultKind.UNAVAILABLE] = 503
    times = np.ones(len(codes), np.int64)
    times[hit] += (kind[hit] >= FaultKind.TIMEOUT) & (retry_word < np.uint64(cascades.RETRY_BELOW))

    row = np.arange(len(codes)).repeat(times)
    is_retry = np.zeros(len(row), bool)
    is_retry[1:] = row[1:] == row[:-1]
    ends = times.cumsum()
    took = np.ceil(latency).astype(np.int64)[row]
    took[ends - 1] += think
    elapsed = took.cumsum() - took
    first_row = np.concatenate([[0], ends])[begins]
    begin = begin_times(chain.arrival, arrival, owned.ordinal, owned.of)
    of_row = index[row]
    fault_kind = kind[row]
    fault_kind[is_retry] = FaultKind.RETRY
    return Calls(
        timestamp=(begin - elapsed[first_row])[of_row] + elapsed,
        user=owned.user[of_row],
        user_type=owned.user_type[of_row],
        session=session[row],
        endpoint=codes[row],
        status=status[row],
        latency_ms=latency[row],
        params=params[row],
        fault_id=np.where(fault_kind != FaultKind.NONE, session[row], 0),
        fault_kind=fault_kind,
    )


def pick(table: AliasTable, row: Codes | Whole | int, words: Words) -> Words:
    """The outcome that each word picks from its row."""
    head = table.rows[row]
    product = words * (head & np.uint64(0xFFFFFFFF))
    entry = table.entries[(head >> np.uint64(32)) + (product >> np.uint64(32))]
    own = (product & np.uint64(0xFFFFFFFF)) < (entry >> np.uint64(32))
    outcomes: Words = np.where(own, entry >> np.uint64(16), entry) & np.uint64(0xFFFF)
    return outcomes


def session_words(
    key: tuple[int, int], sessions: Whole, steps: npt.NDArray[np.integer] | int, purpose: Purpose
) -> tuple[Words, Words, Words, Words]:
    """The four words of each (session, step) for a purpose."""
    numbers = sessions.astype(np.uint64)
    return philox(
        key, numbers & np.uint64(LOW), numbers >> np.uint64(32), np.asarray(steps).astype(np.uint64), int(purpose)
    )


def begin_times(table: ArrivalTable, words: Words, ordinals: Whole, of: Whole) -> Whole:
    """Start times in Unix ms. A user with n sessions has n time slots of equal weight; session k starts in slot k, from
    0.
    """
    total = table.before[-1]
    share = (ordinals.astype(np.float64) + words.astype(np.float64) * 2.0**-32) / of.astype(np.float64)
    position = np.minimum((share * np.float64(total)).astype(np.int64), total - 1)
    bucket = table.before.searchsorted(position, "right") - 1
    begin: Whole = table.starts[bucket] + (position - table.before[bucket]) // table.weights[bucket]
    return begin


def cascade_starts(threshold: int, has: Words, where: Words, lengths: Lengths) -> Whole:
    """The step from 0 at which a cascade begins: in the middle half, after the first; the length if there is none."""
    length = lengths.astype(np.int64)
    least = np.maximum(1, length // 4)
    most = np.maximum(least, 3 * length // 4)
    starts = least + ((where * (most - least + 1).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)
    return np.where((has < np.uint64(threshold)) & (length > 1), starts, length)


def cascade_kinds(words: Words) -> npt.NDArray[np.uint8]:
    """The FaultKind of each call of a cascade."""
    bounds = np.array([cascades.SLOW_BELOW, cascades.TIMEOUT_BELOW, cascades.UNAVAILABLE_BELOW], np.uint64)
    kind = np.array([FaultKind.SLOW, FaultKind.TIMEOUT, FaultKind.UNAVAILABLE, FaultKind.NONE], np.uint8)
    return kind[bounds.searchsorted(words, "right")]


def shuffled(key: tuple[int, int], cards: Codes, shard: int, row: int, number: int) -> Codes:
    """The cards of a deck after shuffle number `number` in a shard: sorted by a random word each."""
    blocks = np.arange(-(-len(cards) // 4), dtype=np.uint64) << np.uint64(16) | np.uint64(row)
    words = np.stack(philox(key, blocks, shard, number, Purpose.DECK), axis=1).ravel()
    return cards[np.argsort(words[: len(cards)], kind="stable")]


@dataclass(frozen=True, slots=True)
class Owners:
    """For each session: its user, its index among the user's sessions, the number of these, and the user type."""

    user: Whole
    ordinal: Whole
    of: Whole
    user_type: npt.NDArray[np.uint8]


def session_counts_of(key: tuple[int, int], counts: Whole, first: int, users: int) -> Whole:
    """The number of sessions of each user, starting with user `first`. counts: `quantiles.session_counts`."""
    of_user: Whole = counts[user_words(key, first, users, Purpose.USER_SESSIONS) >> np.uint64(20)]
    return of_user


def block_totals(key: tuple[int, int], counts: Whole, users: int) -> Whole:
    """The number of sessions of each block of users."""
    return np.array(
        [
            session_counts_of(key, counts, first, min(USER_BLOCK, users + 1 - first)).sum()
            for first in range(1, users + 1, USER_BLOCK)
        ],
        np.int64,
    )


def owners(key: tuple[int, int], counts: Whole, types: AliasTable, first_user: int, skip: int, sessions: int) -> Owners:
    """The owners of `sessions` sessions, after skipping `skip` sessions from the first user on."""
    of_user = session_counts_of(key, counts, first_user, skip + sessions)
    ends = of_user.cumsum()
    low = int(ends.searchsorted(skip, "right"))
    here = slice(low, int(ends.searchsorted(skip + sessions, "left")) + 1)
    of_user, ends = of_user[here], ends[here]
    begins = ends - of_user
    taken = np.minimum(ends, skip + sessions) - np.maximum(begins, skip)
    words = user_words(key, first_user + low, len(of_user), Purpose.USER_TYPE)
    return Owners(
        user=np.arange(first_user + low, first_user + low + len(of_user)).repeat(taken),
        ordinal=np.arange(skip, skip + sessions) - begins.repeat(taken),
        of=of_user.repeat(taken),
        user_type=pick(types, 0, words).astype(np.uint8).repeat(taken),
    )


def user_words(key: tuple[int, int], first: int, users: int, purpose: Purpose) -> Words:
    """A 32-bit word for each user from `first`; user u has word (u - 1) % 4 of block (u - 1) // 4."""
    low = (first - 1) // 4
    blocks = np.arange(low, (first - 1 + users + 3) // 4, dtype=np.uint64)
    words = np.stack(philox(key, blocks, 0, 0, purpose), axis=1).ravel()
    skip = first - 1 - low * 4
    return words[skip : skip + users]
