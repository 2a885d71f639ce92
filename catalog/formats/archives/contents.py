"""What an archive mostly holds, from the names of its members."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from catalog.formats.names import BY_NAME, claimed_formats
from catalog.formats.vocabulary import Facet


def add_contents(names: Sequence[str], facet: Facet) -> None:
    """`content`: the three commonest formats among the members, with how many have each."""
    files = [name.rpartition("/")[2] for name in names if not name.endswith("/")]
    if not files:
        return
    counted = Counter(claim for claim in claimed_formats(files) if claim)
    facet.add("content", [f"{BY_NAME[name].label} ({count:,})" for name, count in counted.most_common(3)])
