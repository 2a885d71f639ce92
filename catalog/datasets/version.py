"""When a dataset is in a new state: the fingerprint of its parts."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def fingerprint(parts: Iterable[tuple[str, str, str, bytes]]) -> str:
    """32 hex digits over (directory, pattern, format, digest) of each part, in any order."""
    hashed = blake2b(digest_size=16)
    for directory, pattern, format, digest in sorted(parts):
        hashed.update(f"{directory}\0{pattern}\0{format}\0".encode())
        hashed.update(bytes(digest))
    return hashed.hexdigest()
