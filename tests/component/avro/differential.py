#!/usr/bin/env python3
"""The decode plan against fastavro.

Draws schemas and records, lets fastavro encode them and decode them again, lets avro_row_dump turn the same
bytes into COPY BINARY rows, reads these with a parser of its own, and compares value by value. Ends with the
seed of the first case that differs; `--seed N --cases 1` repeats it.
"""
import argparse
import base64
import copy_rows
import datetime
import decimal
import io
import json
import math
import random
import string
import struct
import subprocess
import sys
import uuid

import fastavro

EPOCH_DAY = datetime.date(1970, 1, 1)
SCALARS = (
    "boolean int long float double bytes string enum fixed decimal decimal-fixed uuid uuid-fixed date time-millis "
    "time-micros timestamp-millis timestamp-micros timestamp-nanos local-timestamp-millis local-timestamp-micros "
    "local-timestamp-nanos duration big-decimal"
).split()
SQL_OF = {
    "boolean": "boolean", "int": "integer", "long": "bigint", "float": "real", "double": "double precision",
    "bytes": "bytea", "string": "text", "enum": "text", "fixed": "bytea", "uuid": "uuid", "date": "date",
    "time-millis": "time without time zone", "time-micros": "time without time zone",
    "timestamp-millis": "timestamp with time zone", "timestamp-micros": "timestamp with time zone",
    "timestamp-nanos": "timestamp with time zone", "local-timestamp-millis": "timestamp without time zone",
    "local-timestamp-micros": "timestamp without time zone", "local-timestamp-nanos": "timestamp without time zone",
    "duration": "interval", "big-decimal": "numeric", "null": "text",
}  # fmt: skip
# What else a column may be, as long as every value fits.
ALSO = {
    "int": ["bigint", "numeric", "double precision", "text"],
    "long": ["numeric", "text"],
    "float": ["double precision", "numeric", "text"],
    "double": ["numeric", "text"],
    "boolean": ["text"],
    "string": ["character varying", "bytea", "jsonb"],
    "enum": ["character varying", "jsonb"],
    "decimal": ["numeric", "text", "jsonb"],
    "decimal-fixed": ["numeric", "text"],
    "date": ["timestamp with time zone", "text", "integer"],
    "time-micros": ["text", "bigint"],
    "timestamp-micros": ["timestamp without time zone", "text", "bigint", "jsonb"],
    "timestamp-millis": ["text", "bigint"],
    "local-timestamp-micros": ["text"],
    "uuid": ["text"],
    "uuid-fixed": ["text", "bytea"],
    "duration": ["text"],
    "big-decimal": ["text", "jsonb"],
}


