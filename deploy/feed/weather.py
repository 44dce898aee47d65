"""The historic weather set (hourly, Seattle, 2010), as records of schemas/examples/weather.avsc."""

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

# The file has local standard time, all year round, and does not say so.
STATION_TIME = timezone(timedelta(hours=-8))
STATION = "seattle"


def read_weather(path: Path) -> Iterator[dict]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            time = datetime.fromisoformat(row["date"]).replace(tzinfo=STATION_TIME)
            yield {
                "time": int(time.timestamp() * 1000),
                "station": STATION,
                "temperature": float(row["temperature"]),
                "pressure": Decimal(row["pressure"]).quantize(Decimal("0.1")),
                "wind": float(row["wind"]) if row["wind"] else None,
            }
