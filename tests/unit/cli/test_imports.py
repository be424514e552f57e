"""What an import prints."""

import pytest

from cli.kit.imports import reported
from greenroom.synthesizer.v1.import_pb2 import ImportSummary


def test_what_changed_about_unchanged_lines_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    summary = ImportSummary(imported=1, unchanged=5, labelled=2, linked=3, finished=1)

    reported(summary, strict=False, json=False)

    changed = "2 got a new label, 3 newly linked to a procedure, 1 newly finished"
    assert capsys.readouterr().out == f"1 imported, 5 unchanged ({changed}), 0 refused\n"
