"""One event, from the JSON it came as to what it tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Any, Literal
from uuid import UUID

from catalog.lineage.openlineage import facets
from catalog.lineage.openlineage.facets import NONE, Json, Warn, facet, listed, word
from catalog.model.events import RUN_STATES, DatasetSeen, EventSeen, SourceColumn
from catalog.model.lineage import AssetKind, Identity
from catalog.naming import canonical, canonical_pair
from catalog.text import safe, storable

PRODUCER = "https://github.com/silograph/silograph"
"""What this program's own events begin their `producer` with."""
MOST_DATASETS = 10_000
MOST_PAIRS = 100_000
"""Inputs times outputs of one event."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_NS = 2**63 - 1
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_HUB_DATA = ("datasets/", "spaces/")
_SELVES_SHOWN = 5
_READ_MOST = 5000
_READ: dict[bytes, tuple[DatasetSeen | None, tuple[str, ...]]] = {}
"""Datasets that were read, by the digest of their JSON."""

Role = Literal["input", "output", "dataset"]


class EventError(Exception):
    """Why something is no event that can be used."""


def parse(value: Any, place: str = "", text: str | None = None) -> EventSeen:
    """What an event tells. `text` is the event as it came, where it stood on one line. Raises `EventError`."""
    if not isinstance(value, dict):
        raise EventError(f"it is {_kind(value)}, not an object")
    time_ns = event_time(value.get("eventTime"))
    run, job, dataset = value.get("run"), value.get("job"), value.get("dataset")
    if run is None and job is None and dataset is None:
        raise EventError("it has no run, job or dataset")
    for name, one in (("run", run), ("job", job), ("dataset", dataset)):
        if one is not None and not isinstance(one, dict):
            raise EventError(f"its {name} is {_kind(one)}, not an object")
    try:
        pieces = {key: [_canonical(one) for one in listed(value.get(key))] for key in ("inputs", "outputs")}
        whole = ",".join(f"{_canonical(key)}:{_piece(value[key], pieces.get(key))}" for key in sorted(value))
        whole_text = text if text is not None and text.isascii() else _escaped(value)
    except RecursionError as error:
        raise EventError("it is nested too deeply") from error
    except ValueError as error:
        raise EventError("it holds a number that JSON cannot") from error
    warnings: list[str] = []
    reader = _Reader(warnings.append, pieces)
    seen = reader.datasets(value) if run is not None or job is not None else reader.one_dataset(dataset or NONE)
    return EventSeen(
        place=place,
        digest=sha256(f"{{{whole}}}".encode()).hexdigest(),
        body=whole_text.replace("\x7f", "\\u007f"),  # nothing that a terminal would obey
        type=_type(value, warnings.append),
        time_ns=time_ns,
        run=_run_id(run, warnings.append) if run is not None else None,
        job=_job(job, warnings.append) if job is not None else None,
        parent=facets.parent_run(run, warnings.append) if run is not None else None,
        recorded=str(value.get("producer") or "").startswith(PRODUCER),
        datasets=tuple(seen),
        job_facts=facets.job_facts(job, warnings.append) if job is not None else {},
        run_facts=facets.run_facts(run, warnings.append) if run is not None else {},
        warnings=tuple(dict.fromkeys(warnings)),
    )


_escaped = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _piece(value: Any, pieces: list[str] | None) -> str:
    """A value as canonical JSON, put together from its elements' where those are at hand."""
    if pieces is None or not isinstance(value, list) or len(pieces) != len(value):
        return _canonical(value)
    return f"[{','.join(pieces)}]"


def event_time(value: Any) -> int:
    """Nanoseconds since the epoch of an ISO 8601 time; UTC where it names no zone. Raises `EventError`."""
    if value is None:
        raise EventError("it has no eventTime")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        ns = (moment - _EPOCH) // _MICROSECOND * 1000
    except (TypeError, ValueError, OverflowError):
        raise EventError(f"its eventTime '{safe(value, 60)}' is no time") from None
    if not 0 < ns <= _LAST_NS:
        raise EventError(f"its eventTime '{safe(value, 60)}' is out of reach")
    return ns


# ---------------------------------------------------------------- the event itself


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    return {"str": "a text", "bool": "a truth value", "NoneType": "null"}.get(type(value).__name__, "a number")


def _type(event: Json, warn: Warn) -> str:
    """A run's state, or `job` or `dataset`."""
    told = event.get("eventType")
    if event.get("run") is None:
        kind = "job" if event.get("job") is not None else "dataset"
        if told is not None and kind == "job":
            warn("it has an eventType and no run: read as what the job is declared to do")
        return kind
    state = str(told or "other").lower()
    if told is None:
        warn("it has no eventType")
    elif state not in RUN_STATES:
        warn(f"its eventType '{safe(told, 40)}' is none of {', '.join(one.upper() for one in RUN_STATES)}")
        return "other"
    return state


