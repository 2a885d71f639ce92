"""A folder on disk as harvesters see it: what a crawl would hand them, without a crawl."""

from __future__ import annotations

from pathlib import Path

from catalog.lineage.evidence.base import EvidenceFile, Ground, Harvest, Subject
from catalog.lineage.evidence.registry import harvest, kind_of
from catalog.model.lineage import Claim

FIXTURES = Path(__file__).parents[2] / "fixtures" / "evidence"
GROUND = Ground("s3://lake", "team")
CODE = (".py", ".yaml", ".json", ".md", ".sh")
MODELS = (".onnx", ".safetensors", ".pt")


def guess(name: str) -> str:
    return "other" if name.endswith(CODE) else "model" if name.endswith(MODELS) else "dataset"


def evidence(
    path: str, data: bytes | str, beside: dict[str, bytes | str] | None = None, *, ground: Ground = GROUND,
    known: dict[str, str] | None = None, subjects: tuple[Subject, ...] = (), **options,
) -> EvidenceFile:  # fmt: skip
    files = {name: one.encode() if isinstance(one, str) else one for name, one in (beside or {}).items()}
    return EvidenceFile(
        path, f"{ground.namespace}/{ground.root}/{path}", data.encode() if isinstance(data, str) else data, ground,
        beside=files, what=(known or {}).get, guess=guess, subjects=lambda _: subjects, **options,
    )  # fmt: skip


def told(path: str, data: bytes | str, beside=None, **options) -> Harvest:
    """What the harvester of the path's kind tells."""
    kind = kind_of(path)
    assert kind is not None, path
    return harvest(kind, evidence(path, data, beside, **options))


def recorded(folder: str, path: str, **options) -> Harvest:
    """What a recorded file tells, with the files that stand beside it."""
    file = FIXTURES / folder / path
    beside = {one.name: one.read_bytes() for one in file.parent.iterdir() if one.is_file()}
    root = FIXTURES / folder

    def near(path: str) -> bytes | None:
        return (root / path).read_bytes() if (root / path).is_file() else None

    def below(path: str) -> list[str]:
        return sorted(one.relative_to(root).as_posix() for one in (root / path).rglob("*") if one.is_file())

    return told(path, file.read_bytes(), beside, **{"near": near, "below": below} | options)


def edges(found: Harvest) -> set[tuple[str, str, str]]:
    """(source, kind, target) with names alone."""
    return {(claim.source.identity.name, claim.kind, claim.target.identity.name) for claim in found.claims}


def line_of(claim: Claim, text: str) -> str:
    """The line of a text that a claim's evidence names."""
    assert claim.evidence.line is not None
    return text.splitlines()[claim.evidence.line - 1].strip()
