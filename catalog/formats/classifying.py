"""Sensitive columns of one dataset, from a sample of a few of its files. Runs in worker processes alone.

Values are read, weighed and forgotten here: what comes out are paths of columns, labels and counts. Not even a parser's
words about a broken file come out, for parsers quote what they stumble over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from catalog.classify.columns import MOST, Classified, classify
from catalog.errors import InspectError
from catalog.formats.base import MIB, Caps, RangeReader
from catalog.formats.tabular.values import Sampler, sample
from catalog.text import plural

CAPS = Caps(bytes=24 * MIB, calls=3_072, seconds=60.0)
"""What all files of one dataset may cost together, the weighing included."""


@dataclass(frozen=True, slots=True)
class SampledFile:
    """A file to look into: where it is, how large it was listed, and which format it has."""

    path: str
    size: int | None
    format: str


def classify_files(
    files: Sequence[SampledFile], fetch: Callable[[str, int, int], bytes], caps: Caps = CAPS
) -> Classified:
    """The sensitive columns in a sample of the files taken together. A silo that fails raises its `SiloError`."""
    into = Sampler(max(MOST // max(len(files), 1), 1))
    broken: dict[str, int] = {}
    share = Caps(caps.bytes // len(files), caps.calls // len(files), caps.seconds / 2 / len(files)) if files else caps
    for file in files:
        try:
            sample(RangeReader(partial(fetch, file.path), file.size, caps=share), file.format, into)
        except InspectError as error:
            broken[error.finding] = broken.get(error.finding, 0) + 1
    problems = [_said(finding, number) for finding, number in sorted(broken.items())]
    if into.cut:
        problems.append(f"{plural(into.cut, 'column')} not looked into: too many, or their values too long")
    return Classified(len(into.columns), classify(into.columns), tuple(problems))


def _said(finding: str, number: int) -> str:
    how = "not looked into to the end: more than may be read" if finding == "too_large" else f"not readable: {finding}"
    return f"{plural(number, 'file')} {how}"
