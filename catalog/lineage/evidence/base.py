"""What a harvester is given and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from catalog.model.lineage import AssetKind, Claim, Identity
from catalog.naming import canonical
from catalog.text import safe

What = Literal["dataset", "model", "other"]
"""What a path stands for: data, a model, or nothing with lineage of its own (code, settings, text)."""

MOST_CLAIMS = 10_000
"""Edges that one file of evidence may claim."""
_LONGEST = 4096
_DETAIL = 300
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTAINERS = ("abfs", "abfss", "wasb", "wasbs")
_SIGNED = re.compile(r"(?:^|[&?_-])(?:sig|signature|token|key|credential|password|secret)=", re.IGNORECASE)
_UNKEEPABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""What no database keeps, or no path means."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one file tells: its claims, and what is wrong with it, as (kind, sentence).

    A file that could not be understood is not `read`: what it claimed before is then not taken back.
    """

    claims: tuple[Claim, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    read: bool = True


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the paths of a silo are named: its namespace and its root there (see `Silo.namespace`)."""

    namespace: str
    root: str

    def identity(self, path: str) -> Identity:
        """The identity of a path in the silo."""
        joined = f"{self.root.rstrip('/')}/{path}" if path and self.root else path or self.root
        return Identity(self.namespace, joined or "/")

    def below(self, folder: str, relative: str) -> Identity | None:
        """The identity of a relative path, seen from a folder of the silo; it may lead out of the silo."""
        name = normal(f"{self.root}/{folder}/{relative}")
        if name is None:
            return None
        return Identity(self.namespace, "/" + name if self.root.startswith("/") else name or "/")

    def path(self, identity: Identity) -> str | None:
        """The path in the silo that an identity means; None when it lies elsewhere."""
        root = self.root.rstrip("/")
        if identity.namespace != self.namespace:
            return None
        if not root:
            return identity.name.lstrip("/")
        if identity.name == root or identity.name.startswith(root + "/"):
            return identity.name[len(root) + 1 :]
        return None


@dataclass(frozen=True, slots=True)
class Subject:
    """An asset that stands in a folder."""

    identity: Identity
    kind: AssetKind


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file of evidence and the questions its harvester may ask.

    `data` are its bytes, its first ones when it is not `whole`; `end` are then its last ones, where
    the harvester wants them. `beside` are the files beside it that its kind asks for, by name.
    `what(path)` says what the catalog takes a path of this silo for, None where it does not know;
    `guess(name)` what a file of that name mostly is. `subjects(folder)` are the assets that stand in a folder.
    Of files elsewhere in the silo, `near(path)` reads a small one (None when it is not there, or too long), and
    `below(folder)` names those at and below a folder, up to a bound.
    """

    path: str
    origin: str
    data: bytes
    ground: Ground
    whole: bool = True
    end: bytes = b""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    what: Callable[[str], What | None] = lambda _path: None
    guess: Callable[[str], What] = lambda _name: "dataset"
    subjects: Callable[[str], Sequence[Subject]] = lambda _folder: ()
    near: Callable[[str], bytes | None] = lambda _path: None
    below: Callable[[str], Sequence[str]] = lambda _folder: ()

    @property
    def folder(self) -> str:
        """The directory the file stands in."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]

    def locate(self, reference: str, folder: str | None = None) -> Identity | None:
        """What a path or URI written in the file means, relative to `folder` (the file's own).

        None for what no address is: empty, too long, with control characters, or above the root of
        a bucket. Users, passwords and signatures are dropped.
        """
        if not keepable(reference):
            return None
        if _WINDOWS.match(reference):
            return Identity("file", reference.replace("\\", "/"))
        if reference.startswith("/"):
            return Identity(*canonical(reference))
        if _SCHEME.match(reference):
            namespace, name = canonical(without_secrets(reference))
            return Identity(namespace, name) if name else None
        return self.ground.below(self.folder if folder is None else folder, reference)

    def seen_from_above(self, relative: str, folder: str | None = None) -> Identity | None:
        """A relative path that was written down as it was typed, in a folder that nobody noted.

        That is the file's own or, mostly, one above it: the first from which there is something the
        catalog knows. None where there is none.
        """
        at = self.folder if folder is None else folder
        while True:
            identity = self.locate(relative, at)
            path = self.ground.path(identity) if identity is not None else None
            if path is not None and self.what(path) is not None:
                return identity
            if not at:
                return None
            at = at.rpartition("/")[0]

    def takes_for(self, identity: Identity) -> What:
        """What an identity stands for: as the catalog knows it, else as its name suggests."""
        path = self.ground.path(identity)
        known = self.what(path) if path is not None else None
        return known or self.guess(identity.name.rstrip("/"))


class Harvester(Protocol):
    """A function of a module of this room."""

    def __call__(self, file: EvidenceFile) -> Harvest:
        """The claims of one file. Raises `InspectError` when it is not what its name says."""
        ...


def keepable(word: str) -> bool:
    """True for text that may become part of a name."""
    return 0 < len(word) <= _LONGEST and not _UNKEEPABLE.search(word)


def normal(path: str) -> str | None:
    """`path` without `.`, `..` and needless slashes; None when it climbs above its root."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def without_secrets(uri: str) -> str:
    """A URI without user, password and signature: they open a place and are no part of its name."""
    head, found, rest = uri.partition("://")
    if not found:
        return uri
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    # Azure writes the container where others have a user.
    authority = f"{user.partition(':')[0]}{at}{host}" if head.lower() in _CONTAINERS else host
    place, _, query = path.partition("?")
    return f"{head}://{authority}{slash}{place if _SIGNED.search(query) else path}"


def told(*words: str | None) -> str | None:
    """The words that are there as one short, printable line; None without any."""
    return safe("; ".join(word for word in words if word), _DETAIL) or None
