"""Writing the lineage graph: identities and the assets they mean, claims, runs, and what meets what.

Every function that writes says whether it opens a transaction of its own; what takes `Identities`
works inside the caller's.
"""
