"""ROWS: the `calls` of a StreamCallsResponse in the wire format of protobuf, without a message object per call.

The bytes equal those of the generated class `Call`: fields in order, zeros left out.
"""

from typing import assert_never

from services.testdata.traces.formats.records import How, Part, Records
from services.testdata.traces.formats.wire import BYTES, FIXED_32, VARINT, tag, text_field
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.schema import COLUMNS, Column, Kind


def rows(chain: Chain) -> Records:
    """Write calls as the repeated field `calls`, number 1."""
    return Records([_part(chain, column) for column in COLUMNS], field=tag(1, BYTES))


def _part(chain: Chain, column: Column) -> Part:
    field = column.field
    match column.kind:
        case Kind.TEXT if column.as_enum:
            codes = range(len(column.texts_of(chain)))
            return Part(column, How.TEXT, [bytes([tag(field, VARINT), code]) if code else b"" for code in codes])
        case Kind.TEXT:
            return Part(column, How.TEXT, [text_field(field, text) for text in column.texts_of(chain)])
        case Kind.TIME | Kind.NUMBER:
            return Part(column, How.VARINT, [bytes([tag(field, VARINT)])])
        case Kind.DECIMAL:
            return Part(column, How.FIXED_32, [bytes([tag(field, FIXED_32)])])
        case _:
            assert_never(column.kind)
