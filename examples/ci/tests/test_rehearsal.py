"""The agent of this pull request is as good as the one that runs now; `rehearsal.yaml` says what is played."""

import os
from pathlib import Path

SPEC = Path(__file__).with_name("rehearsal.yaml")


def test_the_agent_is_as_good_as_before(greenroom_rehearsal):
    result = greenroom_rehearsal(SPEC, label=f"pull request {os.environ.get('PULL_REQUEST', '0')}")

    assert result.good
    assert result.report.sides[0].invalid <= 5