def _run_id(run: Json, warn: Warn) -> str:
    found = run.get("runId")
    if not isinstance(found, str) or not found.strip() or len(found) > 200:
        raise EventError("its run has no runId" if not found else "its runId is no id")
    try:
        return str(UUID(found))
    except ValueError:
        warn(f"its runId '{safe(found, 60)}' is no UUID")
        return storable(found)


def _job(job: Json, warn: Warn) -> Identity:
    namespace, name = job.get("namespace"), job.get("name")
    if not isinstance(name, str) or not name:
        raise EventError("its job has no name")
    if not isinstance(namespace, str):
        warn("its job has no namespace")
        namespace = ""
    found = Identity(storable(namespace), storable(name))
    if len("".join(found).encode()) > facets.LONGEST_NAME:
        raise EventError(f"its job's name is longer than {facets.LONGEST_NAME:,} bytes")
    return found


# ---------------------------------------------------------------- its datasets


class _Reader:
    """Reads the datasets of one event; what is wrong with one of them is a warning."""

    def __init__(self, warn: Warn, pieces: Mapping[str, list[str]]) -> None:
        self._warn = warn
        self._pieces = pieces

    def one_dataset(self, dataset: Json) -> list[DatasetSeen]:
        """The dataset of a DatasetEvent, and those that its facets name as its sources."""
        found = self._dataset(dataset, "dataset")
        if found is None:
            raise EventError("its dataset has no name")
        inputs: dict[Identity, DatasetSeen] = {}
        _add_sources(inputs, [found])
        if len(inputs) > MOST_DATASETS:
            raise EventError(f"its dataset has {len(inputs):,} sources, more than can be meant")
        return [found, *inputs.values()]

    def datasets(self, event: Json) -> list[DatasetSeen]:
        """What a run or a job reads and writes; an input or output that stands there twice is one."""
        inputs, outputs = self._listed(event, "inputs", "input"), self._listed(event, "outputs", "output")
        self._explicit_of_job(event, inputs, outputs)
        _add_sources(inputs, outputs.values())
        pairs = sum(one.declared for one in inputs.values()) * len(outputs)
        if len(inputs) + len(outputs) > MOST_DATASETS or pairs > MOST_PAIRS:
            raise EventError(f"it has {len(inputs):,} inputs and {len(outputs):,} outputs, more than can be meant")
        both = [one.name for one in inputs if one in outputs]
        if both:
            more = f" and {len(both) - _SELVES_SHOWN} more" if len(both) > _SELVES_SHOWN else ""
            names = ", ".join(f"'{safe(name, 100)}'" for name in both[:_SELVES_SHOWN])
            self._warn(f"it reads and writes {names}{more}: no dataset is made from itself")
        return [*inputs.values(), *outputs.values()]

    def _listed(self, event: Json, key: str, role: Role) -> dict[Identity, DatasetSeen]:
        value = event.get(key)
        if value is not None and not isinstance(value, list):
            self._warn(f"its {key} are {_kind(value)}, not a list")
        if isinstance(value, list) and len(value) > MOST_DATASETS:
            raise EventError(f"it has {len(value):,} {key}, more than can be meant")
        seen: dict[Identity, DatasetSeen] = {}
        for one, text in zip(listed(value), self._pieces[key]):
            found = self._remembered(one, role, text)
            if found is not None:
                seen[found.identity] = _joined(seen[found.identity], found) if found.identity in seen else found
        return seen

    def _remembered(self, one: Json, role: Role, text: str) -> DatasetSeen | None:
        """What `_dataset` says; jobs tell of the same few datasets again and again."""
        key = blake2b(f"{role} {text}".encode(), digest_size=16).digest()
        if key not in _READ:
            warnings: list[str] = []
            found = _Reader(warnings.append, {})._dataset(one, role)
            if len(_READ) >= _READ_MOST:
                _READ.clear()
            _READ[key] = found, tuple(warnings)
        found, told = _READ[key]
        for warning in told:
            self._warn(warning)
        return found

    def _explicit_of_job(
        self, event: Json, inputs: dict[Identity, DatasetSeen], outputs: dict[Identity, DatasetSeen]
    ) -> None:
        """The `lineage` facet of the job or the run: which sources each target has."""
        for holder in (event.get("job"), event.get("run")):
            for entry in facets.entries(facet(holder or NONE, "lineage", self._warn)):
                sources, columns = facets.explicit(entry)
                if str(entry.get("type") or "DATASET").upper() != "DATASET":  # the job itself takes them in
                    for source in sources:
                        inputs.setdefault(source, DatasetSeen(source, "input", kind_of(source)))
                    continue
                target = facets.identified(entry)
                if target is None:
                    self._warn("an entry of its 'lineage' has no namespace or name")
                    continue
                known = outputs.get(target) or DatasetSeen(target, "output", kind_of(target))
                told = replace(known, sources=sources, columns=columns)
                outputs[target] = _joined(known, told) if known.sources is not None else told

    def _dataset(self, one: Json, role: Role) -> DatasetSeen | None:
        identity = self._identity(one)
        if identity is None:
            return None
        if all(one.get(key) is None for key in ("facets", "inputFacets", "outputFacets")):
            return DatasetSeen(identity, role, kind_of(identity))
        symlinks = facet(one, "symlinks", self._warn)
        change = facet(one, "lifecycleStateChange", self._warn)
        previous = change.get("previousIdentifier")
        sources, columns = self._sources(one, role)
        is_model = str(facet(one, "datasetType", self._warn).get("datasetType") or "").upper() == "MODEL"
        label = facet(one, "version", self._warn).get("datasetVersion")
        return DatasetSeen(
            identity=identity,
            role=role,
            kind="model" if is_model else kind_of(identity),
            label=word(str(label) if isinstance(label, int) else label, 200),
            aliases=tuple(facets.aliases(symlinks)) if symlinks else (),
            fields=facets.fields(facet(one, "schema", self._warn)),
            format=facets.storage_format(facet(one, "storage", self._warn)),
            owner=facets.owners(facet(one, "ownership", self._warn)),
            description=facets.words(facet(one, "documentation", self._warn).get("description")),
            tags=facets.tags(facet(one, "tags", self._warn)),
            change=(word(change.get("lifecycleStateChange"), 40) or "").lower() or None,
            previous=facets.identified(previous) if isinstance(previous, dict) else None,
            sources=sources,
            columns=columns,
            facts=self._facts(one, role),
        )

    def _sources(self, one: Json, role: Role) -> tuple[tuple[Identity, ...] | None, tuple[SourceColumn, ...]]:
        """What an output is made from: the explicit facet supersedes `columnLineage` where both stand."""
        if role == "input":
            return None, ()
        sources: tuple[Identity, ...] | None = None
        lineage = facet(one, "lineage", self._warn)
        if lineage:
            sources, columns = facets.explicit(lineage)
        else:
            columns = tuple(facets.column_lineage(facet(one, "columnLineage", self._warn)))
        if len(columns) > facets.MOST_COLUMNS:
            raise EventError(f"it has lineage of {len(columns):,} columns, more than can be meant")
        return sources, columns

    def _facts(self, one: Json, role: Role) -> dict[str, object]:
        statistics = "inputStatistics" if role == "input" else "outputStatistics"
        own = one.get("inputFacets" if role == "input" else "outputFacets")
        holder = {"facets": own if own is not None else one.get("facets")}
        facts = facets.statistics(facet(holder, statistics, self._warn))
        source = word(facet(one, "dataSource", self._warn).get("uri"), 2000)
        if source:
            facts["source"] = canonical_pair(source, "")[0]
        metrics = facet(holder, "silograph_training", self._warn).get("metrics")
        if isinstance(metrics, dict):
            facts["metrics"] = {
                key[:200]: value for key, value in list(metrics.items())[:100] if isinstance(value, (int, float, str))
            }
        return facts

    def _identity(self, one: Json) -> Identity | None:
        namespace, name = one.get("namespace"), one.get("name")
        if not isinstance(name, str):
            self._warn("a dataset has no name")
            return None
        if not isinstance(namespace, str):
            self._warn(f"dataset '{safe(name, 100)}' has no namespace")
            namespace = ""
        whole = _URI.match(name) is not None or (not namespace and name.startswith("/"))
        pair = canonical(name) if whole else canonical_pair(namespace, name)
        found = Identity(*map(storable, pair))
        if not facets.fits(found):
            self._warn(f"dataset '{safe(name, 100)}' is left out: its name is empty or too long")
            return None
        return found


