"""Records of a rehearsal as lines of a resource set."""

import json
from collections.abc import Sequence

MOST = 20_000
"""The most records of a rehearsal; a resource set has no more."""
OF_EACH = 20
"""How many there are of each entity, where nobody said it."""


def resource_lines(entity: str, records: bytes, key: Sequence[str], before: int) -> bytes:
    """Records of one entity, one JSON object a line, as resources.

    key: the fields that identify a record. before: how many records of the entity came before; without a key the number
    of a record identifies it, from 1.
    """
    lines = []
    for number, line in enumerate(records.splitlines(), before + 1):
        data = json.loads(line)
        identity = "/".join(str(data[field]) for field in key) if key else str(number)
        lines.append(json.dumps({"type": entity, "id": identity, "data": data}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines).encode()
