"""Value by value: what fastavro decodes from the topic against what psycopg reads from the table.

Neither side goes through Tidegate's code: the topic is read again from its start, each body is decoded with
fastavro and the writer schema that the registry has, and each column is read in PostgreSQL's binary format."""

import base64
import datetime
import decimal
import io
import json
import math
import struct
import uuid

import fastavro
from psycopg import sql

UTC = datetime.timezone.utc


# --- the topic's side ---


class TopicDecoder:
    """Confluent-framed bytes -> Python values, by fastavro alone."""

    def __init__(self, registry):
        self.registry = registry
        self.schemas = {}

    def schema(self, schema_id):
        if schema_id not in self.schemas:
            text = self.registry.get_schema(schema_id).schema_str
            self.schemas[schema_id] = (json.loads(text), fastavro.parse_schema(json.loads(text)))
        return self.schemas[schema_id]

    def decode(self, value):
        """(plain schema, record)"""
        magic, schema_id = struct.unpack(">bI", value[:5])
        assert magic == 0
        plain, parsed = self.schema(schema_id)
        return plain, fastavro.schemaless_reader(io.BytesIO(value[5:]), parsed)


# --- what a column should hold ---


class Column:
    def __init__(self, name, path, convert, expression=None):
        self.name = name
        self.path = path
        self.convert = convert
        self.expression = expression or sql.Identifier(name)

    def expected(self, record):
        value = record
        for step in self.path:
            if value is None:
                return None
            value = value[step]
        return None if value is None else self.convert(value)


def columns_of(schema):
    """The columns that a schema's records fill, nested records flattened to a_b."""
    names = {}
    _learn(schema, names)
    return list(_columns(schema, (), names))


def _columns(schema, path, names):
    for field in schema["fields"]:
        kind = _resolve(_nullable(field["type"]), names)
        here = path + (field["name"],)
        if isinstance(kind, dict) and kind["type"] == "record":
            yield from _columns(kind, here, names)
        else:
            name = "_".join(here)
            yield Column(name, here, _converter(kind, names), _expression(name, kind))


def _expression(name, kind):
    if isinstance(kind, dict) and kind.get("logicalType") == "duration":
        # The wire form shows months, days and microseconds apart; a timedelta cannot.
        return sql.SQL("interval_send({})").format(sql.Identifier(name))
    return sql.Identifier(name)


def _nullable(kind):
    """[null, X] is X that may be absent."""
    if isinstance(kind, list):
        branches = [branch for branch in kind if branch != "null"]
        if len(branches) == 1:
            return branches[0]
    return kind


def _resolve(kind, names):
    while True:
        if isinstance(kind, str) and kind in names:
            kind = names[kind]
        elif isinstance(kind, dict) and isinstance(kind["type"], (dict, list)):
            kind = kind["type"]
        elif isinstance(kind, dict) and kind["type"] in names:
            kind = names[kind["type"]]
        elif isinstance(kind, dict) and set(kind) == {"type"}:
            kind = kind["type"]
        else:
            return kind


def _learn(kind, names):
    if isinstance(kind, list):
        for branch in kind:
            _learn(branch, names)
    elif isinstance(kind, dict):
        if "name" in kind and kind["type"] in ("record", "enum", "fixed"):
            names[kind["name"]] = kind
        for inner in kind.get("fields", []):
            _learn(inner["type"], names)
        for part in ("items", "values"):
            if part in kind:
                _learn(kind[part], names)
        if isinstance(kind["type"], (dict, list)):
            _learn(kind["type"], names)


