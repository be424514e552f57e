"""Tables as the parts of a pack."""

from collections.abc import Iterable
from dataclasses import replace

from services.enricher.discovery.links import Link, relationship
from services.enricher.discovery.model import Found, NotRead, Sample
from services.enricher.discovery.names import unique_name
from services.enricher.discovery.places import Lines, shown
from services.enricher.discovery.sql import types
from services.enricher.discovery.sql.elements import Miss
from services.enricher.discovery.sql.expressions import Known, NoExpression, Translator, literal
from services.enricher.discovery.sql.schema import Check, Column, Foreign, Name, Schema, Sql, Table, Type
from shared.model.events import Json
from shared.model.packs.model import Entity, Field, FieldType, Relationship, Rule
from shared.rules.printer import show

_KEY_MAKERS = ("nextval", "seq.nextval")


class Parts:
    """Makes entities, relationships and rules of the tables of a schema."""

    def __init__(self, schema: Schema, dialect: str, lines: Lines, miss: Miss) -> None:
        self._schema = schema
        self._dialect = dialect
        self._lines = lines
        self._miss = miss
        self._names = _entity_names(schema)
        self._rules: dict[str, Rule] = {}
        self._links: list[Link] = []

    def found(self, not_read: list[NotRead]) -> Found:
        """Everything. not_read: what was not read so far, and where `miss` adds to."""
        entities = {}
        for table in self._schema.tables.values():
            if table.columns:
                entity = self._entity(table)
                entities[entity.name] = entity
            else:
                self._miss(table.offset, f"TABLE {table.name.text}", "None of its columns was read, so it is left out.")
        for table in self._schema.tables.values():
            for foreign in table.foreign:
                self._link(table, foreign)
        for link in self._links:
            entities[link.child] = _like_parent(entities[link.child], link, entities[link.parent])
        return Found(
            entities=tuple(entities.values()),
            relationships=self._relationships(entities),
            rules=tuple(self._rules.values()),
            samples=tuple(self._samples()),
            not_read=tuple(not_read),
        )

    def _relationships(self, entities: dict[str, Entity]) -> tuple[Relationship, ...]:
        made: list[Relationship] = []
        for link in self._links:
            made.append(relationship(link, entities, made))
        return tuple(made)

    def _samples(self) -> Iterable[Sample]:
        for table in self._schema.tables.values():
            if table.row_count and table.rows:
                names = {key: self._field_name(table.columns[key]) for key in table.rows if key in table.columns}
                columns = {name: table.rows[key] for key, name in names.items()}
                yield Sample(self._names[table.schema, table.name.key], columns, self._lines.place(table.offset))

    def _field_name(self, column: Column) -> str:
        return unique_name(column.name.text)

    def _entity(self, table: Table) -> Entity:
        name = self._names[table.schema, table.name.key]
        reads = {key: self._type(column) for key, column in table.columns.items() if not _computed(column)}
        typed = Translator({key: Known(key, read.type) for key, read in reads.items()}, self._dialect)
        reads |= {
            key: types.Read(typed.type_of(column.generated.text) or FieldType.TEXT)
            for key, column in table.columns.items()
            if column.generated is not None and _computed(column)
        }
        known = {key: Known(self._field_name(column), reads[key].type) for key, column in table.columns.items()}
        translator = Translator(known, self._dialect)
        single = {unique.columns[0].key for unique in table.uniques if len(unique.columns) == 1}
        fields = [
            self._field(column, reads[key], translator, unique=key in single) for key, column in table.columns.items()
        ]
        for check in table.checks:
            self._rule(name, check, translator)
        for key, read in reads.items():
            for check in read.checks:
                self._rule(name, check, Translator({**known, "value": known[key]}, self._dialect), known[key].name)
        return Entity(
            name=name,
            description=table.comment,
            fields=tuple(fields),
            key=self._known_names(table, table.key, table.offset),
            uniques=tuple(
                found
                for unique in table.uniques
                if len(unique.columns) > 1 and (found := self._known_names(table, unique.columns, unique.offset))
            ),
            origin=self._lines.origin(table.offset),
        )

    def _type(self, column: Column) -> types.Read:
        read = types.read(column.type, self._schema, self._dialect)
        if read.unknown:
            self._miss(column.offset, f"{column.name.text} {_written(column.type)}", f"{read.unknown}.")
        return read

    def _field(self, column: Column, read: types.Read, translator: Translator, *, unique: bool) -> Field:
        name = self._field_name(column)
        limits = dict(read.limits)
        description = column.comment or limits.pop("description", "")
        field = Field(name, read.type, description, nullable=column.nullable and read.nullable, unique=unique)
        field = replace(field, **limits)
        if column.generated is not None:
            return replace(field, derived=self._derived(column, column.generated, translator), generated=True)
        if column.counts_from is not None and field.type is FieldType.INTEGER:
            return replace(field, generated=True, minimum=column.counts_from)
        default = column.default or read.default
        return field if default is None else replace(field, default=self._default(column, default, field))

    def _derived(self, column: Column, sql: Sql, translator: Translator) -> str:
        try:
            return show(translator.translated(sql.text))
        except NoExpression as error:
            self._miss(sql.offset, f"{column.name.text} AS ({sql.text})", f"The value is not derived, because {error}.")
            return ""

    def _default(self, column: Column, sql: Sql, field: Field) -> Json:
        if column.type.array:
            return None
        try:
            known, value = literal(sql.text, self._dialect, field.type)
        except NoExpression as error:
            self._miss(sql.offset, f"DEFAULT {sql.text}", f"{column.name.text} has no default, because {error}.")
            return None
        if not known and not sql.text.lower().startswith(_KEY_MAKERS):
            self._miss(sql.offset, f"DEFAULT {sql.text}", "A default that is computed has no place in a pack.")
        return value

    def _rule(self, entity: str, check: Check, translator: Translator, field: str = "") -> None:
        rule_id = unique_name(check.constraint or f"{entity}_{field or 'check'}", self._rules)
        text = f"CHECK ({shown(check.sql.text)})"
        expression = ""
        try:
            expression = show(translator.translated(check.sql.text))
        except NoExpression as error:
            self._miss(check.sql.offset, text, f"The rule is kept in words only, because {error}.")
        origin = self._lines.origin(check.sql.offset)
        self._rules[rule_id] = Rule(rule_id, entity, text, expression=expression, origin=origin)

    def _known_names(self, table: Table, names: tuple[Name, ...], offset: int) -> tuple[str, ...]:
        """The fields of these columns, or none if the table lacks one of them."""
        for name in names:
            if name.key not in table.columns:
                self._miss(offset, name.text, f"The table {table.name.text} has no column {name.text}.")
                return ()
        return tuple(self._field_name(table.columns[name.key]) for name in names)

    def _link(self, table: Table, foreign: Foreign) -> None:
        parent = self._schema.table(foreign.schema, foreign.parent)
        shown_as = f"FOREIGN KEY ({', '.join(name.text for name in foreign.columns)}) REFERENCES {foreign.parent.text}"
        if parent is None or not parent.columns:
            self._miss(foreign.offset, shown_as, f"The table {foreign.parent.text} is not defined in this file.")
            return
        children = self._known_names(table, foreign.columns, foreign.offset)
        parents = self._known_names(parent, foreign.parent_columns or parent.key, foreign.offset)
        if not children or len(children) != len(parents):
            self._miss(foreign.offset, shown_as, "It does not say which columns are equal.")
            return
        self._links.append(
            Link(
                self._names[table.schema, table.name.key],
                children,
                self._names[parent.schema, parent.name.key],
                parents,
                self._lines.origin(foreign.offset),
            )
        )


