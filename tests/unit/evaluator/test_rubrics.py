"""Rubrics are read strictly: each problem is a sentence with its line and column."""

from pathlib import Path

import pytest

from services.evaluator.rubrics.errors import RubricInvalid
from services.evaluator.rubrics.reading import read_rubric, write_rubric

EXAMPLE = Path(__file__).parents[3] / "examples/judges/manners.yaml"
SOUND = """\
display_name: Manners
criteria:
  polite:
    question: Is the agent polite?
    scale:
      polite: Never rude.
      rude: Rude at least once.
    passes: [polite]
"""
ONE = "The criterion `polite`"


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(RubricInvalid) as refused:
        read_rubric(text.encode(), "rubric.yaml")
    return [(one.field.removeprefix("rubric.yaml:"), one.description) for one in refused.value.violations]


def test_a_rubric_reads_back_as_it_was_written() -> None:
    rubric = read_rubric(EXAMPLE.read_bytes(), "manners.yaml")
    assert [one.id for one in rubric.criteria] == ["polite", "closes"]
    assert rubric.criteria[1].passes == ("farewell", "offer")
    assert read_rubric(write_rubric(rubric), "written") == rubric


@pytest.mark.parametrize(
    ("old", "new", "place", "sentence"),
    [
        (SOUND, "display_name: Manners\n", "1:1", "A rubric has at least one criterion; this one has none."),
        (
            SOUND,
            "display_name: Manners\ncriteria: {}\n",
            "2:11",
            "A rubric has at least one criterion; this one has none.",
        ),
        (SOUND, "[]", "1:1", "A rubric should be a mapping with the keys display_name, description or criteria."),
        ("      rude: Rude at least once.\n", "", "6:7", ONE + " has a scale of one value; a scale has 2 to 20."),
        ("question", "qestion", "4:5", ONE + " has no key `qestion` (did you mean `question`?)."),
        ("display_name: Manners\n", "", "1:1", "A rubric needs the key `display_name`."),
        ("[polite]", "[polit]", "8:14", ONE + ": `passes`: the scale has no verdict `polit` (did you mean `polite`?)."),
        ("[polite]", "[polite, rude]", "8:13", ONE + ": `passes` should name some verdicts of the scale, not all."),
        ("[polite]", "[]", "8:13", ONE + ": `passes` should name at least one verdict of the scale."),
        ("[polite]", "[no]", "8:14", ONE + ": `passes`: YAML reads this word as true or false; quote it."),
        ("      polite:", "      yes:", "6:7", "A key is text; quote it."),
        (
            "  polite:\n",
            "  Polite:\n",
            "3:3",
            "The id of a criterion should be a small letter, then up to 63 small letters, digits or `_`.",
        ),
        ("Is the agent polite?", "''", "4:15", ONE + ": `question` should be text of 1 to 2,000 characters."),
        (
            "passes: [polite]\n",
            "passes: [polite]\n    phrases: {rude: [], kind: [x]}\n",
            "9:21",
            ONE + ": `phrases`: the phrases of `rude` should be a list of 1 to 200 texts of up to 200 characters.",
        ),
        (
            "passes: [polite]\n",
            "passes: [polite]\n    phrases: {rude: [a], polite: [b]}\n",
            "9:14",
            ONE + ": `phrases` should leave out one verdict, that of an agent who says none of them.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, place: str, sentence: str) -> None:
    assert (place, sentence) in problems(SOUND.replace(old, new))
