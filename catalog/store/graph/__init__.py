"""Reading the lineage graph: pieces around an asset, all that is downstream, ways between two assets.

Walks go by frontier, a statement for each hop, and touch only what they show: no ORM, no graph in memory.
An edge is there while its origin claims it; `at_ns` asks as of a time. No edge ends at an asset that was
merged into another one (merging moves them), so that only the ids a caller brings are followed to
what they became.
"""

from catalog.store.graph.paths import path
from catalog.store.graph.reaching import Reached, affected, impact, reach
from catalog.store.graph.reading import became, edges, names, nodes, of_silo
from catalog.store.graph.walking import neighbours, trace

__all__ = [
    "Reached", "affected", "became", "edges", "impact", "names", "neighbours", "nodes", "of_silo", "path", "reach",
    "trace",
]  # fmt: skip
