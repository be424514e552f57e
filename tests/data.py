"""Real data in the folder next to the checkout."""

import os
from pathlib import Path

import pytest

SHARED = (Path(__file__).parent.parent.parent / "shared" / "data").resolve()


def shared_data(name: str) -> Path:
    """The folder of a data set; skips the test, or fails it in CI, if it is not there."""
    folder = SHARED / name
    if not folder.is_dir():
        if os.environ.get("GREENROOM_REQUIRE_DATA") == "1":
            pytest.fail(f"GREENROOM_REQUIRE_DATA is set, but there is no {folder}")
        pytest.skip(f"no {name} data beside the checkout, at {folder}")
    return folder
