"""Parquet: few bytes a call, written fast, by a writer of our own for exactly our eleven columns.

`writer` cuts calls into pages and row groups, `columns` says how each column is written, `encoders` and `pages` do it,
`kernels` are the encodings, compiled and with NumPy, and `layout` tells readers in Thrift's compact protocol.
"""

from services.testdata.traces.formats.parquet.writer import ROW_GROUP, write_parquet

__all__ = ["ROW_GROUP", "write_parquet"]
