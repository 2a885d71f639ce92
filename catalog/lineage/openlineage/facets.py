"""The facets of datasets, jobs and runs, as far as the catalog understands them. The others stay in the event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from catalog.model import Field
from catalog.model.events import SourceColumn
from catalog.model.lineage import Identity
from catalog.naming import canonical_pair, is_path, table_pair
from catalog.text import storable

LONGEST_NAME = 2000
"""Bytes of a namespace and name; longer ones no store and no index takes."""
MOST_FIELDS = 10_000
MOST_COLUMNS = 100_000
_LONGEST_FIELD = 1000
_LONGEST_FACT = 20_000
_DEEPEST = 32
_LISTED = 50
_PATH_LINKS = ("LOCATION", "")

Json = Mapping[str, Any]
Warn = Callable[[str], None]
NONE: Json = {}


def facet(holder: Json, name: str, warn: Warn) -> Json:
    """A facet by its name; empty when it is missing, deleted or no object."""
    facets = holder.get("facets")
    if not isinstance(facets, dict):
        if facets is not None:
            warn("its facets are no object")
        return NONE
    found = facets.get(name)
    if isinstance(found, dict):
        return NONE if found.get("_deleted") is True else found
    if found is not None:
        warn(f"facet '{name}' is no object")
    return NONE


def word(value: Any, longest: int = _LONGEST_FACT) -> str | None:
    """A text as it may be stored; None for anything else, and for nothing."""
    return storable(value[:longest]) if isinstance(value, str) and value else None


def words(value: Any) -> str | None:
    """A text as an annotation keeps it, which is indexed: what is longer is cut."""
    text = word(value)
    if text is None or len(text.encode()) <= LONGEST_NAME:
        return text
    return text.encode()[: LONGEST_NAME - 3].decode("utf-8", "ignore") + "…"


def listed(value: Any) -> list[Json]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def fits(identity: Identity) -> bool:
    """True for a name that is one, and that can be indexed."""
    named = identity.name or is_path(identity.namespace)
    return bool(named) and len("".join(identity).encode("utf-8", "replace")) <= LONGEST_NAME


def identified(one: Json) -> Identity | None:
    """The identity of an object that has a namespace and a name."""
    namespace, name = one.get("namespace"), one.get("name")
    if not isinstance(namespace, str) or not isinstance(name, str):
        return None
    found = Identity(*map(storable, canonical_pair(namespace, name)))
    return found if fits(found) else None


# ---------------------------------------------------------------- datasets


def aliases(found: Json) -> Iterator[tuple[Identity, str]]:
    """`symlinks`: other identities. That of a table is never a path, whatever its namespace looks like."""
    for one in listed(found.get("identifiers"))[:_LISTED]:
        namespace, name = one.get("namespace"), one.get("name")
        if not isinstance(namespace, str) or not isinstance(name, str):
            continue
        is_place = str(one.get("type") or "").upper() in _PATH_LINKS
        pair = canonical_pair(namespace, name) if is_place else table_pair(namespace, name)
        identity = Identity(*map(storable, pair))
        if fits(identity):
            yield identity, "symlink" if is_place and is_path(identity.namespace) else "table"


def fields(found: Json) -> tuple[Field, ...]:
    """`schema`: the columns, nested ones with dots, the types in the producer's own words."""
    return tuple(_fields(found.get("fields"), "", 0))[:MOST_FIELDS]


def _fields(value: Any, above: str, depth: int) -> Iterator[Field]:
    for one in listed(value)[:MOST_FIELDS]:
        name = word(one.get("name"))
        if name is None or depth > _DEEPEST:
            continue
        own = name.replace("\\", "\\\\").replace(".", "\\.")
        path = f"{above}[]" if above and name == "_element" else f"{above}.{own}" if above else own
        if len(path.encode("utf-8", "replace")) > _LONGEST_FIELD:
            continue
        yield Field(path, word(one.get("type"), 200) or "unknown", True, word(one.get("description"), 2000))
        if one.get("fields"):
            yield from _fields(one["fields"], path, depth + 1)


def storage_format(found: Json) -> str | None:
    """`storage`: the table format where there is one, else the format of the files."""
    layer, file = (str(found.get(key) or "").lower() for key in ("storageLayer", "fileFormat"))
    return word(layer if layer in ("delta", "iceberg", "hudi", "lance") else file, 40)


def owners(found: Json) -> str | None:
    """`ownership`: who answers for it."""
    names = [name for one in listed(found.get("owners"))[:_LISTED] if (name := word(one.get("name"), 200))]
    return words(", ".join(names))