def _converter(kind, names):
    logical = kind.get("logicalType") if isinstance(kind, dict) else None
    if logical in ("timestamp-nanos", "local-timestamp-nanos"):
        zone = UTC if logical == "timestamp-nanos" else None
        base = datetime.datetime(1970, 1, 1, tzinfo=zone)
        return lambda ns: _canonical(base + datetime.timedelta(microseconds=ns // 1000))
    if logical == "duration":
        return _interval
    base = kind if isinstance(kind, str) else kind["type"]
    if base == "array":
        items = _resolve(_nullable(kind["items"]), names)
        scalar = isinstance(items, str) or items["type"] not in ("record", "map", "array")
        if scalar and not (isinstance(items, list)):
            convert = _converter(items, names)
            return lambda values: [None if v is None else convert(v) for v in values]
        return lambda value: JsonValue(json_of(value, kind, names))
    if base == "map" or isinstance(kind, list):
        return lambda value: JsonValue(json_of(value, kind, names))
    if logical == "uuid":
        return lambda value: uuid.UUID(str(value)) if not isinstance(value, bytes) else uuid.UUID(bytes=value)
    return _canonical


def _interval(value):
    months, days, milliseconds = struct.unpack("<III", value)
    return struct.pack(">qii", milliseconds * 1000, days, months)


def json_of(value, kind, names):
    """How a value looks inside jsonb."""
    kind = _resolve(kind, names)
    if isinstance(kind, list):
        if value is None:
            return None
        return json_of(value, _nullable(kind), names)
    if value is None:
        return None
    base = kind if isinstance(kind, str) else kind["type"]
    if base == "record":
        return {f["name"]: json_of(value[f["name"]], f["type"], names) for f in kind["fields"]}
    if base == "array":
        return [json_of(item, kind["items"], names) for item in value]
    if base == "map":
        return {key: json_of(item, kind["values"], names) for key, item in value.items()}
    if base == "float":
        return Single(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value


# --- a common form of both sides ---


def _canonical(value):
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, decimal.Decimal):
        return value.normalize(decimal.Context(prec=200))
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return value


class JsonValue:
    """Equals what psycopg reads from jsonb: 1.0 and 1 are one number there, the sign of zero is lost, and a double
    is written with the shortest digits that give it back."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return _same_json(self.value, other)

    def __repr__(self):
        return f"jsonb {self.value!r}"


class Single(float):
    """Of 32 bits: written with the digits that it needs, which are not those of the double of the same value."""


def _same_json(expected, actual):
    if isinstance(expected, dict):
        return (isinstance(actual, dict) and expected.keys() == actual.keys()
                and all(_same_json(value, actual[key]) for key, value in expected.items()))
    if isinstance(expected, list):
        return (isinstance(actual, list) and len(expected) == len(actual)
                and all(_same_json(*pair) for pair in zip(expected, actual)))
    if isinstance(expected, bool) or isinstance(actual, bool) or expected is None or isinstance(expected, str):
        return type(expected) is type(actual) and expected == actual
    if not isinstance(actual, (int, float)):
        return False
    if isinstance(expected, Single):
        return expected == struct.unpack("<f", struct.pack("<f", actual))[0]
    return expected == (float(actual) if isinstance(expected, float) else actual)


# --- the comparison ---


class Differences:
    """What does not agree, with the first few in words."""

    def __init__(self):
        self.count = 0
        self.examples = []

    def add(self, text):
        self.count += 1
        if len(self.examples) < 10:
            self.examples.append(text)

    def check(self):
        assert self.count == 0, f"{self.count} differences, the first:\n  " + "\n  ".join(self.examples)


def read_rows(connection, table, columns, key="id"):
    """Rows in the order of key, through a cursor that holds few of them at a time."""
    names = sql.SQL(", ").join(column.expression for column in columns)
    query = sql.SQL("SELECT {}, {} FROM {} ORDER BY 1").format(
        sql.Identifier(key), names, sql.Identifier(*table.split(".")))
    with connection.transaction(), connection.cursor(name="rows", binary=True) as cursor:
        cursor.itersize = 5000
        cursor.execute(query)
        yield from cursor


def assert_table_holds(connection, table, messages, decoder, key="id"):
    """Every message exactly once, and nothing else. Messages of several schemas may be mixed: a column
    that a schema lacks is not looked at here. Returns the number of rows."""
    by_key = {}
    for message in messages:
        schema, record = decoder.decode(message.value())
        assert record[key] not in by_key, f"the test wrote id {record[key]} twice"
        by_key[record[key]] = message.value()
    plans = {}
    differences = Differences()
    every = _union_of_columns(by_key.values(), decoder)
    n_rows, previous = 0, None
    for row in read_rows(connection, table, every, key):
        n_rows += 1
        if row[0] == previous:
            differences.add(f"{key} {row[0]} is there more than once")
            continue
        previous = row[0]
        value = by_key.pop(row[0], None)
        if value is None:
            differences.add(f"{key} {row[0]} is in {table} and in no message")
            continue
        schema, record = decoder.decode(value)
        name = value[1:5]
        if name not in plans:
            plans[name] = {column.name: column for column in columns_of(schema)}
        _compare_row(plans[name], every, record, row, differences, key)
    for missing in by_key:
        differences.add(f"{key} {missing} is missing")
    differences.check()
    return n_rows


def _union_of_columns(values, decoder):
    union = {}
    for schema_id in {value[1:5] for value in values}:
        for column in columns_of(decoder.schema(struct.unpack(">I", schema_id)[0])[0]):
            union.setdefault(column.name, column)
    return list(union.values())


def _compare_row(plan, every, record, row, differences, key):
    for column, actual in zip(every, row[1:]):
        mine = plan.get(column.name)
        if mine is None:
            continue
        expected = mine.expected(record)
        if not isinstance(expected, JsonValue):
            actual = _canonical(actual)
        if not expected == actual:
            differences.add(f"{key} {row[0]}, column {column.name}: decoded {expected!r}, read {actual!r}")
