"""Where the catalog's database is: flag, environment, project file, user file, default.

    --db URL                      before the command
    CATALOG_DB                    environment
    catalog.toml                  the nearest one, from the working directory upward
    config.toml                   in the user's configuration directory
    catalog.db                    in the user's data directory

The first that says something wins. Both files hold one key, `db`: a path (relative to the file,
`~` allowed) or a URL.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import SecretInline, UsageError

APP = "silograph"
PROJECT_FILE = "catalog.toml"
KNOWN_KEYS = ("db",)

# A password may hold characters that end a URL's authority, so the last `@` counts; a port before
# a path is no password.
_USERINFO = re.compile(r"^[^/?#@:]*:(?!\d+[/?])[^@]+@", re.DOTALL)
_PARAMETER = re.compile(r"(?:^|[?&\s])(?:ssl)?password\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Location:
    """A database URL and who named it (`--db`, `CATALOG_DB`, a file's path, `default`)."""

    url: str
    source: str


def database_url(flag: str | None = None) -> str:
    """The URL of the catalog's database, `sqlite:///…` or `postgresql://…`.

    Raises `UsageError` for a broken configuration file or a database of an unknown kind, and
    `SecretInline` for a password anywhere but in the environment.
    """
    return locate(flag).url


def locate(flag: str | None = None) -> Location:
    """As `database_url`, and where the answer came from."""
    if flag:
        return Location(_without_secret(normalise(flag), "--db"), "--db")
    if value := os.environ.get("CATALOG_DB"):
        return Location(normalise(value), "CATALOG_DB")
    for file in (_project_file(), user_config_dir() / "config.toml"):
        value = _read(file).get("db") if file else None
        if file and value:
            return Location(_without_secret(normalise(value, file.parent), str(file)), str(file))
    return Location(normalise(str(user_data_dir() / "catalog.db")), "default")


def normalise(value: str, base: Path | None = None) -> str:
    """A path or URL as a URL with an absolute path, seen from `base` (the working directory).

    Raises `UsageError` for what names no database.
    """
    scheme, mark, rest = value.partition("://")
    driver = scheme.lower().partition("+")[0]
    if mark and driver in ("postgresql", "postgres"):
        return f"postgresql://{rest}"
    if mark and driver != "sqlite":
        raise UsageError(
            f"'{scheme}://' is no database this catalog knows.",
            hint="Use a file path, sqlite:///path/to/catalog.db or postgresql://user@host/name.",
        )
    if not mark and _PARAMETER.search(value):
        raise _secret("The database setting")
    return f"sqlite:///{_file_path(rest.removeprefix('/') if mark else value, base or Path.cwd())}"


def user_config_dir() -> Path:
    """The folder of the user's `config.toml`."""
    import platformdirs

    return Path(platformdirs.user_config_dir(APP, appauthor=False))


def user_data_dir() -> Path:
    """The folder of the default catalog."""
    import platformdirs

    return Path(platformdirs.user_data_dir(APP, appauthor=False))


def _file_path(text: str, base: Path) -> Path:
    if not text or text == ":memory:":
        raise UsageError("A catalog is kept in a file; this names none.", hint="For example: --db ./catalog.db")
    try:
        path = base / Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"'{text}' names a home directory that does not exist.") from error
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a database.", hint=f"For example: --db {path / 'catalog.db'}")
    return Path(os.path.abspath(path))  # noqa: PTH100 (normalises `..` without following links)


def _project_file() -> Path | None:
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the working directory was deleted
        return None
    return next((file for folder in (here, *here.parents) if (file := folder / PROJECT_FILE).is_file()), None)


def _read(file: Path) -> dict[str, str]:
    """The settings of one file; none when there is no such file."""
    import tomllib  # most runs have no such file

    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no valid TOML: {error}.", hint=f"Mend or remove {file}.") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    unknown = sorted(set(found) - set(KNOWN_KEYS))
    if unknown:
        raise UsageError(
            f"{file} holds unknown keys: {', '.join(unknown)}.", hint=f"Known keys: {', '.join(KNOWN_KEYS)}."
        )
    for key, value in found.items():
        if not isinstance(value, str):
            raise UsageError(f"{file}: '{key}' must be a string.", hint=f'For example: {key} = "catalog.db"')
    return found


def _without_secret(url: str, source: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme == "postgresql" and (_USERINFO.match(rest) or _PARAMETER.search(rest)):
        raise _secret(f"The database URL ({source})")
    return url


def _secret(where: str) -> SecretInline:
    return SecretInline(
        f"{where} holds a password in the clear.",
        hint="Leave it out and set PGPASSWORD, or write it to ~/.pgpass: postgresql://user@host/name",
    )
