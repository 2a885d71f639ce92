"""The facets: for each field its values and how many results have them; choosing one filters by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from catalog.query import Query
from catalog.tui import terms
from catalog.tui.cells import aligned, fit, shown
from catalog.tui.messages import FacetToggled

FIELDS = ("silo", "format", "kind", "owner", "tag", "label")
VALUES_SHOWN = 8


class Facets(OptionList):
    """A list with one heading a field. Chosen values stay visible even when nothing matches them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "select", "filter", key_display="enter"),
        Binding("j", "cursor_down", "down", show=False),
        Binding("k", "cursor_up", "up", show=False),
        Binding("g", "first", "first", show=False),
        Binding("G", "last", "last", show=False),
        Binding("o", "more", "more values", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True, markup=False)
        self._facets: Mapping[str, Sequence[tuple[str, int]]] = {}
        self._query = Query()
        self._unfolded: set[str] = set()

    def show(self, facets: Mapping[str, Sequence[tuple[str, int]]], query: Query) -> None:
        """Take the counts for a query; the cursor stays on its value where that is still listed."""
        self._facets, self._query = facets, query
        self._fill()

    def action_more(self) -> None:
        """Unfold the field under the cursor, or fold it again."""
        if self.highlighted is not None:
            field = (self.get_option_at_index(self.highlighted).id or "").partition(":")[0]
            self._unfolded ^= {field}
            self._fill()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A value toggles its filter; `more` unfolds the field."""
        event.stop()
        field, _, value = (event.option_id or "").partition(":")
        if value == "":
            self.action_more()
        else:
            self.post_message(FacetToggled(field, value[1:]))

    def on_resize(self, event: events.Resize) -> None:
        """Counts stand at the right edge, wherever that is now."""
        self._fill()

    def _fill(self) -> None:
        kept = None if self.highlighted is None else self.get_option_at_index(self.highlighted).id
        options = [option for field in FIELDS for option in self._section(field)]
        top = self.scroll_offset.y
        self.set_options(options)
        ids = [option.id for option in options]
        if kept in ids:
            self.highlighted = ids.index(kept)
        self.scroll_to(y=top, animate=False)

    def _section(self, field: str) -> list[Option]:
        found = [(value, number) for value, number in self._facets.get(field, []) if value]
        chosen = [value for value, _ in found if terms.has(self._query, field, value)]
        listed = {value.casefold() for value, _ in found}
        empty = [value for value in terms.values(self._query, field) if value.casefold() not in listed]
        found = [(value, 0) for value in empty] + found
        chosen += empty
        if not found:
            return []
        unfolded = field in self._unfolded
        shown_values = found if unfolded or len(found) <= VALUES_SHOWN + 1 else found[:VALUES_SHOWN]
        values = [*shown_values, *((v, n) for v, n in found if v in chosen and (v, n) not in shown_values)]
        rows = [Option(Text(field, style="bold"), disabled=True)]
        rows += [
            Option(self._line(value, number, value in chosen), f"{field}:={value}")
            for value, number in values
        ]
        hidden = len(found) - len(values)
        if hidden > 0 or (unfolded and len(found) > VALUES_SHOWN + 1):
            label = f"  … {hidden:,} more" if hidden > 0 else "  fewer"
            rows.append(Option(Text(label, style="dim"), f"{field}:"))
        return rows

    def _line(self, value: str, number: int, chosen: bool) -> Text:
        amount = short(number)
        width = max(12, self.scrollable_content_region.width)
        room = width - 3 - cell_len(amount) - 1
        name = aligned(fit(shown(value), room, "middle"), room)
        line = Text("✓ " if chosen else "  ", no_wrap=True, end="")
        line.append(name, style="bold" if chosen else "")
        line.append(f" {amount}", style="dim")
        return line


def short(number: int) -> str:
    """A count in at most five characters: `950`, `12.4k`, `125k`, `1.2M`."""
    if number < 1000:
        return str(number)
    amount, unit = (number / 1e3, "k") if number < 999_500 else (number / 1e6, "M")
    return (f"{amount:.1f}".removesuffix(".0") if amount < 99.95 else f"{amount:.0f}") + unit
