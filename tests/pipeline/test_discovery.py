"""Discoveries beside independent readings of the same files: catalogues, jsonschema, descriptors, other rows."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool

from services.enricher.discovery import Discovery, Kind, Source, discover
from shared.model.packs.model import Entity, Field, Pack
from shared.model.packs.reading import read_pack
from shared.model.packs.writing import write_pack
from tests.data import shared_data
from tests.pipeline.discovery import Catalogue, LoadedSql, catalogue_of, counted, load_sql, unpacked
from tests.postgres import PostgresServer

CHINOOK = ("chinook", "Chinook_PostgreSql.sql.gz", "chinook")
NORTHWIND = ("northwind", "northwind.sql.gz", "")

SHOP = r"""
CREATE SCHEMA shop;
SET search_path = shop;
CREATE TYPE mood AS ENUM ('sad', 'it''s fine', 'glad');
CREATE DOMAIN zip AS text CHECK (VALUE ~ '^\d{5}$');
CREATE TABLE category (
    id smallserial PRIMARY KEY,
    parent_id smallint REFERENCES category ON DELETE CASCADE,
    name varchar(40) NOT NULL UNIQUE,
    "sort order" integer DEFAULT 0
);
CREATE TABLE "Customer" (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 5) PRIMARY KEY,
    email text NOT NULL,
    zip zip,
    mood mood DEFAULT 'glad'::mood,
    born date CHECK (born >= DATE '1900-01-01'),
    balance numeric(12,2) NOT NULL DEFAULT 0.00,
    tags text[] NOT NULL DEFAULT '{}',
    seen timestamp with time zone DEFAULT now(),
    CONSTRAINT email_form CHECK (email LIKE '%_@_%' AND length(email) <= 320)
);
CREATE UNIQUE INDEX customer_email ON "Customer" (email);
CREATE UNIQUE INDEX customer_lower ON "Customer" (lower(email));
CREATE UNIQUE INDEX customer_rich ON "Customer" (balance) WHERE balance > 1000;
CREATE INDEX customer_born ON "Customer" (born);
CREATE TABLE product (
    sku char(8) NOT NULL,
    variant integer NOT NULL,
    category_id smallint NOT NULL,
    price numeric(10,2) NOT NULL CHECK (price > 0),
    cost numeric(10,2),
    status text NOT NULL CHECK (status IN ('draft', 'live', 'gone')),
    CHECK (cost IS NULL OR cost <= price),
    PRIMARY KEY (sku, variant)
);
CREATE TABLE booking (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    customer_id bigint NOT NULL,
    sku char(8) NOT NULL,
    variant integer NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    unit_price numeric(10,2) NOT NULL,
    total numeric GENERATED ALWAYS AS (unit_price * quantity) STORED,
    starts timestamp NOT NULL,
    ends timestamp,
    during int4range,
    FOREIGN KEY (sku, variant) REFERENCES product (sku, variant) MATCH FULL DEFERRABLE INITIALLY DEFERRED,
    UNIQUE (customer_id, starts),
    EXCLUDE USING gist (during WITH &&),
    CHECK (quantity BETWEEN 1 AND 99),
    CHECK (((total)::text ~~ '%.%'::text)),
    CONSTRAINT not_before CHECK (ends > starts)
) WITH (fillfactor = 90);
ALTER TABLE ONLY booking
    ADD CONSTRAINT booking_customer FOREIGN KEY (customer_id) REFERENCES "Customer"(id) ON UPDATE CASCADE;
ALTER TABLE product ADD CONSTRAINT product_category FOREIGN KEY (category_id) REFERENCES category (id) NOT VALID,
    ALTER COLUMN cost SET DEFAULT 1, ADD COLUMN weight real NOT NULL DEFAULT 1.5 CHECK (weight >= 0);