def _add_sources(inputs: dict[Identity, DatasetSeen], outputs: Iterable[DatasetSeen]) -> None:
    """Add what only the facets of outputs name as their sources."""
    for output in outputs:
        named = [*(output.sources or ()), *(column.source for column in output.columns)]
        for source in dict.fromkeys(named):
            inputs.setdefault(source, DatasetSeen(source, "input", kind_of(source), declared=False))


def kind_of(identity: Identity) -> AssetKind:
    """What an identity alone tells: models have namespaces of their own."""
    namespace, name = identity
    if namespace == "model" or (namespace == "hf" and not name.startswith(_HUB_DATA)):
        return "model"
    return "dataset"


def _joined(first: DatasetSeen, second: DatasetSeen) -> DatasetSeen:
    """One dataset that an event names twice."""
    sources = None
    if first.sources is not None or second.sources is not None:
        sources = tuple(dict.fromkeys([*(first.sources or ()), *(second.sources or ())]))
    return replace(
        first,
        kind="model" if "model" in (first.kind, second.kind) else first.kind,
        label=first.label or second.label,
        aliases=tuple(dict.fromkeys([*first.aliases, *second.aliases])),
        fields=first.fields or second.fields,
        format=first.format or second.format,
        owner=first.owner or second.owner,
        description=first.description or second.description,
        tags=tuple(dict.fromkeys([*first.tags, *second.tags])),
        change=first.change or second.change,
        previous=first.previous or second.previous,
        sources=sources,
        columns=tuple(dict.fromkeys([*first.columns, *second.columns])),
        facts={**second.facts, **first.facts},
    )