class Drawer:
    """Schemas and values, from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.n_names = 0

    def name(self, prefix):
        self.n_names += 1
        return f"{prefix}{self.n_names}"

    # -- schemas. A drawn type is Avro JSON; the key "drawn" says what it is, and travels as a property.

    def scalar(self, kind=None):
        kind = kind or self.random.choice(SCALARS)
        if kind in ("boolean", "int", "long", "float", "double", "bytes", "string"):
            return {"type": kind, "drawn": kind}
        if kind == "enum":
            symbols = [f"S{i}" + "x" * self.random.randrange(30) for i in range(self.random.randint(1, 5))]
            return {"type": "enum", "name": self.name("e"), "symbols": symbols, "drawn": kind}
        if kind == "fixed":
            return {"type": "fixed", "name": self.name("f"), "size": self.random.randint(0, 20), "drawn": kind}
        if kind in ("decimal", "decimal-fixed"):
            precision = self.random.randint(1, 38)
            scale = self.random.randint(0, precision)
            logical = {"logicalType": "decimal", "precision": precision, "scale": scale, "drawn": kind}
            if kind == "decimal":
                return {"type": "bytes", **logical}
            return {"type": "fixed", "name": self.name("d"), "size": 17, **logical}
        if kind == "uuid-fixed":
            return {"type": "fixed", "name": self.name("u"), "size": 16, "logicalType": "uuid", "drawn": kind}
        if kind == "duration":
            return {"type": "fixed", "name": self.name("t"), "size": 12, "logicalType": kind, "drawn": kind}
        base = {"uuid": "string", "date": "int", "time-millis": "int", "big-decimal": "bytes"}.get(kind, "long")
        return {"type": base, "logicalType": kind, "drawn": kind}

    def type(self, depth):
        kind = self.random.randrange(20)
        if kind < 11 or depth > 3:
            drawn = self.scalar()
        elif kind < 13:
            items = self.maybe_null(self.scalar()) if self.random.random() < 0.8 else self.type(depth + 1)
            drawn = {"type": "array", "items": items, "drawn": "array"}
        elif kind < 15:
            drawn = {"type": "map", "values": self.maybe_null(self.type(depth + 1)), "drawn": "map"}
        elif kind < 18:
            drawn = self.record(depth + 1)
        else:
            return self.union(depth)
        return drawn

    def maybe_null(self, drawn):
        if isinstance(drawn, list) or self.random.random() < 0.6:
            return drawn
        return ["null", drawn] if self.random.random() < 0.7 else [drawn, "null"]

    def union(self, depth):
        # Branches that Python can tell apart by the type of the value.
        branches = [self.scalar(kind) for kind in self.random.sample(["boolean", "long", "double", "string", "bytes"], 3)]
        if self.random.random() < 0.3:
            branches.append(self.record(depth + 2))
        if self.random.random() < 0.5:
            branches.append("null")
        self.random.shuffle(branches)
        return branches

    def record(self, depth=0):
        fields = []
        for _ in range(self.random.randint(1, 8 if depth == 0 else 3)):
            field = {"name": self.name("c"), "type": self.maybe_null(self.type(depth))}
            if self.random.random() < 0.1:
                field["aliases"] = [self.name("old")]
            fields.append(field)
        return {"type": "record", "name": self.name("r"), "fields": fields, "drawn": "record"}

    # -- values, as fastavro takes them

    def text(self):
        letters = string.ascii_letters + string.digits + ' "\\/\n\t\x01\x7f'
        alphabet = letters if self.random.random() < 0.6 else letters + "äß€あ😀"
        return "".join(self.random.choice(alphabet) for _ in range(self.random.choice((0, 3, 7, 8, 9, 20, 70))))

    def long(self, bits):
        value = self.random.getrandbits(self.random.randint(0, bits - 1))
        return self.random.choice((value, -value, -value - 1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))))

    def double(self):
        draw = self.random.random()
        if draw < 0.06:
            return self.random.choice((math.nan, math.inf, -math.inf))
        if draw < 0.4:
            return round(self.random.uniform(-1e6, 1e6), self.random.randint(0, 6))
        if draw < 0.8:
            return self.random.uniform(-1, 1) * 10 ** self.random.randint(-20, 15)
        return struct.unpack("<d", struct.pack("<Q", self.random.getrandbits(63)))[0]

    def value(self, drawn):
        if isinstance(drawn, list):
            return self.value(self.random.choice(drawn))
        if drawn == "null":
            return None
        kind = drawn["drawn"]
        if kind == "record":
            return {field["name"]: self.value(field["type"]) for field in drawn["fields"]}
        if kind == "array":
            return [self.value(drawn["items"]) for _ in range(self.random.choice((0, 1, 2, 7)))]
        if kind == "map":
            return {self.text() + str(i): self.value(drawn["values"]) for i in range(self.random.randrange(4))}
        return self.scalar_value(kind, drawn)

    def scalar_value(self, kind, drawn):
        draw = self.random
        days = draw.choice((draw.randint(-700000, 2900000), draw.randint(0, 30000)))
        micros = draw.randrange(86400_000_000)
        if kind == "boolean":
            return draw.random() < 0.5
        if kind in ("int", "long"):
            return self.long(32 if kind == "int" else 64)
        if kind == "float":
            return struct.unpack("<f", struct.pack("<f", max(-3e38, min(3e38, self.double()))))[0]
        if kind == "double":
            return self.double()
        if kind == "bytes":
            return draw.randbytes(draw.choice((0, 1, 2, 3, 16, 33)))
        if kind == "string":
            return self.text()
        if kind == "enum":
            return draw.choice(drawn["symbols"])
        if kind == "fixed":
            return draw.randbytes(drawn["size"])
        if kind in ("decimal", "decimal-fixed"):
            digits = draw.randint(1, drawn["precision"])
            sign = draw.choice((1, -1))
            return decimal.Decimal(sign * draw.randrange(10**digits)).scaleb(-drawn["scale"])
        if kind == "uuid":
            return uuid.UUID(bytes=draw.randbytes(16))
        if kind == "uuid-fixed":
            return draw.randbytes(16)
        if kind == "date":
            return EPOCH_DAY + datetime.timedelta(days=days)
        if kind == "duration":
            return struct.pack("<III", draw.randrange(10000), draw.randrange(10000), draw.getrandbits(32))
        if kind == "big-decimal":
            unscaled = self.long(100).to_bytes(13, "big", signed=True)
            return encode_bytes(unscaled) + encode_long(draw.choice((0, 2, 5, 40, -3)))
        if kind.endswith("-nanos"):
            return draw.randint(-(2**63), 2**63 - 1) // draw.choice((1, 7, 1000))
        if kind.startswith("time-"):
            unit = 1000 if kind == "time-millis" else 1
            return (datetime.datetime.min + datetime.timedelta(microseconds=micros // unit * unit)).time()
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(days=days, microseconds=micros)
        if kind.endswith("-millis"):
            moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return moment if kind.startswith("local-") else moment.replace(tzinfo=datetime.timezone.utc)


def encode_long(value):
    bits = (value << 1) ^ (value >> 63)
    out = b""
    while bits >= 0x80:
        out += bytes([bits & 0x7F | 0x80])
        bits >>= 7
    return out + bytes([bits])


def encode_bytes(data):
    return encode_long(len(data)) + data


def decode_big_decimal(data):
    """fastavro does not know it: bytes that hold bytes and an int."""
    stream = io.BytesIO(data)
    unscaled = fastavro.schemaless_reader(stream, "bytes", None)
    scale = fastavro.schemaless_reader(stream, "int", None)
    with decimal.localcontext() as context:
        context.prec = 200
        return decimal.Decimal(int.from_bytes(unscaled, "big", signed=True)).scaleb(-scale)


# -- what should come out


def strip_null(drawn):
    """(type, may it be null); a union of more stays a list."""
    if not isinstance(drawn, list):
        return drawn, drawn == "null"
    rest = [branch for branch in drawn if branch != "null"]
    if len(drawn) == 2 and len(rest) == 1:
        return rest[0], True
    return drawn, len(rest) < len(drawn)


def sql_of(drawn):
    drawn, _ = strip_null(drawn)
    if isinstance(drawn, list):
        return "jsonb"
    kind = drawn["drawn"]
    if kind == "array":
        item, _ = strip_null(drawn["items"])
        scalar = not isinstance(item, list) and item["drawn"] not in ("array", "map", "record")
        return sql_of(item) + "[]" if scalar else "jsonb"
    if kind in ("decimal", "decimal-fixed"):
        return f"numeric({drawn['precision']},{drawn['scale']})"
    return "uuid" if kind == "uuid-fixed" else SQL_OF.get(kind, "jsonb")


def columns_of(record, flatten, prefix="", path=()):
    """(name, path, type) of every column that the schema asks for."""
    for field in record["fields"]:
        inner, _ = strip_null(field["type"])
        name, here = prefix + field["name"], (*path, field["name"])
        if flatten and not isinstance(inner, list) and inner != "null" and inner["drawn"] == "record":
            yield from columns_of(inner, flatten, name + "_", here)
        else:
            yield name, here, field["type"]


def value_at(record, path):
    for name in path:
        record = None if record is None else record[name]
    return record


def branch_of(branches, value):
    """The branch of a drawn union that a decoded value came from."""
    kinds = {bool: "boolean", int: "long", float: "double", str: "string", bytes: "bytes", dict: "record"}
    wanted = kinds[type(value)]
    return next(branch for branch in branches if branch != "null" and branch["drawn"] == wanted)


def shape_of(kind):
    if kind in ("int", "long", "float", "double", "decimal", "decimal-fixed", "big-decimal"):
        return "number"
    return kind if kind in ("boolean", "array") else "object" if kind in ("map", "record") else "text"


def iso(value):
    text = value.isoformat()
    if "." in text:
        head, _, tail = text.partition(".")
        fraction, zone = tail[:6], tail[6:]
        text = head + "." + fraction.rstrip("0") + zone
    return text.replace("+00:00", "Z")


def nanos_text(value, utc):
    seconds, fraction = divmod(value, 10**9)
    text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)).isoformat()
    return text + (f".{fraction:09}".rstrip("0") if fraction else "") + ("Z" if utc else "")


def duration_text(data):
    months, days, millis = struct.unpack("<III", data)
    return f"P{months}M{days}DT{millis // 1000}.{millis % 1000:03}S"


def plain_text(kind, value):
    if kind == "boolean":
        return "true" if value else "false"
    if kind in ("decimal", "decimal-fixed"):
        return format(value, "f")
    if kind == "big-decimal":
        return format(decode_big_decimal(value), "f")
    if kind == "duration":
        return duration_text(value)
    if kind.endswith("-nanos"):
        return nanos_text(value, kind.startswith("timestamp"))
    if kind == "uuid-fixed":
        return str(uuid.UUID(bytes=value))
    if kind in ("uuid", "int", "long", "string", "enum"):
        return str(value)
    return iso(value)


class Number:
    """A JSON number that should read back as this one (32 bits when single)."""

    def __init__(self, value, single=False):
        self.value, self.single = value, single

    def matches(self, got):
        if not isinstance(got, (int, decimal.Decimal)) or isinstance(got, bool):
            return False
        if isinstance(self.value, (int, decimal.Decimal)):
            return decimal.Decimal(got) == self.value
        form = "<f" if self.single else "<d"
        return struct.pack(form, float(got)) == struct.pack(form, self.value) or float(got) == self.value == 0

    def __repr__(self):
        return repr(self.value)


def to_json(drawn, value):
    if value is None:
        return None
    if isinstance(drawn, list):
        inner, _ = strip_null(drawn)
        if not isinstance(inner, list):
            return to_json(inner, value)
        branch = branch_of(inner, value)
        shapes = [shape_of(each["drawn"]) for each in inner if each != "null"]
        result = to_json(branch, value)
        name = branch["name"] if branch["drawn"] == "record" else branch["type"]
        return {name: result} if len(set(shapes)) < len(shapes) else result
    kind = drawn["drawn"]
    if kind == "record":
        return {field["name"]: to_json(field["type"], value[field["name"]]) for field in drawn["fields"]}
    if kind == "array":
        return [to_json(drawn["items"], item) for item in value]
    if kind == "map":
        return {key: to_json(drawn["values"], item) for key, item in value.items()}
    if kind in ("bytes", "fixed"):
        return base64.b64encode(value).decode()
    if kind in ("float", "double"):
        if math.isfinite(value):
            return Number(value, kind == "float")
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if kind in ("int", "long", "decimal", "decimal-fixed"):
        return Number(value)
    if kind == "big-decimal":
        return Number(decode_big_decimal(value))
    return value if kind == "boolean" else plain_text(kind, value)


def expected(sql, drawn, value):
    """The Python value that a column of type sql should hold."""
    drawn, _ = strip_null(drawn)
    if value is None:
        return None
    if sql.endswith("[]"):
        return [expected(sql[:-2], drawn["items"], item) for item in value]
    if sql == "jsonb":
        return copy_rows.Json(to_json(drawn, value))
    kind = drawn["drawn"]
    base = sql.partition("(")[0]
    if base in ("text", "character varying") and kind not in ("float", "double"):
        return plain_text(kind, value)
    return as_sql(base, kind, value)


def as_sql(base, kind, value):
    if base in ("text", "character varying"):
        return str(to_json({"drawn": kind}, value)) if not math.isfinite(value) else Number(value, kind == "float")
    if base == "numeric":
        if kind in ("float", "double"):
            return copy_rows.NAN if math.isnan(value) else Number(value, kind == "float")
        return decode_big_decimal(value) if kind == "big-decimal" else decimal.Decimal(value)
    if base == "double precision":
        return float(value)
    if base == "interval":
        months, days, millis = struct.unpack("<III", value)
        return months, days, millis * 1000
    if base == "bytea":
        return value.encode() if kind == "string" else bytes(value)
    if base == "uuid" and kind == "uuid-fixed":
        return uuid.UUID(bytes=value)
    if base == "integer" and kind == "date":
        return (value - EPOCH_DAY).days
    if base == "bigint" and kind.startswith("timestamp"):
        unit = 1000 if kind.endswith("millis") else 1
        return (value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(
            microseconds=unit
        )
    if base == "bigint" and kind == "time-micros":
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond
    if kind.endswith("-nanos"):
        zone = datetime.timezone.utc if kind.startswith("timestamp") else None
        return datetime.datetime(1970, 1, 1, tzinfo=zone) + datetime.timedelta(microseconds=value // 1000)
    if base.startswith("timestamp") and kind == "date":
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.timezone.utc)
    if base == "timestamp without time zone":
        return value.replace(tzinfo=None)
    return value


def same(got, want):
    if isinstance(want, Number):
        number = decimal.Decimal(got) if isinstance(got, str) else got
        return want.matches(number)
    if isinstance(want, copy_rows.Json):
        return isinstance(got, copy_rows.Json) and same_json(got.value, want.value)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    if isinstance(want, float):
        return struct.pack("<d", got) == struct.pack("<d", want) or (math.isnan(got) and math.isnan(want))
    return type(got) is type(want) and got == want


def same_json(got, want):
    if isinstance(want, Number):
        return want.matches(got)
    if isinstance(want, dict):
        return isinstance(got, dict) and got.keys() == want.keys() and all(same_json(got[k], want[k]) for k in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same_json, got, want))
    return type(got) is type(want) and got == want


# -- one case


def own_columns(drawer, columns):
    """Columns as a table may have them: in another order, some missing, some wider, one more."""
    given, wanted = [], []
    for name, path, drawn in columns:
        inner, nullable = strip_null(drawn)
        kind = None if isinstance(inner, list) else inner["drawn"]
        sql = sql_of(drawn)
        if kind in ALSO and drawer.random.random() < 0.5:
            sql = drawer.random.choice(ALSO[kind])
        if drawer.random.random() < 0.8:
            given.append({"name": name, "type": sql})
            wanted.append((sql, path, drawn))
    given.append({"name": "extra", "type": "integer", "default": "0000002a"})
    wanted.append(("integer", None, 42))
    given.append({"name": "nothing", "type": "jsonb"})
    wanted.append(("jsonb", None, None))
    order = list(range(len(given)))
    if drawer.random.random() < 0.5:
        drawer.random.shuffle(order)
    return [given[i] for i in order], [wanted[i] for i in order]


def out_of_range(wanted, records):
    """A float that is infinite has no numeric."""
    for sql, path, drawn in wanted:
        for record in records if path else ():
            value = value_at(record, path)
            if sql == "numeric" and isinstance(value, float) and math.isinf(value):
                return True
    return False


class Dump:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the tool died: {self.process.wait()}")
        return json.loads(line)


def run_case(dump, seed, n_records):
    drawer = Drawer(seed)
    record = drawer.record()
    parsed = fastavro.parse_schema(json.loads(json.dumps(record)))
    bodies, records = [], []
    for _ in range(n_records):
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, parsed, drawer.value(record))
        bodies.append(stream.getvalue().hex())
        stream.seek(0)
        records.append(fastavro.schemaless_reader(stream, parsed, None))
    nested = drawer.random.choice(("flatten", "jsonb"))
    question = {"schema": json.dumps(record), "nested": nested, "bodies": bodies}
    wanted = [(sql_of(drawn), path, drawn) for _, path, drawn in columns_of(record, nested == "flatten")]
    if drawer.random.random() < 0.5:
        question["columns"], wanted = own_columns(drawer, list(columns_of(record, nested == "flatten")))
    answer = dump.ask(question)
    assert "error" not in answer, answer
    names = [name for name, _, _ in columns_of(record, nested == "flatten")]
    if "columns" not in question:
        assert [column["name"] for column in answer["columns"]] == names
        assert [column["type"] for column in answer["columns"]] == [sql for sql, _, _ in wanted]
    check_rows(answer["rows"], wanted, records)
    return len(records) * len(wanted)


def check_rows(rows, wanted, records):
    for row, record in zip(rows, records, strict=True):
        if isinstance(row, dict):
            assert out_of_range(wanted, [record]), row
            continue
        values = copy_rows.parse(bytes.fromhex(row), [sql for sql, _, _ in wanted])
        for got, (sql, path, drawn) in zip(values, wanted, strict=True):
            if path is None:
                assert got == drawn, f"{sql}: {got!r} instead of the default {drawn!r}"
                continue
            want = expected(sql, drawn, value_at(record, path))
            assert same(got, want), f"{'.'.join(path)} ({drawn}) as {sql}: {got!r} instead of {want!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", required=True, help="the program avro_row_dump")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=1500, help="schemas (each with some records)")
    parser.add_argument("--records", type=int, default=8)
    options = parser.parse_args()
    dump = Dump(options.dump)
    n_values = 0
    for seed in range(options.seed, options.seed + options.cases):
        try:
            n_values += run_case(dump, seed, options.records)
        except Exception as fault:
            print(f"seed {seed}: {type(fault).__name__}: {fault}", file=sys.stderr)
            raise
    dump.process.stdin.close()
    status = dump.process.wait()
    print(f"{options.cases} schemas, {n_values} values compared, tool ended with {status}")
    return status


if __name__ == "__main__":
    sys.exit(main())