CREATE VIEW cheap AS SELECT * FROM product WHERE price < 1;
CREATE FUNCTION nothing() RETURNS trigger AS $$ BEGIN RETURN NEW; END; $$ LANGUAGE plpgsql;
CREATE TRIGGER nothing BEFORE INSERT ON product FOR EACH ROW EXECUTE FUNCTION nothing();
COMMENT ON TABLE booking IS 'A customer''s booking; one line.';
COMMENT ON COLUMN booking.ends IS 'When it ends';
"""
"""What Chinook and Northwind do not have."""

LIBRARY = """
CREATE TABLE [Author] ([AuthorId] INTEGER PRIMARY KEY AUTOINCREMENT, [Name] NVARCHAR(120) NOT NULL UNIQUE, note);
CREATE TABLE Book (
  Isbn TEXT NOT NULL, Edition INTEGER DEFAULT 1, AuthorId INTEGER NOT NULL REFERENCES Author ON DELETE CASCADE,
  "Shelf Mark" TEXT COLLATE NOCASE, Pages UNSIGNED BIG INT CHECK (Pages > 0), Weight REAL, Sequel TEXT, SequelEdition,
  PRIMARY KEY (Isbn, Edition DESC), UNIQUE (AuthorId, "Shelf Mark") ON CONFLICT REPLACE,
  FOREIGN KEY (Sequel, SequelEdition) REFERENCES book (isbn, edition), CHECK (typeof(Weight) = 'real')
) WITHOUT ROWID;
CREATE UNIQUE INDEX by_shelf ON Book ("Shelf Mark");
CREATE UNIQUE INDEX some ON Book (Pages) WHERE Pages > 5;
CREATE TRIGGER t AFTER INSERT ON Book BEGIN UPDATE Book SET Pages = 1; SELECT CASE WHEN 1 THEN 2 END; END;
"""


MYSQL = r"""
/*!40101 SET NAMES utf8 */;
CREATE TABLE IF NOT EXISTS `customers` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'Names the customer',
  `email` varchar(120) CHARACTER SET utf8mb4 NOT NULL,
  `kind` enum('private','it''s') NOT NULL DEFAULT 'private',
  `active` tinyint(1) NOT NULL DEFAULT '1',
  `updated` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_email` (`email`),
  KEY `idx_kind` (`kind`) USING BTREE,
  CONSTRAINT `email_ok` CHECK (regexp_like(`email`, '^.+@.+$'))
) ENGINE=InnoDB AUTO_INCREMENT=42 DEFAULT CHARSET=utf8mb4 COMMENT='People who buy';
# A sale belongs to a customer.
CREATE TABLE sales (
  id bigint NOT NULL AUTO_INCREMENT,
  customer_id int unsigned NOT NULL,
  price double NOT NULL,
  quantity int NOT NULL,
  total double AS (price * quantity) VIRTUAL,
  state char(1) NOT NULL CHECK (state in ('a','b')),
  PRIMARY KEY (id),
  CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES customers (id)
);
ALTER TABLE sales ADD COLUMN note varchar(20) NULL AFTER state, ADD CONSTRAINT some CHECK (quantity > 0);
DELIMITER ;;
CREATE TRIGGER t BEFORE INSERT ON sales FOR EACH ROW BEGIN SET NEW.state = 'a'; END ;;
DELIMITER ;
"""
TSQL = r"""
SET QUOTED_IDENTIFIER ON
GO
CREATE TABLE [dbo].[customers](
	[id] [int] IDENTITY(1,1) NOT NULL,
	[email] [nvarchar](120) NOT NULL,
	[kind] [varchar](10) NOT NULL CONSTRAINT [DF_kind] DEFAULT ('private'),
	[active] [bit] NOT NULL,
	[updated] [datetime2](7) NOT NULL DEFAULT (sysutcdatetime()),
	[both] AS ([email] + ' ' + [kind]) PERSISTED,
 CONSTRAINT [PK] PRIMARY KEY CLUSTERED ([id] ASC) WITH (PAD_INDEX = OFF) ON [PRIMARY]
) ON [PRIMARY]
GO
CREATE TABLE [dbo].[sales lines](
	[id] [int] NOT NULL PRIMARY KEY,
	[customer_id] [int] NOT NULL,
	[price] [decimal](10, 2) NOT NULL,
	[quantity] [smallint] NOT NULL
)
GO
ALTER TABLE [dbo].[sales lines] WITH CHECK ADD CONSTRAINT [fk] FOREIGN KEY([customer_id])
REFERENCES [dbo].[customers] ([id])
GO
ALTER TABLE [dbo].[sales lines] WITH NOCHECK ADD CONSTRAINT [some] CHECK (([quantity]>(0)))
GO
ALTER TABLE [dbo].[customers] ADD CONSTRAINT [long] CHECK ((len([kind])>(2)))
ALTER TABLE [dbo].[customers] ADD DEFAULT ((1)) FOR [active]
GO
CREATE UNIQUE NONCLUSTERED INDEX [UX] ON [dbo].[customers] ([email] ASC)
GO
"""
ORACLE = r"""
CREATE TABLE "HR"."EMPLOYEES" (
  "ID" NUMBER(6,0) GENERATED BY DEFAULT ON NULL AS IDENTITY,
  "NAME" VARCHAR2(25 BYTE) CONSTRAINT "NAME_NN" NOT NULL ENABLE,
  "HIRED" DATE DEFAULT SYSDATE NOT NULL,
  "PAY" NUMBER(8,2),
  "BONUS" NUMBER GENERATED ALWAYS AS ("PAY" * 0.1) VIRTUAL,
  CONSTRAINT "EMP_PK" PRIMARY KEY ("ID") USING INDEX TABLESPACE "USERS" ENABLE,
  CONSTRAINT "PAY_MIN" CHECK (pay > 0) ENABLE
) SEGMENT CREATION IMMEDIATE TABLESPACE "USERS";
COMMENT ON COLUMN "HR"."EMPLOYEES"."PAY" IS 'Each month';
ALTER TABLE "HR"."EMPLOYEES" ADD CONSTRAINT "U" UNIQUE ("NAME") ENABLE;
"""


@pytest.fixture(scope="module", params=[CHINOOK, NORTHWIND], ids=lambda one: one[0])
def real(request: pytest.FixtureRequest, postgres: PostgresServer) -> tuple[Discovery, LoadedSql]:
    """A real schema with its rows: discovered, and loaded into PostgreSQL."""
    folder, file, database = request.param
    path = shared_data("schemas") / folder / file
    loaded = load_sql(postgres, unpacked(path), database)
    return discover([Source(path.read_bytes(), file)]), loaded


def test_a_real_schema_is_discovered_as_postgresql_reads_it(real: tuple[Discovery, LoadedSql]) -> None:
    discovery, loaded = real

    assert catalogue_of(discovery.pack) == loaded.catalogue()
    assert discovery.not_read == ()
    assert discovery.kinds == (Kind.SQL,)
    assert read_pack(write_pack(discovery.pack), "pack.yaml") == discovery.pack


def test_what_postgresql_has_is_discovered_or_named_as_not_read(postgres: PostgresServer) -> None:
    discovery = discover([Source(SHOP.encode(), "shop.sql")])
    expected = load_sql(postgres, SHOP).catalogue()

    found = catalogue_of(discovery.pack)

    # PostgreSQL has the view's columns too, and keeps the check of a domain with the domain.
    tables = {name for name, _ in found.columns}
    assert found.columns == frozenset(one for one in expected.columns if one[0] in tables)
    assert {name for name, _ in expected.columns} - tables == {"cheap"}
    assert found.optional == frozenset(one for one in expected.optional if one[0] in tables)
    assert (found.keys, found.uniques, found.references) == (expected.keys, expected.uniques, expected.references)
    assert found.checks == {**expected.checks, "Customer": expected.checks["Customer"] + 1}
    named = {one.construct.split("(")[0].strip(): one.reason for one in discovery.not_read}
    assert [*named] == [
        "ON DELETE CASCADE",
        'CREATE UNIQUE INDEX customer_lower ON "Customer"',
        'CREATE UNIQUE INDEX customer_rich ON "Customer"',
        "MATCH FULL",
        "EXCLUDE USING gist",
        "ON UPDATE CASCADE",
        "NOT VALID",
        "CREATE VIEW cheap AS SELECT * FROM product WHERE price < 1",
        "CREATE FUNCTION nothing",
        "CREATE TRIGGER nothing BEFORE INSERT ON product FOR EACH ROW EXECUTE FUNCTION nothing",
        "DEFAULT now",
        "during int4range",
        "DEFAULT gen_random_uuid",
        "CHECK",
    ]
    assert named["CHECK"].startswith("The rule is kept in words only")
    places = {one.place for one in discovery.not_read}
    assert f"shop.sql: line {_line(SHOP, 'EXCLUDE')}" in places
    assert f"shop.sql: line {_line(SHOP, 'total)::text')}" in places


def test_checks_enumerations_defaults_and_comments_of_sql_become_rules_and_fields() -> None:
    pack = discover([Source(SHOP.encode(), "shop.sql")]).pack

    assert {rule.id: rule.expression for rule in pack.rules} == {
        "Customer_check": 'born >= date("1900-01-01")',
        "email_form": 'email matches "(?s)^.*.@..*$" and length(email) <= 320',
        "Customer_zip": r"zip matches '^\d{5}$'",
        "product_check": "price > 0",
        "product_check_2": 'status in ["draft", "live", "gone"]',
        "product_check_3": "cost is null or cost <= price",
        "product_check_4": "weight >= 0",
        "booking_check": "quantity >= 1 and quantity <= 99",
        "booking_check_2": "",
        "not_before": "ends > starts",
    }
    customer, booking, product = (_entity(pack, name) for name in ("Customer", "booking", "product"))
    assert _field(customer, "mood").values == ("sad", "it's fine", "glad")
    assert (_field(customer, "mood").default, _field(product, "weight").default, _field(product, "cost").default) == (
        "glad",
        1.5,
        1,
    )
    assert (_field(product, "sku").max_length, _field(product, "price").precision, _field(product, "price").scale) == (
        8,
        10,
        2,
    )
    assert _field(booking, "total").derived == "unit_price * quantity"
    assert (booking.description, _field(booking, "ends").description) == (
        "A customer's booking; one line.",
        "When it ends",
    )


def test_what_sqlite_has_is_discovered_or_named_as_not_read() -> None:
    discovery = discover([Source(LIBRARY.encode(), "library.sql", dialect="sqlite")])

    found, expected = catalogue_of(discovery.pack), _sqlite_catalogue(LIBRARY)

    assert found == expected
    assert [(one.place, one.construct) for one in discovery.not_read] == [
        ("library.sql: line 4", "ON DELETE CASCADE"),
        ("library.sql: line 5", "COLLATE NOCASE"),
        ("library.sql: line 6", "ON CONFLICT REPLACE"),
        ("library.sql: line 10", "CREATE UNIQUE INDEX some ON Book (Pages) WHERE Pages > 5"),
        (
            "library.sql: line 11",
            "CREATE TRIGGER t AFTER INSERT ON Book BEGIN UPDATE Book SET Pages = 1; SELECT CASE WHEN 1 THEN 2 END; END",
        ),
        ("library.sql: line 7", "CHECK (typeof(Weight) = 'real')"),
    ]


def test_what_mysql_has_is_discovered_or_named_as_not_read() -> None:
    discovery = discover([Source(MYSQL.encode(), "shop.sql", dialect="mysql")])

    pack, found = discovery.pack, catalogue_of(discovery.pack)
    customers, sales = (_entity(pack, name) for name in ("customers", "sales"))
    assert found.keys == {"customers": ("id",), "sales": ("id",)}
    assert found.uniques == {("customers", frozenset({"email"}))}
    assert found.references == {("sales", frozenset({"customer_id"}), "customers", frozenset({"id"}))}
    assert found.optional == {("sales", "total"), ("sales", "note")}
    assert {rule.id: rule.expression for rule in pack.rules} == {
        "email_ok": 'email matches "(?i)^.+@.+$"',
        "sales_check": 'state in ["a", "b"]',
        "some": "quantity > 0",
    }
    assert (customers.description, _field(customers, "id").description) == ("People who buy", "Names the customer")
    assert (_field(customers, "kind").values, _field(customers, "kind").default) == (("private", "it's"), "private")
    assert (_field(customers, "active").type, _field(customers, "active").default) == ("boolean", True)
    assert (_field(customers, "id").minimum, _field(sales, "total").derived) == (0, "price * quantity")
    assert [(one.place, one.construct[:27]) for one in discovery.not_read] == [
        (f"shop.sql: line {_line(MYSQL, 'ON UPDATE')}", "ON UPDATE CURRENT_TIMESTAMP"),
        (f"shop.sql: line {_line(MYSQL, 'TRIGGER')}", "CREATE TRIGGER t BEFORE INS"),
        (f"shop.sql: line {_line(MYSQL, 'ON UPDATE')}", "DEFAULT CURRENT_TIMESTAMP"),
    ]


def test_what_tsql_has_is_discovered_or_named_as_not_read() -> None:
    discovery = discover([Source(TSQL.encode(), "shop.sql", dialect="tsql")])

    pack, found = discovery.pack, catalogue_of(discovery.pack)
    customers = _entity(pack, "customers")
    assert [one.name for one in customers.fields] == ["id", "email", "kind", "active", "updated", "both"]
    assert found.keys == {"customers": ("id",), "sales lines": ("id",)}
    assert found.uniques == {("customers", frozenset({"email"}))}
    assert found.references == {("sales lines", frozenset({"customer_id"}), "customers", frozenset({"id"}))}
    assert found.optional == {("customers", "both")}
    assert {rule.id: rule.expression for rule in pack.rules} == {"long": "length(kind) > 2", "some": "quantity > 0"}
    assert (_field(customers, "kind").default, _field(customers, "active").default) == ("private", True)
    assert [(one.place, one.construct) for one in discovery.not_read] == [
        (f"shop.sql: line {_line(TSQL, 'sysutcdatetime')}", "DEFAULT (sysutcdatetime())"),
        (f"shop.sql: line {_line(TSQL, 'CREATE TABLE [dbo].[customers]')}", "both: derived"),
    ]


def test_what_oracle_has_is_discovered_or_named_as_not_read() -> None:
    discovery = discover([Source(ORACLE.encode(), "staff.sql", dialect="oracle")])

    pack, found = discovery.pack, catalogue_of(discovery.pack)
    employees = _entity(pack, "EMPLOYEES")
    assert found.keys == {"EMPLOYEES": ("ID",)}
    assert found.uniques == {("EMPLOYEES", frozenset({"NAME"}))}
    assert found.optional == {("EMPLOYEES", "PAY"), ("EMPLOYEES", "BONUS")}
    assert [rule.expression for rule in pack.rules] == ["PAY > 0"]
    assert (_field(employees, "BONUS").derived, _field(employees, "PAY").description) == ("PAY * 0.1", "Each month")
    assert [(one.place, one.construct) for one in discovery.not_read] == [("staff.sql: line 5", "DEFAULT SYSDATE")]


@pytest.mark.parametrize(("folder", "file"), [("petstore", "openapi.yaml"), ("twilio", "twilio_verify_v2.json.gz")])
def test_every_object_of_an_openapi_file_is_discovered(folder: str, file: str) -> None:
    path = shared_data("schemas") / folder / file
    text = unpacked(path) if file.endswith(".gz") else path.read_text()
    document = json.loads(text) if ".json" in file else yaml.safe_load(text)

    discovery = discover([Source(path.read_bytes(), file)])

    by_origin = {entity.origin: entity for entity in discovery.pack.entities}
    objects = dict(_objects(document))
    assert set(by_origin) == set(objects)
    for pointer, schema in objects.items():
        entity = by_origin[pointer]
        properties = schema["properties"]
        assert [field.name for field in entity.fields] == [*properties]
        required = set(_required(schema, document)) - {key for key, one in properties.items() if one.get("nullable")}
        assert {field.name for field in entity.fields if not field.nullable} == required
        for field in entity.fields:
            described = _resolved(properties[field.name], document)
            assert list(field.values) == described.get("enum", [])
            assert field.max_length == (
                described.get("maxLength") if "date" not in described.get("format", "") else None
            )
    assert {one.reason for one in discovery.not_read} == {"Parameters of a call describe no records."}
    assert read_pack(write_pack(discovery.pack), "pack.yaml") == discovery.pack


def test_every_message_of_a_descriptor_set_is_discovered(tmp_path: Path) -> None:
    image = _compiled(shared_data("schemas") / "online_boutique" / "demo.proto", tmp_path)
    described = descriptor_pb2.FileDescriptorSet.FromString(image)
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    messages = pool.FindFileByName("demo.proto").message_types_by_name

    discovery = discover([Source(image, "demo.binpb")])

    entities = {entity.name: entity for entity in discovery.pack.entities}
    assert set(entities) == {name for name, message in messages.items() if message.fields}
    for name, entity in entities.items():
        assert [field.name for field in entity.fields] == [field.name for field in messages[name].fields]
        for field in entity.fields:
            of = messages[name].fields_by_name[field.name]
            assert field.nullable == (of.message_type is not None and not of.is_repeated)
    assert entities["CartItem"].fields[1].name == "quantity"
    services = pool.FindFileByName("demo.proto").services_by_name.values()
    calls = {f"demo.binpb: {service.name}.{method.name}" for service in services for method in service.methods}
    empty = {f"demo.binpb: hipstershop.{name}" for name, message in messages.items() if not message.fields}
    assert {one.place for one in discovery.not_read} == calls | empty
    assert "currency code" in entities["Money"].fields[0].description


def test_real_rows_suggest_the_rules_of_their_business(real: tuple[Discovery, LoadedSql]) -> None:
    discovery, _ = real

    proposed = {rule.expression for rule in discovery.pack.rules if rule.proposed}

    if discovery.pack.entity("invoice"):
        assert "total == round(sum(invoice_line.unit_price * invoice_line.quantity), 2)" in proposed
    else:
        assert {"order_date <= required_date", "order_date <= shipped_date"} <= proposed
    assert all(
        rule.support and rule.support.held == rule.support.seen for rule in discovery.pack.rules if rule.proposed
    )


def test_rows_without_a_schema_give_keys_and_propose_references(real: tuple[Discovery, LoadedSql]) -> None:
    declared, loaded = real
    sources = [
        Source("\n".join(map(json.dumps, loaded.table(f'"{entity.name}"'))).encode(), f"{entity.name}.jsonl")
        for entity in declared.pack.entities
        if loaded.table(f'"{entity.name}"')
    ]

    pack = discover(sources).pack

    real_links = {(one.child, one.child_fields, one.parent) for one in declared.pack.relationships}
    found = {(one.child, one.child_fields, one.parent) for one in pack.relationships}
    assert all(one.proposed and one.support for one in pack.relationships)
    assert found <= real_links
    assert len(found) >= len(real_links) / 3
    keys = {entity.name: entity.key for entity in pack.entities if entity.key}
    assert keys == {name: key for name, key in catalogue_of(declared.pack).keys.items() if name in keys}
    assert len(keys) >= len(pack.entities) / 2


def _line(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def _entity(pack: Pack, name: str) -> Entity:
    entity = pack.entity(name)
    assert entity is not None
    return entity


def _field(entity: Entity, name: str) -> Field:
    field = entity.field(name)
    assert field is not None
    return field


def _sqlite_catalogue(sql: str) -> Catalogue:
    """What SQLite says after it has carried out the SQL. It does not list checks; the text of its tables has them."""
    database = sqlite3.connect(":memory:")
    database.executescript(sql)
    tables = [
        name
        for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if name[:7] != "sqlite_"
    ]
    columns, optional, keys, uniques, references = set(), set(), {}, set(), set()
    parts = {}
    for table in tables:
        rows = database.execute(f'PRAGMA table_info("{table}")').fetchall()
        parts[table] = {name.casefold(): name for _, name, *_ in rows}
        columns |= {(table, name) for _, name, *_ in rows}
        optional |= {(table, name) for _, name, _, not_null, _, key in rows if not not_null and not key}
        key = sorted((at, name) for _, name, _, _, _, at in rows if at)
        if key:
            keys[table] = tuple(name for _, name in key)
    for table in tables:
        for _, index, unique, origin, partial in database.execute(f'PRAGMA index_list("{table}")'):
            if unique and origin != "pk" and not partial:
                named = database.execute(f'PRAGMA index_info("{index}")').fetchall()
                uniques.add((table, frozenset(name for _, _, name in named)))
        links: dict[int, list[tuple[str, str, str]]] = {}
        for number, _, parent, child, to, *_ in database.execute(f'PRAGMA foreign_key_list("{table}")'):
            name = next(one for one in tables if one.casefold() == parent.casefold())
            links.setdefault(number, []).append((name, child, parts[name][(to or keys[name][0]).casefold()]))
        for some in links.values():
            children, parents = frozenset(one for _, one, _ in some), frozenset(one for *_, one in some)
            references.add((table, children, some[0][0], parents))
    texts = dict(database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall())
    checks = counted(table for table in tables for _ in re.findall(r"\bCHECK\b", texts[table]))
    return Catalogue(frozenset(columns), frozenset(optional), keys, frozenset(uniques), frozenset(references), checks)


def _objects(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(pointer, schema) of every object with properties: among the components, in bodies, and inside of others."""
    starts = [(f"#/components/schemas/{name}", one) for name, one in document["components"]["schemas"].items()]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict):
                at = f"#/paths/{_escaped(path)}/{method}"
                bodies = {f"{at}/requestBody": operation.get("requestBody", {})}
                bodies |= {f"{at}/responses/{code}": one for code, one in operation.get("responses", {}).items()}
                for where, body in bodies.items():
                    for media, content in body.get("content", {}).items():
                        starts.append((f"{where}/content/{_escaped(media)}/schema", content.get("schema", {})))
    while starts:
        pointer, schema = starts.pop()
        if "properties" in schema:
            yield pointer, schema
            starts += [(f"{pointer}/properties/{key}", one) for key, one in schema["properties"].items()]
        if isinstance(schema.get("items"), dict):
            starts.append((f"{pointer}/items", schema["items"]))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _required(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    """What jsonschema misses in an empty object."""
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    for error in validator.iter_errors({}):
        if error.validator == "required":
            yield error.message.split("'")[1]


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _compiled(proto: Path, folder: Path) -> bytes:
    """The descriptor set of a .proto file, by buf."""
    (folder / "demo.proto").write_bytes(proto.read_bytes())
    buf = Path(sys.executable).parent / "buf"
    subprocess.run([buf, "build", folder, "-o", folder / "demo.binpb"], check=True, cwd=folder)
    return (folder / "demo.binpb").read_bytes()
