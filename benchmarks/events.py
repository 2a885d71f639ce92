"""Importing OpenLineage events as Spark sends them, against parsing their JSON and nothing else."""

from __future__ import annotations

import argparse
import json
import random
import sys
import uuid
from pathlib import Path

from common import WORK, cpu, figure, ratio

MAIN = "import sys; from catalog.cli import main; sys.exit(main())"
PARSE = "import json, sys; [json.loads(line) for line in open(sys.argv[1], 'rb')]"
COLUMNS = 10
TABLES = 2_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--work", type=Path, default=WORK)
    asked = options.parse_args()
    file = made(asked.work / f"events-{asked.events}.ndjson", asked.events)
    db = asked.work / "events.db"
    first, again = [], []
    for _ in range(asked.rounds):
        for one in asked.work.glob("events.db*"):
            one.unlink()
        run = [sys.executable, "-c", MAIN, "--db", str(db), "lineage", "import", str(file)]
        parsed = cpu([sys.executable, "-c", PARSE, str(file)])[0]
        first.append((cpu(run)[0], parsed))
        again.append((cpu(run)[0], parsed))
    size = file.stat().st_size / asked.events
    figure(f"import of new events ({size:,.0f} bytes each), x CPU of json.loads", f"{ratio(first):.1f}")
    figure("import of events that are known, x CPU of json.loads", f"{ratio(again):.1f}")
    figure("new events a CPU second, best round", f"{asked.events / min(used for used, _ in first):,.0f}")


def made(path: Path, number: int) -> Path:
    """START and COMPLETE of runs: two inputs, one output, symlinks, columns and their lineage."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = random.Random(4)
    with path.open("w") as out:
        for minute in range(number // 2):
            job, run = rng.randrange(TABLES // 4), str(uuid.UUID(int=rng.getrandbits(128), version=4))
            inputs = [table(f"db/t{(job * 7 + n) % TABLES}") for n in range(2)]
            output = table(f"db/out{job}")
            columns = {f"c{n}": made_from(inputs[n % 2], n) for n in range(COLUMNS)}
            output["facets"]["columnLineage"] = {"fields": columns}
            day, hour = f"2026-03-{1 + minute // 1440 % 28:02}", minute // 60 % 24
            for state, second in (("START", 0), ("COMPLETE", 1)):
                event = {
                    "eventType": state,
                    "eventTime": f"{day}T{hour:02}:{minute % 60:02}:{second:02}Z",
                    "producer": "https://github.com/OpenLineage/OpenLineage/tree/1.40.1/integration/spark",
                    "run": {"runId": run},
                    "job": {"namespace": "spark", "name": f"app.job{job}"},
                    "inputs": inputs,
                    "outputs": [output],
                }
                out.write(json.dumps(event) + "\n")
    return path


def table(name: str) -> dict:
    return {
        "namespace": "s3a://warehouse",
        "name": f"/{name}",
        "facets": {
            "schema": {"fields": [{"name": f"c{n}", "type": "string"} for n in range(COLUMNS)]},
            "symlinks": {
                "identifiers": [{"namespace": "hive://metastore:9083", "name": name.replace("/", "."), "type": "TABLE"}]
            },
        },
    }


def made_from(source: dict, column: int) -> dict:
    how = [{"type": "DIRECT", "subtype": "IDENTITY"}]
    named = {"namespace": source["namespace"], "name": source["name"]}
    return {"inputFields": [{**named, "field": f"c{column}", "transformations": how}]}


if __name__ == "__main__":
    main()
