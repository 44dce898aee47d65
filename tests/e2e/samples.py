"""Schemas and records: one fixed schema with every type that a telemetry topic may hold, and schemas that
nobody has seen before, drawn from a seed. Values sit at the edges of their types more often than chance."""

import datetime
import decimal
import random
import string
import struct
import uuid

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


def logical(base, name, **more):
    return {"type": base, "logicalType": name, **more}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def record(name, *fields):
    return {"type": "record", "name": name, "fields": list(fields)}


READING = {
    "type": "record", "name": "Reading", "namespace": "tidegate.test",
    "fields": [
        field("id", "long"),
        field("time", logical("long", "timestamp-micros")),
        field("sensor", "string"),
        field("value", "double"),
        field("quality", ["null", "float"], default=None),
        field("sequence", "int"),
        field("ok", "boolean"),
        field("state", {"type": "enum", "name": "State", "symbols": ["UNKNOWN", "RUNNING", "STOPPED", "FAULT"]}),
        field("previous_state", ["null", "State"], default=None),
        field("price", logical("bytes", "decimal", precision=18, scale=6)),
        field("weight", ["null", {"type": "fixed", "name": "Weight", "size": 9, "logicalType": "decimal",
                                  "precision": 20, "scale": 4}], default=None),
        field("payload", "bytes"),
        field("checksum", ["null", {"type": "fixed", "name": "Checksum", "size": 16}]),
        field("device", logical("string", "uuid")),
        field("day", logical("int", "date")),
        field("clock_ms", logical("int", "time-millis")),
        field("clock_us", ["null", logical("long", "time-micros")]),
        field("seen_ms", ["null", logical("long", "timestamp-millis")]),
        field("local_us", logical("long", "local-timestamp-micros")),
        field("measured_ns", logical("long", "timestamp-nanos")),
        field("place", record(
            "Place", field("lat", "double"), field("lon", "double"), field("altitude", ["null", "double"]),
            field("site", record("Site", field("name", "string"), field("floor", ["null", "int"]))))),
        field("service", ["null", record("Service", field("at", logical("long", "timestamp-millis")),
                                         field("note", ["null", "string"]))], default=None),
        field("tags", {"type": "array", "items": "string"}),
        field("samples", {"type": "array", "items": "double"}),
        field("counts", ["null", {"type": "array", "items": "long"}]),
        field("points", {"type": "array", "items": record("Point", field("x", "int"), field("y", "int"))}),
        field("labels", {"type": "map", "values": "string"}),
        field("totals", ["null", {"type": "map", "values": "long"}]),
    ],
}


class Sampler:
    """Draws values of one schema."""

    def __init__(self, schema, seed=0):
        self.schema = schema
        self.random = random.Random(seed)
        self.names = {}
        self.now = datetime.datetime(2026, 6, 1, 12, tzinfo=UTC)
        _collect_names(schema, self.names)

    def draw(self, identity):
        """One record; its id is identity, its time is mostly now, sometimes long ago or far ahead."""
        value = self._record(self.schema)
        if "id" in value:
            value["id"] = identity
        if "time" in value:
            value["time"] = self._time(identity)
        if "sensor" in value:
            value["sensor"] = f"sensor-{identity % 97}"
        return value

    def _time(self, identity):
        chance = self.random.random()
        when = self.now + datetime.timedelta(microseconds=identity * 1000 + self.random.randrange(1000))
        if chance < 0.03:  # late: days, years, before PostgreSQL's and before Unix' epoch
            return when - datetime.timedelta(days=self.random.choice([1, 2, 30, 400, 9999, 21000]))
        if chance < 0.05:
            return when + datetime.timedelta(days=self.random.choice([1, 365, 15000]))
        return when

    def _record(self, schema):
        return {f["name"]: self._value(f["type"]) for f in schema["fields"]}

    def _value(self, kind):
        if isinstance(kind, list):
            branch = self.random.choice(kind)
            value = self._value(branch)
            named = self.names.get(branch, branch) if isinstance(branch, str) else branch
            if len(kind) > 2 and isinstance(named, dict) and named["type"] == "record":
                return (named["name"], value)
            return value
        if isinstance(kind, str) and kind in self.names:
            kind = self.names[kind]
        if isinstance(kind, str):
            return getattr(self, "_" + kind)()
        if "logicalType" in kind:
            return getattr(self, "_" + kind["logicalType"].replace("-", "_"))(kind)
        if kind["type"] == "record":
            return self._record(kind)
        if kind["type"] == "enum":
            return self.random.choice(kind["symbols"])
        if kind["type"] == "fixed":
            return self.random.randbytes(kind["size"])
        if kind["type"] == "array":
            return [self._value(kind["items"]) for _ in range(self._length())]
        if kind["type"] == "map":
            return {self._key(i): self._value(kind["values"]) for i in range(self._length())}
        return self._value(kind["type"])

    def _length(self):
        return self.random.choice([0, 1, 1, 2, 3, 5])

    def _key(self, index):
        return self.random.choice(["a", "Ä", "with space", 'quote"', "b\\"]) + str(index)

    # primitives

    def _null(self):
        return None

    def _boolean(self):
        return self.random.random() < 0.5

    def _int(self):
        return self._integer(31)

    def _long(self):
        return self._integer(63)

    def _integer(self, bits):
        if self.random.random() < 0.1:
            return self.random.choice([0, 1, -1, 63, 64, -64, -65, 2**bits - 1, -2**bits])
        return self.random.randrange(-2**self.random.randrange(1, bits), 2**self.random.randrange(1, bits))

    def _float(self):
        return struct.unpack("<f", struct.pack("<f", self._double_between(-1e30, 1e30)))[0]

    def _double(self):
        return self._double_between(-1e300, 1e300)

    def _double_between(self, low, high):
        if self.random.random() < 0.05:
            return self.random.choice([0.0, -0.0, 1.0, low, high, 5e-324])
        return self.random.choice([self.random.gauss(20, 5), self.random.uniform(low, high)])

    def _string(self):
        if self.random.random() < 0.1:
            return self.random.choice(["", "\\N", "\t\r\n", 'say "no"', "Größe", "日本語", "🌊", "\\.", "x" * 300])
        return "".join(self.random.choices(string.ascii_letters, k=self.random.randrange(1, 12)))

    def _bytes(self):
        return self.random.randbytes(self.random.choice([0, 1, 3, 20]))

    # logical types

    def _decimal(self, kind):
        digits = self.random.randrange(1, kind["precision"] + 1)
        unscaled = self.random.randrange(-10**digits + 1, 10**digits)
        return decimal.Decimal(unscaled).scaleb(-kind.get("scale", 0), decimal.Context(prec=100))

    def _uuid(self, _):
        return str(uuid.UUID(int=self.random.getrandbits(128)))

    def _date(self, _):
        return datetime.date.fromordinal(self.random.choice([719163, 730120, self.random.randrange(600000, 800000)]))

    def _time_millis(self, _):
        return self._clock(1000)

    def _time_micros(self, _):
        return self._clock(1)

    def _clock(self, unit):
        us = self.random.choice([0, 86399999999, self.random.randrange(86400000000)]) // unit * unit
        return (datetime.datetime.min + datetime.timedelta(microseconds=us)).time()

    def _timestamp_millis(self, _):
        return self._instant(1000)

    def _timestamp_micros(self, _):
        return self._instant(1)

    def _timestamp_nanos(self, _):
        return self.random.randrange(-10**18, 4 * 10**18)

    def _local_timestamp_millis(self, _):
        return self._instant(1000).replace(tzinfo=None)

    def _local_timestamp_micros(self, _):
        return self._instant(1).replace(tzinfo=None)

    def _instant(self, unit):
        us = self.random.randrange(-2 * 10**15, 6 * 10**15) // unit * unit
        return EPOCH + datetime.timedelta(microseconds=us)

    def _duration(self, _):
        return struct.pack("<III", self.random.randrange(1200), self.random.randrange(4000),
                           self.random.randrange(10**9))


