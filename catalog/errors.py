"""The errors people meet, as one tree.

Each class owns its exit code and says whether trying again can help. An error carries what
happened, why (when known) and the next command to try; the command line prints just that.

    CatalogError                 1
    ├── UsageError               2   the request itself is wrong
    │   ├── QueryError               a search that does not parse, or names an unknown field
    │   └── SecretInline             a password or key where only a reference may stand
    ├── NotFound                 3   no such silo, asset, version
    │   └── Ambiguous                more than one asset answers to the reference
    ├── SiloError                5   a silo cannot be used
    │   ├── SiloUnreachable          nothing answers there, or the folder does not exist   (Transient)
    │   │   └── SiloBusy                 it answers, and asks to be asked again later
    │   ├── SiloRefused              it answers, and says no: credentials or permissions
    │   ├── SiloUnreadable           it is there, and of no kind that can be read, or damaged
    │   └── EntryMissing             the object or file is gone
    ├── StoreError               1   the catalog's own database
    │   ├── StoreBusy                another process holds the write lock                  (Transient)
    │   ├── StoreFull                no space left to write                                (Transient)
    │   ├── StoreReadOnly            the database cannot be written
    │   ├── StoreOutdated            an older schema: `catalog db upgrade`
    │   └── StoreTooNew              written by a newer release
    ├── InspectError             1   a file's content could not be read; a finding on the file, not a crash
    ├── CheckFailed              6   a check ran and found something wrong
    ├── MissingExtra             1   an optional dependency is not installed
    └── Interrupted            130   stopped by the user

`Transient` and `Terminal` are mixins: code that retries asks for the type, never for the text.
"""

from __future__ import annotations


class Transient:
    """Trying again later may succeed without anything being changed."""


class Terminal:
    """Trying again changes nothing until someone mends the cause."""


class CatalogError(Exception):
    """Base of every error this package raises on purpose.

    `message` says what happened and why; `hint` is the next thing to try, usually a command.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def kind(self) -> str:
        """The class name in lower_snake_case, as scripts see it in `-o json` errors."""
        name = type(self).__name__
        return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


class UsageError(CatalogError, Terminal):
    """The request is wrong as written."""

    exit_code = 2


class QueryError(UsageError):
    """A search that does not parse. `position` is the offset of the offending word in the query."""

    def __init__(self, message: str, *, hint: str | None = None, position: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.position = position


class SecretInline(UsageError):
    """A secret was given in the clear where only a reference may stand."""


class NotFound(CatalogError, Terminal):
    """The catalog holds nothing by that name."""

    exit_code = 3


class Ambiguous(NotFound):
    """More than one asset answers to the reference; `candidates` are their full names."""

    def __init__(self, message: str, *, candidates: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.candidates = candidates


class SiloError(CatalogError):
    """A silo cannot be used."""

    exit_code = 5


class SiloUnreachable(SiloError, Transient):
    """Nothing answers at the silo's address, or its folder does not exist."""


class SiloBusy(SiloUnreachable):
    """The silo answers and asks to be asked again later; `seconds` is how much later, where it says so."""

    def __init__(self, message: str, *, hint: str | None = None, seconds: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


class SiloRefused(SiloError, Terminal):
    """The silo answers and refuses: wrong credentials or missing permission."""


class SiloUnreadable(SiloError, Terminal):
    """The silo is there, and what it holds is of no kind that can be read, or damaged."""


class EntryMissing(SiloError, Terminal):
    """A file or object that was listed is no longer there."""


class StoreError(CatalogError):
    """The catalog's own database failed."""


class StoreBusy(StoreError, Transient):
    """Another process holds the database's write lock."""


class StoreFull(StoreError, Transient):
    """The disk (or quota) holding the database is full."""


class StoreReadOnly(StoreError, Terminal):
    """The database, or the folder it is in, cannot be written."""


class StoreOutdated(StoreError, Terminal):
    """The database has an older schema than this release needs."""


class StoreTooNew(StoreError, Terminal):
    """The database was upgraded by a newer release than this one."""


class InspectError(CatalogError, Terminal):
    """A file's content could not be read as the format it looks like.

    `finding` is a stable word for scripts and searches: `corrupt`, `truncated`, `encrypted`,
    `too_large` (a cap was reached), `unsupported`, `crashed` (reading it ended its process).
    """

    def __init__(self, message: str, *, finding: str = "corrupt", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.finding = finding


class CheckFailed(CatalogError, Terminal):
    """A check ran to its end and found something wrong."""

    exit_code = 6


class MissingExtra(CatalogError, Terminal):
    """An optional dependency is not installed; the hint is the command that mends it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the optional dependency group '{extra}'.",
            hint=f"pip install 'silograph[{extra}]'",
        )
        self.extra = extra


class Interrupted(CatalogError, Transient):
    """The user stopped the work; what was committed stays. `reports` are those of the crawls so far."""

    exit_code = 130
    reports: tuple[object, ...] = ()