def _entity_names(schema: Schema) -> dict[tuple[str, str], str]:
    """The names of entities: those of tables; with their schema if several schemas have the name."""
    counts: dict[str, int] = {}
    for _, key in schema.tables:
        counts[key] = counts.get(key, 0) + 1
    names: dict[tuple[str, str], str] = {}
    for at, table in schema.tables.items():
        qualified = f"{table.schema}_{table.name.text}" if table.schema else table.name.text
        names[at] = unique_name(table.name.text if counts[at[1]] == 1 else qualified, set(names.values()))
    return names


def _like_parent(child: Entity, link: Link, parent: Entity) -> Entity:
    """The child with the types of what it refers to, where its own are looser: a number, or none in SQLite."""
    fields = {field.name: field for field in child.fields}
    for name, parent_name in zip(link.child_fields, link.parent_fields, strict=True):
        to = parent.field(parent_name)
        own = fields[name].type
        if to is not None and (own is FieldType.JSON or {own, to.type} == {FieldType.INTEGER, FieldType.NUMBER}):
            fields[name] = replace(fields[name], type=to.type)
    return replace(child, fields=tuple(fields.values()))


def _computed(column: Column) -> bool:
    """True for `total AS (price * quantity)`, whose type is that of the expression."""
    return column.generated is not None and not column.type.base


def _written(type_: Type) -> str:
    return f"{type_.base}({', '.join(type_.arguments)})" if type_.arguments else type_.base
