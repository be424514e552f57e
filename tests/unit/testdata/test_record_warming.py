"""What worker processes load before the first call for records."""

import sys

from services.testdata.records.making import warm


def test_what_is_loaded_ahead_makes_a_record() -> None:
    warm()
    assert "services.testdata.records.generation.search" in sys.modules