def _collect_names(kind, names):
    if isinstance(kind, list):
        for branch in kind:
            _collect_names(branch, names)
    elif isinstance(kind, dict):
        if "name" in kind and kind["type"] in ("record", "enum", "fixed"):
            names[kind["name"]] = kind
        for inner in kind.get("fields", []):
            _collect_names(inner["type"], names)
        for part in ("items", "values"):
            if part in kind:
                _collect_names(kind[part], names)
        if isinstance(kind["type"], (dict, list)):
            _collect_names(kind["type"], names)


class SchemaDrawer:
    """Draws schemas. Each has the fields id and time; the others are anything."""

    SCALARS = [
        "boolean", "int", "long", "float", "double", "string", "bytes",
        logical("int", "date"), logical("int", "time-millis"), logical("long", "time-micros"),
        logical("long", "timestamp-millis"), logical("long", "timestamp-micros"),
        logical("long", "timestamp-nanos"), logical("long", "local-timestamp-millis"),
        logical("long", "local-timestamp-micros"), logical("string", "uuid"),
    ]

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.serial = 0

    def draw(self):
        fields = [field("id", "long"), field("time", logical("long", self.random.choice(
            ["timestamp-millis", "timestamp-micros"])))]
        fields += [field(f"f{i}", self._kind(2)) for i in range(self.random.randrange(3, 16))]
        self.random.shuffle(fields)
        return {"type": "record", "name": f"Drawn{self.random.randrange(10**6)}", "namespace": "tidegate.test.drawn",
                "fields": fields}

    def _name(self, prefix):
        self.serial += 1
        return f"{prefix}{self.serial}"

    def _kind(self, depth):
        plain = self._plain(depth)
        chance = self.random.random()
        if chance < 0.35:
            return ["null", plain]
        if chance < 0.40:
            return [plain, "null"]
        return plain

    def _plain(self, depth):
        chance = self.random.random()
        if depth == 0 or chance < 0.5:
            return self.random.choice(self.SCALARS)
        if chance < 0.60:
            precision = self.random.randrange(1, 38)
            scale = self.random.randrange(0, precision + 1)
            if self.random.random() < 0.5:
                return logical("bytes", "decimal", precision=precision, scale=scale)
            return {"type": "fixed", "name": self._name("Decimal"), "size": 17, "logicalType": "decimal",
                    "precision": precision, "scale": scale}
        if chance < 0.66:
            return {"type": "enum", "name": self._name("Enum"),
                    "symbols": [f"S{i}" for i in range(self.random.randrange(1, 200))]}
        if chance < 0.70:
            return {"type": "fixed", "name": self._name("Fixed"), "size": self.random.choice([1, 4, 16, 33])}
        if chance < 0.74:
            return {"type": "fixed", "name": self._name("Duration"), "size": 12, "logicalType": "duration"}
        if chance < 0.84:
            return {"type": "array", "items": self.random.choice(self.SCALARS)}
        if chance < 0.90:
            return {"type": "map", "values": self.random.choice(["string", "long", "boolean", "double", "float", "bytes"])}
        fields = [field(f"g{i}", self._kind(depth - 1)) for i in range(self.random.randrange(1, 4))]
        return record(self._name("Nested"), *fields)
