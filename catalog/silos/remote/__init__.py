"""File servers, reached by their own protocols without a mount: a file for each, over what all share.

`base.py` is the silo that all are, `walk.py` the walk over "list one directory", `pool.py` connections
that threads take turns with. A protocol's own file lists, looks up and reads, and knows its errors.
"""
