"""An asset in words: the lines that the preview and the dataset page show."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from catalog import text
from catalog.model import AssetInfo, Hit
from catalog.tui.cells import NONE, aligned, fit, pair, shown

PREVIEW_FIELDS = 12
PREVIEW_FINDINGS = 4
HEAD_NAME = 120


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is, for ages; a fixed one makes pictures repeatable."""

    now_ns: int | None = None

    def now(self) -> int:
        """Nanoseconds since the epoch."""
        return self.now_ns or time.time_ns()

    def age(self, ns: int | None) -> str:
        """How long ago, or `–`."""
        if ns is None:
            return NONE
        word = text.age(ns, self.now())
        return word if word in ("just now", "ahead") else f"{word} ago"

    def since(self, ns: int | None) -> str:
        """Date and age."""
        return NONE if ns is None else f"{day(ns)} · {self.age(ns)}"

    def moment(self, ns: int | None) -> str:
        """Date, time in UTC and age."""
        if ns is None:
            return NONE
        stamp = text.iso(ns)
        return f"{stamp[:10]} {stamp[11:16]} · {self.age(ns)}" if stamp else self.age(ns)


def day(ns: int | None) -> str:
    """The date in UTC, or `–`."""
    stamp = text.iso(ns)
    return stamp[:10] if stamp else NONE


def heading(hit: Hit) -> Text:
    """The name and the whole URI, which may wrap."""
    return Text.assemble((shown(hit.name), "bold"), "\n", (shown(hit.uri), "dim"))


def number(value: int | None) -> str:
    """A count with separators, or `–`."""
    return NONE if value is None else text.count(value)


def size(value: int | None) -> str:
    """Bytes for people, or `–`."""
    return NONE if value is None else text.size(value)


def _kind(hit: Hit) -> str:
    return f"{shown(hit.format)} {shown(hit.kind)}"


def facts(hit: Hit, info: AssetInfo | None, clock: Clock) -> list[Text]:
    """Label and value lines of the hit itself; what only the asset knows is added with `info`."""
    lines = [
        pair(
            "format", _kind(hit) if info is None or not info.codec else f"{_kind(hit)}, {shown(info.codec)}"
        ),
        pair("silo", hit.silo or None),
        pair("size", size(hit.bytes)),
        pair("files", number(hit.files)),
        pair("rows", number(hit.rows)),
        pair("modified", clock.since(hit.modified_ns)),
        pair("version", NONE if hit.version is None else f"{hit.version}"),
        pair("owner", hit.owner),
        pair("tags", "  ".join(f"#{tag}" for tag in hit.tags) or None),
    ]
    if info is None:
        return lines
    if info.removed_ns is not None:
        lines.insert(0, Text(f"✗ removed {clock.moment(info.removed_ns)}", style="bold"))
    lines.append(pair("verified", clock.since(info.last_verified_ns)))
    if hit.files is not None:
        lines.append(pair("inspected", f"{info.inspected:,} of {text.plural(hit.files, 'file')}"))
    if info.partitions:
        lines.append(pair("split by", ", ".join(info.partitions)))
    return lines


def why(info: AssetInfo) -> Text:
    """Why these files are believed to be one asset."""
    return Text(f"{shown(info.evidence)} ({info.confidence:.0%})")


