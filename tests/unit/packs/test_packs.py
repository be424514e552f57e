"""Packs: every problem is named with its place, and what is written reads back equal."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.packs.errors import PackInvalid
from shared.model.packs.model import (
    Category,
    EdgeCase,
    Entity,
    Field,
    FieldType,
    Pack,
    Rule,
    Scenario,
    Severity,
    Support,
)
from shared.model.packs.reading import read_document, read_pack
from shared.model.packs.writing import digest, document, write_pack
from shared.rpc.packs import pack as read_message
from shared.rpc.packs import pack_message

SHOP = """\
display_name: Shop
entities:
  order:
    key: id
    fields:
      id: {type: identifier}
      status: {type: text, values: [open, paid]}
      total: {type: money, currency: EUR}
      placed: {type: date, nullable: true}
      rate: {type: number, minimum: 1, maximum: 5}
  item:
    fields:
      order_id: {type: identifier}
      price: {type: money, currency: EUR}
      note: {type: identifier, nullable: true}
relationships:
  - {child: item, child_fields: order_id, parent: order, parent_fields: id, child_name: items, parent_name: order}
"""


def wrong(text: str) -> Sequence[tuple[str, str]]:
    """The place, as line and column, and the sentence of everything that is wrong with this YAML."""
    with pytest.raises(PackInvalid) as raised:
        read_pack(text.encode(), "x")
    return [(one.field.removeprefix("x:"), one.description) for one in raised.value.violations]


def marked(text: str) -> tuple[str, str]:
    """A text without its mark §, and the place that the mark shows."""
    before, _, after = text.partition("§")
    return before + after, f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


FIELDS = [
    ("type: integer, minimum: 3, maximum: §1", "The minimum `3` and the maximum `1` leave no value; the maximum"),
    ("type: date, minimum: 2026-01-02, maximum: §2026-01-01", "The minimum `2026-01-02` and the maximum `2026-01-01`"),
    ("type: number, minimum: 1, maximum: §1, exclusive_maximum: true", "The minimum `1` and the maximum `1` leave no"),
    ("type: integer, minimum: §1.5", "The minimum of a field that is integer is a whole number."),
    ("type: time, minimum: §12:30:00", 'The minimum of a field that is time is a time such as "08:30:00", in quotes.'),
    ("type: text, minimum: §1", "A field that is text has no minimum"),
    ("type: integer, exclusive_minimum: §true", "`exclusive_minimum` needs a `minimum`."),
    ("type: integer, minimum: 1, maximum: §2, exclusive_minimum: true, exclusive_maximum: true", "The minimum `1` and"),
    (
        "type: number, scale: 1, minimum: 0.01, maximum: §0.09",
        "The minimum `0.01` and the maximum `0.09` leave no value;",
    ),
    ('type: text, max_length: 5, pattern: §"[A-Z]{10}"', "No text of 0 to 5 characters matches the pattern [A-Z]{10};"),
    ("type: text, min_length: 5, max_length: §4", "Texts of 5 to 4 characters do not exist"),
    ("type: integer, pattern: §a", "Only text has a pattern, and this field is integer."),
    ('type: text, pattern: §"(a"', "The pattern '(a' cannot be used"),
    ("type: money", "`it` is money without a currency; name one, such as EUR"),
    ("type: money, currency: §euro", "`euro` is neither a currency nor a field of `thing`"),
    ("type: text, currency: §EUR", "Only money has a currency, and `it` is text."),
    ("type: integer, values: [1, 2, §1]", "`1` is there twice; write it once."),
    ("type: integer, maximum: 5, values: [1, §9]", "`9` lies outside the field's own bounds."),
    ("type: text, values: [open], example: §opne", "`opne` is none of the values of `it` (did you mean `open`?)."),
    ("type: text, max_length: 2, default: §long", "`long` lies outside the bounds of `it`."),
    ("type: number, precision: 2, scale: §3", "The scale is greater than the precision"),
    ("type: §nubmer, minimum: 1", "`type` cannot be `nubmer`; it is text, integer, number"),
    ("type: text, description: §5", "`description` should be text; quote it."),
    ("type: text, §nullabel: true", "A field has no key `nullabel` (did you mean `nullable`?)."),
    ("type: number, minimum: §.inf", "A number is finite, and a whole one has up to 64 bits."),
    ("type: integer, derived: §it + 1", "`it` is derived from itself; derive it from other fields."),
]


@pytest.mark.parametrize(("field", "sentence"), FIELDS, ids=[field for field, _ in FIELDS])
def test_what_is_wrong_with_a_field_is_named_at_its_place(field: str, sentence: str) -> None:
    at = "" if "§" in field else "§"
    text, expected = marked(f"display_name: X\nentities:\n  thing:\n    fields:\n      {at}it: {{{field}}}\n")

    [(place, said)] = wrong(text)

    assert place == expected
    assert said.startswith(sentence)


PARTS = [
    ("rules:\n  r: {entity: §ordr, text: R.}\n", "There is no entity `ordr` (did you mean `order`?)."),
    ("rules:\n  r: {entity: order, text: §' '}\n", "A rule says in words what it means."),
    ("rules:\n  r: §{entity: order}\n", "A rule needs the key `text`."),
    ("rules: §[1]\n", "`rules` should be a mapping by id."),
    (
        "edge_cases:\n  c: {entity: order, category: boundary, text: C., field: §totla}\n",
        "`order` has no field `totla` (did you mean `total`?).",
    ),
    (
        "workflows:\n  w: {text: W., steps: {s: {text: S., entity: §itm}}}\n",
        "There is no entity `itm` (did you mean `item`?).",
    ),
    (
        "scenarios:\n  s: {text: S., constraints: [{entity: order, field: total, values: [§cheap]}]}\n",
        "The values of a field that is money are each a whole number of minor units",
    ),
    (
        "scenarios:\n  s: {text: S., constraints: [{entity: order, field: status, values: [open, §piad]}]}\n",
        "`piad` is none of the values of `status` (did you mean `paid`?).",
    ),
    (
        "scenarios:\n  s: {text: S., constraints: [{entity: order, field: rate, minimum: §9}]}\n",
        "The minimum `9` contradicts the maximum `5` of `rate`.",
    ),
    ("§scenarios:\n  s: {text: S., weight: 0}\n", "Every scenario has the weight 0"),
    (
        "  - {child: item, child_fields: §price, parent: order, parent_fields: placed, required: false}\n",
        "`price` is money and `placed` is date; both should have one type.",
    ),
    (
        "  - §{child: item, child_fields: note, parent: order, parent_fields: id}\n",
        "`note` may be null, so the relationship cannot be required; set `required: false`.",
    ),
    (
        "  - §{child: order, child_fields: id, parent: item, parent_fields: order_id}\n",
        "Required references go in a circle: `item` → `order` → `item`; one of them must not be required.",
    ),
    (
        "  - {child: item, child_fields: order_id, parent: order, parent_fields: id, child_name: §items}\n",
        "`items` means another relationship of `order` too; choose another name.",
    ),
]


@pytest.mark.parametrize(("part", "sentence"), PARTS, ids=[sentence for _, sentence in PARTS])
def test_what_is_wrong_with_a_part_is_named_at_its_place(part: str, sentence: str) -> None:
    text, expected = marked(SHOP + part)

    [(place, said)] = wrong(text)

    assert place == expected
    assert said.startswith(sentence)


EXPRESSIONS = {
    "plain": "total == sum(§items.prise)",
    "single quotes": "'status == §\"opne\"'",
    "double quotes": '"status == \\§"opne\\" or true"',
    "a block": '|\n      total > EUR 1\n        and §stat == "open"',
    "a folded block": '>-\n      total > EUR 1\n      and §stat == "open"',
    "its end": "total >§",
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=list(EXPRESSIONS))
def test_what_is_wrong_with_a_rule_is_named_where_it_stands_in_the_file(expression: str) -> None:
    rule = f"rules:\n  r:\n    entity: order\n    text: R.\n    expression: {expression}\n"
    text, expected = marked(SHOP + rule)

    [(place, _)] = wrong(text)

    assert place == expected


def test_a_misspelt_type_blames_no_rule() -> None:
    text, expected = marked(SHOP.replace("total: {type: money,", "total: {type: §mony,"))

    [(place, sentence)] = wrong(f"{text}rules:\n  r: {{entity: order, text: R., expression: total > EUR 1}}\n")

    assert place == expected
    assert sentence.startswith("`type` cannot be `mony`")


def test_at_most_a_hundred_problems_are_listed_and_all_are_counted() -> None:
    fields = "".join(f"      f{number}: {{type: money}}\n" for number in range(150))

    with pytest.raises(PackInvalid) as raised:
        read_pack(f"display_name: X\nentities:\n  thing:\n    fields:\n{fields}".encode(), "x")

    assert len(raised.value.violations) == 100
    assert "x has 150 problems" in str(raised.value)


NAMES = st.text(st.characters(categories=["L", "Nd"], include_characters="_- "), min_size=1, max_size=8).map(
    lambda text: text.strip() or "x"
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
VALUES: dict[FieldType, st.SearchStrategy[object]] = {
    FieldType.TEXT: TEXTS,
    FieldType.INTEGER: st.integers(-(2**53), 2**53),
    FieldType.NUMBER: st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-9, 9),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.dates().map(str),
    FieldType.TIME: st.times().map(str),
    FieldType.JSON: st.recursive(
        TEXTS | st.integers(-9, 9) | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
    ),
}


@st.composite
def fields(draw: st.DrawFn, name: str) -> Field:
    kind = draw(st.sampled_from(list(VALUES)))
    return Field(
        name,
        kind,
        description=draw(TEXTS),
        nullable=draw(st.booleans()),
        example=draw(VALUES[kind]),
        support=draw(st.none() | st.builds(Support, st.integers(0, 9), st.integers(0, 9))),
    )


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    entities = [
        Entity(
            name,
            description=draw(TEXTS),
            fields=tuple(draw(fields(field)) for field in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))),
        )
        for name in names
    ]
    ids = st.lists(NAMES, max_size=2, unique=True)
    entity = st.sampled_from(names)
    return Pack(
        draw(NAMES),
        draw(TEXTS),
        tuple(entities),
        rules=tuple(Rule(one, draw(entity), "Said.", draw(st.sampled_from(Severity))) for one in draw(ids)),
        edge_cases=tuple(
            EdgeCase(
                one, draw(entity), draw(st.sampled_from(Category)), draw(TEXTS), value=draw(VALUES[FieldType.JSON])
            )
            for one in draw(ids)
        ),
        scenarios=tuple(Scenario(one, draw(TEXTS), weight=draw(st.floats(0.5, 9))) for one in draw(ids)),
    )


@settings(max_examples=60, deadline=None)
@given(pack=packs())
def test_a_pack_reads_back_equal_from_yaml_from_its_document_and_from_its_message(pack: Pack) -> None:
    again = read_pack(write_pack(pack), "x")

    assert again == pack
    assert digest(again) == digest(pack)
    assert read_document(json.loads(json.dumps(document(pack)))) == pack
    assert read_message(pack_message(pack)) == pack
