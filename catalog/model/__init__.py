"""The plain values that travel between rooms: frozen dataclasses, standard library only.

Paths inside a silo are relative to its root, separated by `/`, with no leading or trailing
slash; the root itself is the empty string. Sizes are bytes, times are nanoseconds since the
epoch (`*_ns`), unknown is `None` and never 0.

The words of lineage are imported from `catalog.model.lineage`: a search does without them, and
making a dataclass costs a millisecond.
"""

from catalog.model.content import Digest, Facts, Field, Group, Part, Sniffed
from catalog.model.crawls import CrawlMode, CrawlPlan, CrawlProgress, CrawlReport, CrawlState, InspectMode
from catalog.model.found import (
    AssetInfo,
    ColumnChange,
    ColumnLabel,
    Count,
    FileInfo,
    Finding,
    Hit,
    SiloInfo,
    VersionInfo,
)
from catalog.model.listings import Entry, Failure, Listing

__all__ = [
    "AssetInfo", "ColumnChange", "ColumnLabel", "Count", "CrawlMode", "CrawlPlan", "CrawlProgress", "CrawlReport",
    "CrawlState", "Digest", "Entry", "Facts", "Failure", "Field", "FileInfo", "Finding", "Group", "Hit", "InspectMode",
    "Listing", "Part", "SiloInfo", "Sniffed", "VersionInfo",
]  # fmt: skip