def schema(info: AssetInfo, width: int, limit: int = PREVIEW_FIELDS) -> list[Text]:
    """The first columns with their types."""
    if not info.fields:
        return [Text("no columns known", style="dim")]
    name_width = min(max(len(f.path) for f in info.fields[:limit]), max(8, width // 2))
    lines = []
    for field in info.fields[:limit]:
        name = aligned(fit(shown(field.path), name_width, "start"), name_width)
        mark = "" if field.nullable else " !"
        lines.append(Text.assemble(name, "  ", (shown(field.type) + mark, "dim")))
    if len(info.fields) > limit:
        lines.append(Text(f"… {len(info.fields) - limit:,} more", style="dim"))
    return lines


def findings(info: AssetInfo, limit: int = PREVIEW_FINDINGS) -> list[Text]:
    """What is wrong with the asset's files, worst first as the catalog gives it."""
    lines = [
        Text.assemble("! ", (shown(found.kind), "bold"), f" {shown(found.path)}: {shown(found.detail)}")
        for found in info.findings[:limit]
    ]
    if len(info.findings) > limit:
        lines.append(Text(f"… {len(info.findings) - limit:,} more", style="dim"))
    return lines


def drift(info: AssetInfo, limit: int = PREVIEW_FINDINGS) -> list[Text]:
    """What its files do not agree on."""
    lines = [Text(shown(line)) for line in info.drift[:limit]]
    if len(info.drift) > limit:
        lines.append(Text(f"… {len(info.drift) - limit:,} more", style="dim"))
    return lines


def told(info: AssetInfo, limit: int = PREVIEW_FIELDS) -> list[Text]:
    """What its files say of themselves, a fact a line."""
    found = [
        Text.assemble((f"{shown(name)} ", "dim"), shown(f"{value:,}" if type(value) is int else str(value)))
        for name, value in list(info.facts.items())[:limit]
    ]
    more = len(info.facts) - limit
    return [*found, Text(f"… {more:,} more", style="dim")] if more > 0 else found


def section(title: str, lines: Sequence[Text]) -> list[Text]:
    """A heading and its lines, with a blank line before; nothing for no lines."""
    return [Text(), Text(title, style="bold"), *lines] if lines else []


def what(hit: Hit, info: AssetInfo | None, clock: Clock) -> Text:
    """The first half of the preview: what it is, in label and value lines."""
    return Text("\n").join([heading(hit), Text(), *facts(hit, info, clock)])


def inside(info: AssetInfo | None, width: int) -> Text:
    """The second half of the preview: what is known of its content."""
    if info is None:
        return Text()
    lines = section("Description", [Text(shown(info.description))] if info.description else [])
    lines += section("Findings", findings(info))
    lines += section("Drift", drift(info))
    lines += section("Facts", told(info))
    lines += section(f"Schema ({len(info.fields):,})", schema(info, width))
    lines += section("Why one asset", [why(info)])
    return Text("\n").join(lines[1:])


def page_head(hit: Hit, info: AssetInfo | None, clock: Clock) -> Text:
    """The head of an asset's page: a few lines, each about one thing, that wrap on narrow screens."""
    who = [
        _kind(hit),
        f"silo {shown(hit.silo)}" if hit.silo else "in no silo",
        f"owner {shown(hit.owner)}",
        *(f"#{shown(t)}" for t in hit.tags),
    ]
    measures = [size(hit.bytes), _counted(hit.files, "file"), _counted(hit.rows, "row")]
    measures.append("no version" if hit.version is None else f"version {hit.version}")
    measures.append(f"modified {clock.moment(hit.modified_ns)}")
    lines = [
        Text.assemble((fit(shown(hit.name), HEAD_NAME, "middle"), "bold"), "  ", (" · ".join(who), "dim")),
        Text(shown(hit.uri)),
        Text(" · ".join(measures)),
    ]
    if info is None:
        return Text("\n").join(lines)
    if info.removed_ns is not None:
        lines.insert(1, Text(f"✗ removed from its silo {clock.moment(info.removed_ns)}", style="bold"))
    if info.description:
        lines.append(Text(shown(info.description), style="italic"))
    if hit.files is None:
        lines.append(why(info))
    else:
        seen = f"verified {clock.age(info.last_verified_ns)} · inspected {info.inspected:,} of {hit.files:,}"
        lines.append(Text.assemble(("one asset because ", "dim"), why(info), (f" · {seen}", "dim")))
    return Text("\n").join([*lines, *findings(info, 2)])


def _counted(value: int | None, noun: str) -> str:
    return f"{NONE} {noun}s" if value is None else text.plural(value, noun)