def tags(found: Json) -> tuple[str, ...]:
    """`tags`: `key`, or `key:value` where the value says more."""
    made = []
    for one in listed(found.get("tags"))[:_LISTED]:
        key, value = word(one.get("key"), 200), word(one.get("value"), 200)
        if key:
            made.append(key if value in (None, "true") else f"{key}:{value}")
    return tuple(dict.fromkeys(made))


def statistics(found: Json) -> dict[str, object]:
    """`inputStatistics` and `outputStatistics`: what one run read or wrote."""
    names = {"rowCount": "rows", "size": "bytes", "fileCount": "files"}
    return {ours: found[theirs] for theirs, ours in names.items() if _is_count(found.get(theirs))}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def column_lineage(found: Json) -> Iterator[SourceColumn]:
    """`columnLineage`: columns made from columns; what bears on the whole dataset has the target `*`."""
    made = found.get("fields")
    for target, told in made.items() if isinstance(made, dict) else ():
        if isinstance(told, dict):
            yield from _columns(told.get("inputFields"), target)
    yield from _columns(found.get("dataset"), "*")


def explicit(found: Json) -> tuple[tuple[Identity, ...], tuple[SourceColumn, ...]]:
    """`lineage`, of a dataset or an entry of a job: all its sources, and the columns among them."""
    made = found.get("fields")
    inputs = listed(found.get("inputs"))
    columns = list(_columns(inputs, "*"))
    for target, told in made.items() if isinstance(made, dict) else ():
        if isinstance(told, dict):
            inputs += listed(told.get("inputs"))
            columns += _columns(told.get("inputs"), target)
    sources = (identified(one) for one in inputs if str(one.get("type") or "DATASET").upper() == "DATASET")
    return tuple(dict.fromkeys(one for one in sources if one is not None)), tuple(columns)


def _columns(value: Any, target: str) -> Iterator[SourceColumn]:
    into = word(target)
    for one in listed(value):
        source, field = identified(one), word(one.get("field"))
        if source is None or field is None or into is None:
            continue
        if len((field + into).encode("utf-8", "replace")) <= LONGEST_NAME:
            yield SourceColumn(source, field, into, _transformation(one.get("transformations")))


def _transformation(value: Any) -> str | None:
    """`DIRECT/IDENTITY`, several joined by commas."""
    words = []
    for one in listed(value)[:_LISTED]:
        kind, subtype = word(one.get("type"), 40), word(one.get("subtype"), 40)
        if kind:
            words.append(f"{kind}/{subtype}" if subtype else kind)
    return ", ".join(dict.fromkeys(words)) or None


# ---------------------------------------------------------------- jobs and runs


def job_facts(job: Json, warn: Warn) -> dict[str, object]:
    """What a job's facets tell of it, in a few words."""
    code, kind = facet(job, "sourceCodeLocation", warn), facet(job, "jobType", warn)
    return _kept(
        {
            "description": word(facet(job, "documentation", warn).get("description")),
            "owner": owners(facet(job, "ownership", warn)),
            "sql": word(facet(job, "sql", warn).get("query")),
            "code": _kept({key: word(code.get(key), 2000) for key in _CODE}),
            "type": _kept({key: word(kind.get(key), 200) for key in ("processingType", "integration", "jobType")}),
            "tags": list(tags(facet(job, "tags", warn))),
        }
    )


_CODE = ("type", "url", "repoUrl", "path", "version", "tag", "branch")


def run_facts(run: Json, warn: Warn) -> dict[str, object]:
    """What a run's facets tell of it, in a few words."""
    nominal, engine = facet(run, "nominalTime", warn), facet(run, "processing_engine", warn)
    parent = facet(run, "parent", warn) or facet(run, "parentRun", warn)
    job = parent.get("job")
    above = job if isinstance(job, dict) else NONE
    return _kept(
        {
            "error": word(facet(run, "errorMessage", warn).get("message"), 2000),
            "nominal_start": word(nominal.get("nominalStartTime"), 40),
            "nominal_end": word(nominal.get("nominalEndTime"), 40),
            "engine": _kept({key: word(engine.get(key), 200) for key in ("name", "version")}),
            "parent_job": _kept({key: word(above.get(key), LONGEST_NAME) for key in ("namespace", "name")}),
            "tags": list(tags(facet(run, "tags", warn))),
        }
    )


def parent_run(run: Json, warn: Warn) -> str | None:
    """The id of the run that started this one."""
    parent = facet(run, "parent", warn) or facet(run, "parentRun", warn)
    above = parent.get("run")
    return word(above.get("runId"), 200) if isinstance(above, dict) else None


def _kept(facts: dict[str, Any]) -> dict[str, object]:
    return {key: value for key, value in facts.items() if value not in (None, "", [], {})}


def entries(found: Json) -> Sequence[Json]:
    """The entries of a job's `lineage` facet, in either form that was published."""
    return listed(found.get("entries")) or listed(found.get("lineage"))
