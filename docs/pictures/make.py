"""Draws the pictures of the terminal UI that the documentation shows, from the demo catalog.

    python docs/pictures/make.py --dir /srv/demo

Writes `search.svg`, `dataset.svg`, `silos.svg` and `trace.svg` beside this file. The folder is where the demo
is built, a temporary one by default; its name is seen in the pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import catalog
from catalog.demo import build
from catalog.model import Hit
from catalog.tui.app import CatalogApp
from catalog.tui.widgets.search_box import SearchBox

HERE = Path(__file__).parent
SIZE = (150, 40)
SMALL = (120, 28)
"""For what would be mostly empty otherwise."""
QUERY = "format:parquet,csv sort:-size"


async def _quiet(app: CatalogApp) -> None:
    """Wait until the screen has nothing left to load."""
    for _ in range(3):
        await asyncio.sleep(0.3)
        await app.workers.wait_for_complete()


def _busiest(cat: catalog.Catalog) -> Hit:
    """The asset with the most around it, on both sides."""

    def around(hit: Hit) -> tuple[bool, int]:
        hops = cat.trace(str(hit.id), depth=5).trace.hops.values()
        return min(hops, default=0) < 0 < max(hops, default=0), len(hops)

    return max(cat.search("").page(0, 200), key=around)


async def draw(cat: catalog.Catalog) -> None:
    """Draw the search with its first result, that result's page, the silos, and the busiest trace."""
    app = CatalogApp(cat, location="~/.local/share/catalog/demo/catalog.db")
    async with app.run_test(size=SIZE) as pilot:

        async def picture(name: str, *keys: str) -> None:
            await pilot.press(*keys)
            await _quiet(app)
            (HERE / f"{name}.svg").write_text(app.export_screenshot(title="catalog"), encoding="utf-8")

        await _quiet(app)
        app.screen.query_one(SearchBox).put(QUERY)
        await _quiet(app)
        await picture("search", "j", "R")
        await picture("dataset", "enter")
        await picture("silos", "2")
        busiest = _busiest(cat)
        await pilot.press("1", "1")
        await pilot.resize_terminal(*SMALL)
        app.open_trace(busiest.id, busiest.name)
        await _quiet(app)
        await picture("trace", "l")


def main() -> None:
    """Build the demo and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, help="folder of the demo; a temporary one by default")
    given = parser.parse_args().dir
    with tempfile.TemporaryDirectory() as scratch:
        place = given or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        with build(place, print) as made, catalog.connect(made.url) as cat:
            asyncio.run(draw(cat))


if __name__ == "__main__":
    main()
