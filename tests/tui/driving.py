"""Starting the app on a fake catalog with a fixed clock, and waiting until it has nothing left to do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from fake_catalog import NOW, FakeCatalog, hits
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from catalog.tui.app import CatalogApp
from catalog.tui.clipboard import Copied
from catalog.tui.describe import Clock
from catalog.tui.widgets.search_box import QueryInput, SearchBox
from catalog.tui.widgets.table import VirtualTable


def make_app(cat=None, *, perf=lambda: 0.0, **options):
    """An app whose pictures are repeatable: the time stands still and nothing takes long."""
    cat = FakeCatalog(hits(2_042)) if cat is None else cat
    return CatalogApp(cat, clock=Clock(NOW), perf=perf, **options)


async def settle(pilot):
    """Until no search is pending, no worker runs and the footer shows the keys of now, twice in a row."""
    quiet = 0
    async with asyncio.timeout(20):
        while quiet < 2:
            await pilot.pause(0.01)
            screen = pilot.app.screen
            busy = any(worker.is_running for worker in pilot.app.workers)
            busy = busy or any(box.pending for box in screen.query(SearchBox))
            quiet = quiet + 1 if not busy and all(map(up_to_date, screen.query(Footer))) else 0


def up_to_date(footer):
    """A footer draws itself anew some time after the focus moved."""
    wanted = {binding.action for _, binding, _, _ in footer.screen.active_bindings.values() if binding.show}
    return {key.action for key in footer.query(FooterKey)} == wanted


async def until(pilot, holds):
    """Until something holds that another thread brings about, and the screen has shown it."""
    async with asyncio.timeout(20):
        while not holds():
            await pilot.pause(0.02)
    await settle(pilot)


async def write(pilot, text):
    """Type into the search box."""
    await pilot.press("slash")
    for character in text:
        await pilot.press({" ": "space"}.get(character, character))
    await settle(pilot)


@asynccontextmanager
async def driven(cat=None, size=(120, 30), notices=False, **options):
    """A running app that has loaded its first screen; `notices` shows what it tells over the screen."""
    app = make_app(cat, **options)
    async with app.run_test(size=size, notifications=notices) as pilot:
        await settle(pilot)
        yield pilot


SIZES = [(80, 24), (120, 30), (200, 50)]
sizes = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def taken(snap_compare, size, *keys, cat=None, query="", begin=None, **options):
    """Compare a picture of the screen that the keys lead to; `begin` is done before they are pressed."""

    async def prepare(pilot):
        await settle(pilot)
        if query:
            await write(pilot, query)
            await pilot.press("enter")
        if begin is not None:
            await begin(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    app = make_app(FakeCatalog(hits(12_042)) if cat is None else cat, **options)
    return snap_compare(app, terminal_size=size, run_before=prepare)


def results(pilot) -> VirtualTable:
    return pilot.app.screen.query_one("#results", VirtualTable)


def query_of(pilot) -> str:
    return pilot.app.screen.query_one(QueryInput).value


def names(pilot) -> list[str]:
    """The names of the rows that are loaded, from the first on."""
    table = results(pilot)
    rows = (table.row(i) for i in range(min(table.count, 128)))
    return [row.name for row in rows if row is not None]


def screen_text(pilot) -> str:
    """What the screen shows, as plain lines."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


class CopyLog:
    """Stands for the clipboard."""

    def __init__(self, sure=True):
        self.texts: list[str] = []
        self.sure = sure

    def __call__(self, text, osc52):
        self.texts.append(text)
        return Copied(self.sure, "copied" if self.sure else "sent to the terminal")
