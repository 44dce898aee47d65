"""Reads COPY BINARY rows: written from PostgreSQL's documentation, without a look at our encoder."""
import datetime
import decimal
import json
import struct
import uuid

UTC = datetime.timezone.utc
NAN = object()


class Json:
    """A JSON value (SQL's NULL is None, JSON's null is Json(None))."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return f"Json({self.value!r})"


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        assert 0 <= n <= len(self.data) - self.at, "a length goes beyond the row"
        self.at += n
        return self.data[self.at - n : self.at]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def number(self, form):
        return self.unpack(form)[0]


def parse(row, types):
    """One row as a list of Python values, by the SQL types of its columns."""
    reader = Reader(row)
    assert reader.number(">h") == len(types), "number of fields"
    values = [field(reader, sql) for sql in types]
    assert reader.at == len(row), "bytes behind the row"
    return values


def field(reader, sql):
    n = reader.number(">i")
    if n == -1:
        return None
    inner = Reader(reader.take(n))
    value = array(inner, sql[:-2]) if sql.endswith("[]") else scalar(inner, sql.partition("(")[0], n)
    assert inner.at == n, f"{sql}: {n - inner.at} bytes too many"
    return value


OIDS = {
    "boolean": 16, "bytea": 17, "bigint": 20, "integer": 23, "text": 25, "real": 700, "double precision": 701,
    "date": 1082, "time without time zone": 1083, "timestamp without time zone": 1114,
    "timestamp with time zone": 1184, "interval": 1186, "numeric": 1700, "uuid": 2950,
}  # fmt: skip


def array(reader, sql):
    dimensions, flags, oid = reader.unpack(">iiI")
    assert flags in (0, 1) and oid == OIDS[sql.partition("(")[0]], "array header"
    if dimensions == 0:
        return []
    assert dimensions == 1, "dimensions"
    n, lower = reader.unpack(">ii")
    assert lower == 1, "lower bound"
    values = [field(reader, sql) for _ in range(n)]
    assert flags == (1 if None in values else 0), "null flag"
    return values


def numeric(reader):
    n, weight, sign, scale = reader.unpack(">hhHH")
    groups = reader.unpack(f">{n}h")
    assert all(0 <= group < 10000 for group in groups)
    assert not groups or (groups[0] != 0 and groups[-1] != 0), "not normalised"
    if sign == 0xC000:
        return NAN
    with decimal.localcontext() as context:
        context.prec = 20000
        value = sum(
            (decimal.Decimal(group).scaleb(4 * (weight - i)) for i, group in enumerate(groups)), decimal.Decimal(0)
        )
        assert sign in (0, 0x4000)
        assert value == value.quantize(decimal.Decimal(1).scaleb(-scale)), "digits beyond the display scale"
        return -value if sign == 0x4000 else value


def scalar(reader, sql, n):
    simple = {"bigint": ">q", "integer": ">i", "smallint": ">h", "real": ">f", "double precision": ">d"}
    if sql in simple:
        return reader.number(simple[sql])
    if sql == "boolean":
        return {b"\0": False, b"\1": True}[reader.take(1)]
    if sql in ("text", "character varying"):
        return reader.take(n).decode()
    if sql == "bytea":
        return reader.take(n)
    if sql == "uuid":
        return uuid.UUID(bytes=reader.take(16))
    if sql == "numeric":
        return numeric(reader)
    if sql == "jsonb":
        assert reader.take(1) == b"\1", "jsonb version"
        return Json(json.loads(reader.take(n - 1), parse_float=decimal.Decimal))
    return moment(reader, sql)


def moment(reader, sql):
    if sql == "date":
        return datetime.date(2000, 1, 1) + datetime.timedelta(days=reader.number(">i"))
    if sql == "interval":
        micros, days, months = reader.unpack(">qii")
        return months, days, micros
    micros = datetime.timedelta(microseconds=reader.number(">q"))
    if sql == "time without time zone":
        return (datetime.datetime.min + micros).time()
    return datetime.datetime(2000, 1, 1, tzinfo=UTC if sql == "timestamp with time zone" else None) + micros
