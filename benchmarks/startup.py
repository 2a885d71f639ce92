"""What starting the command line costs, against a bare Python."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from common import cpu, figure, ratio

MAIN = "import sys; from catalog.cli import main; sys.exit(main())"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=15)
    rounds = options.parse_args().rounds
    bare = [sys.executable, "-c", "pass"]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        for i in range(50):
            (data / f"orders_{i}.csv").write_text("id,price\n1,2.5\n")
        db = str(Path(folder) / "catalog.db")
        make = "import sys, catalog; c = catalog.connect(sys.argv[1]); c.add_silo('s', sys.argv[2]); c.crawl()"
        cpu([sys.executable, "-c", make, db, str(data)])
        help_ = [sys.executable, "-c", MAIN, "--help"]
        search = [sys.executable, "-c", MAIN, "--db", db, "search", "orders"]
        for command in (bare, help_, search):
            cpu(command)  # compiles what is not compiled yet
        pairs = [(cpu(help_)[0], cpu(search)[0], cpu(bare)[0]) for _ in range(rounds)]
    figure("catalog --help, x CPU of a bare Python", f"{ratio([(h, b) for h, _, b in pairs]):.1f}", "bar 12")
    figure(
        "catalog search, small catalog, x CPU of a bare Python", f"{ratio([(s, b) for _, s, b in pairs]):.1f}", "bar 30"
    )


if __name__ == "__main__":
    main()
