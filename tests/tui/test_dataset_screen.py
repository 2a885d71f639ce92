"""The dataset page: tabs, filtering a long schema, paging files, and the way back."""

from __future__ import annotations

from dataclasses import replace

from driving import CopyLog, driven, names, query_of, results, screen_text, settle, write
from fake_catalog import FakeCatalog, FakeDataset, hits

from catalog.errors import NotFound
from catalog.model import ColumnChange, VersionInfo
from catalog.tui.screens.dataset import DatasetScreen

VERSION = VersionInfo(1, 0, 1, 3, 10, 5, "f", "s")


def table(pilot, tab):
    return pilot.app.screen.query_one(f"#{tab}-list")


async def opened(pilot):
    await pilot.press("enter")
    await settle(pilot)
    assert isinstance(pilot.app.screen, DatasetScreen)


async def test_open_and_back_keeps_query_and_cursor():
    async with driven() as pilot:
        await write(pilot, "orders")
        await pilot.press("enter", "j", "j", "j")
        name = names(pilot)[3]
        await opened(pilot)
        assert name in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert (query_of(pilot), results(pilot).cursor) == ("orders", 3)
        await pilot.press("right_square_bracket")
        await settle(pilot)
        assert pilot.app.screen.hit.name == name
        await pilot.press("left_square_bracket")
        await settle(pilot)
        assert results(pilot).cursor == 3


async def test_ten_thousand_columns_filter_by_name_and_type():
    async with driven(FakeCatalog(hits(5), columns=10_000)) as pilot:
        await opened(pilot)
        assert table(pilot, "schema").count == 10_000
        await pilot.press("G")
        await settle(pilot)
        assert "feature_09999" in screen_text(pilot)
        await pilot.press("slash", *"feature_0123", "space", *"string")
        await settle(pilot)
        rows = table(pilot, "schema")
        assert 0 < rows.count < 10
        assert all(rows.row(i).field.type == "string" for i in range(rows.count))
        await pilot.press("escape")
        await settle(pilot)
        assert table(pilot, "schema").count == 10_000 and isinstance(pilot.app.screen, DatasetScreen)


async def test_files_page_far_down():
    known = [replace(hits(1)[0], files=250_000)]
    cat = FakeCatalog(known)
    async with driven(cat) as pilot:
        await opened(pilot)
        await pilot.press("l")
        await settle(pilot)
        assert "truncated" in screen_text(pilot)
        await pilot.press("G")
        await settle(pilot)
        assert "part-249999" in screen_text(pilot)
        assert max(offset for offset, _ in cat.pages) >= 249_900 and len(cat.pages) < 10


async def test_versions_show_what_changed():
    known = [replace(hits(1)[0], version=5, files=50)]
    async with driven(FakeCatalog(known)) as pilot:
        await opened(pilot)
        await pilot.press("l", "l")
        await settle(pilot)
        first = next(line for line in screen_text(pilot).splitlines() if line.startswith("▸"))
        assert first.split()[1] == "5" and "+10" in first
        assert "≠ changed" in screen_text(pilot)


async def test_versions_show_which_columns_changed(monkeypatch):
    renamed = ColumnChange("person\x1b[31m", "renamed", "user", "person\x1b[31m")
    many = tuple(ColumnChange(f"c{n}", "added") for n in range(30))
    told = [replace(VERSION, number=n, changes=changes) for n, changes in ((1, ()), (2, (renamed,)), (3, many))]
    monkeypatch.setattr(FakeDataset, "versions", told)
    async with driven(FakeCatalog(hits(1)), size=(200, 40)) as pilot:
        await opened(pilot)
        await pilot.press("l", "l")
        await settle(pilot)
        shown = screen_text(pilot)
        assert "user → person" in shown and "+ c0, + c1" in shown and "\x1b" not in shown


async def test_what_the_files_do_not_agree_on_is_told(monkeypatch):
    drift = ("user is named person in some files", *(f"c{n} is missing in some files" for n in range(50)))
    fake = FakeDataset.info
    monkeypatch.setattr(FakeDataset, "info", property(lambda asset: replace(fake.fget(asset), drift=drift)))
    async with driven(FakeCatalog(hits(1)), size=(200, 60)) as pilot:
        await settle(pilot)
        shown = screen_text(pilot)
        assert "user is named person in some files" in shown and "more" in shown


async def test_copying_takes_the_uri_of_the_page():
    copy = CopyLog()
    async with driven(copy=copy) as pilot:
        await opened(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert copy.texts == [pilot.app.cat.known[0].uri]


async def test_an_asset_that_is_gone_says_so():
    cat = FakeCatalog(hits(5), failing={"dataset": NotFound("no asset '1'", hint="catalog search")})
    async with driven(cat, size=(80, 24)) as pilot:
        await opened(pilot)
        assert "✗ no asset '1'" in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert results(pilot).count == 5


async def test_no_columns_known():
    async with driven(FakeCatalog(hits(5), columns=0)) as pilot:
        await opened(pilot)
        assert "no columns known" in screen_text(pilot)


async def test_labels_have_a_column_where_there_are_any(tmp_path):
    import catalog

    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "people.csv").write_text("n,mail\n" + "".join(f"{n},ann{n}@example.org\n" for n in range(30)))
    with catalog.connect(tmp_path / "catalog.db") as cat:
        cat.add_silo("lab", str(tmp_path / "lab"))
        cat.crawl()
        async with driven(cat) as pilot:
            await opened(pilot)
            assert "label" not in [column.key for column in table(pilot, "schema").columns]
            cat.crawl(classify=True)
            await pilot.press("R")
            await settle(pilot)
            assert "email 100%" in screen_text(pilot)
            await pilot.press("slash", *"email")
            await settle(pilot)
            assert [row.field.path for row in (table(pilot, "schema").row(0),)] == ["mail"]
