"""When a dataset is in a new state: the fingerprint of its parts."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def fingerprint(parts: Iterable[tuple[str, str, bytes]]) -> str:
    """32 hex digits over (directory, pattern, digest) of each part, in any order.

    The format is left out: learning what a file is does not change it.
    """
    hashed = blake2b(digest_size=16)
    for directory, pattern, digest in sorted(parts):
        hashed.update(f"{directory}\0{pattern}\0".encode())
        hashed.update(bytes(digest))
    return hashed.hexdigest()
