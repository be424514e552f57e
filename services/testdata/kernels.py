"""Compiles all kernels ahead, into Numba's cache: python -m services.testdata.kernels.

Otherwise the first calls of a new checkout compile them, which may take longer than a call may.
"""

import io

from services.testdata.records.formats.registry import compile_formats
from services.testdata.records.values import compile_values
from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.files import write_file
from services.testdata.traces.learn.counting import compile_kernels
from services.testdata.traces.parameters import Mode, Parameters
from services.testdata.workflows.builtin import built_in


def main() -> None:
    """Generate a session in each way and format, count one, and generate a record in each format."""
    compile_kernels()
    compile_values()
    compile_formats()
    for stored in built_in().values():
        for mode in Mode:
            chain = compiled(packed(stored.workflow, Parameters(users=3, mode=mode)))
            for form in Format:
                write_file(chain, form, 1, 1, io.BytesIO(), {})


if __name__ == "__main__":
    main()
