"""A silo in words: the lines that its detail shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from catalog import text
from catalog.model import SiloInfo
from catalog.model.lineage import Layer
from catalog.model.schedules import ScheduleInfo
from catalog.silos.secrets import is_reference
from catalog.tui.cells import pair, shown
from catalog.tui.crawl_line import CrawlLine
from catalog.tui.crawl_words import crawl_facts, trouble
from catalog.tui.describe import Clock, section, size

_SECRET = re.compile(r"secret|token|password|passphrase|key|credential", re.IGNORECASE)
_PUBLIC = {"access_key_id"}


@dataclass(frozen=True, slots=True)
class SiloLine:
    """A silo in a list, with its last crawl and what testing its connection told."""

    info: SiloInfo
    crawl: CrawlLine
    reached: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    schedules: tuple[ScheduleInfo, ...] = ()


def silo_facts(line: SiloLine, clock: Clock) -> Text:
    """The first half of a silo's detail: what it is and what it holds."""
    info = line.info
    lines = [
        Text.assemble((shown(info.name), "bold"), "\n", (shown(info.url), "dim")),
        pair("holds", _holds(info)),
        pair("kind", info.kind),
        pair("added", clock.since(info.added_ns)),
    ]
    width = max((len(shown(name)) for name in info.options), default=0)
    lines += section("Options", [_option(name, value, width) for name, value in sorted(info.options.items())])
    lines += section("Schedules", [_schedule(one, clock) for one in line.schedules])
    lines += section("Connection", [Text(shown(part)) for part in line.reached])
    lines += section("Storage below", [_layer(line.layers, layer) for layer in line.layers])
    return Text("\n").join(lines)


def _schedule(schedule: ScheduleInfo, clock: Clock) -> Text:
    """`nightly  0 3 * * * · next in 12 h 47 min · last complete 11h ago`."""
    due = schedule.starts_ns if schedule.starts_ns is not None else schedule.due_ns
    told = [shown(schedule.when, 60)]
    if schedule.state is not None:
        told.append(schedule.state)
    elif due is not None:
        told.append(f"next in {text.duration(max(0, due - clock.now()) / 1e9)}")
    if schedule.last is not None:
        told.append(f"last {schedule.last} {clock.age(schedule.last_ns)}")
    return Text.assemble((shown(schedule.name, 60), "bold"), f"  {' · '.join(told)}")


def _layer(layers: Sequence[Layer], layer: Layer) -> Text:
    """`└─ partition p1  1.0 GB  type ext4`, indented below the layer it lies on."""
    depth, below = 0, layer.above
    while below is not None and depth < len(layers):
        depth, below = depth + 1, layers[below].above
    facts = "  ".join(f"{shown(key)} {shown(value, 60)}" for key, value in sorted(layer.facts.items()))
    held = f"  {size(layer.bytes)}" if layer.bytes is not None else ""
    guides = "   " * (depth - 1) + "└─ " if depth else ""
    return Text.assemble(f"{guides}{layer.kind} ", (shown(layer.title, 80), "bold"), f"{held}  ", (facts, "dim"))


def _holds(info: SiloInfo) -> str | None:
    if info.files is None:
        return None
    return f"{text.plural(info.files, 'file')}, {size(info.bytes)}, {text.plural(info.datasets, 'asset')}"


def silo_crawl(line: SiloLine, clock: Clock, now: float, width: int) -> Text:
    """The second half: the last crawl, or how to begin."""
    if line.crawl.row is None and line.crawl.job is None:
        return Text.assemble(("Not crawled yet", "bold"), ("\nc crawls it now.", "dim"))
    return Text("\n").join([crawl_facts(line.crawl, clock, now, width, "Last crawl"), *trouble(line.crawl)])


def _option(name: str, value: str, width: int) -> Text:
    """An option; one that holds a secret is shown only where it says where the secret is kept."""
    hidden = _SECRET.search(name) is not None and name not in _PUBLIC and not is_reference(value)
    return pair(shown(name), "(not shown)" if hidden else value, width)
