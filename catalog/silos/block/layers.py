"""The storage below the files of a disk, as layers: the volume, its partitions, their filesystems.

Identities come from where the image stands, not from what is written in it: a clone of an image is other
storage, whatever UUIDs it carries along. The volume is the image file itself, as `naming.canonical` has it;
partitions and filesystems have namespaces of their own:

    ("file", "/data/disk.img")  ("partition", "/data/disk.img/p1")  ("filesystem", "/data/disk.img/p1")

The filesystem of a disk without partitions is `("filesystem", "/data/disk.img")`.
"""

from __future__ import annotations

from catalog import text
from catalog.model.lineage import Identity, Layer
from catalog.naming import canonical
from catalog.silos.block.disk import Disk, Volume
from catalog.silos.block.image import Image
from catalog.silos.paths import LARGEST

_WORD = 160


def layers_of(image: Image, disk: Disk, root: str) -> list[Layer]:
    """The layers below the part `root` of the disk's tree, lowest first."""
    name = canonical(text.name_to_text(image.path))[1]
    layers = [_volume(image, disk, name)]
    for volume in disk.volumes:
        inside = root == volume.path or root.startswith(f"{volume.path}/" if volume.path else "")
        if root and not inside:
            continue
        prefix = "" if root else volume.path
        below = 0
        if volume.partition is not None:
            below = len(layers)
            layers.append(_partition(volume, name, prefix))
        if volume.content.reader is not None or volume.content.bytes is not None:
            layers.append(_filesystem(volume, name, prefix, below))
    return layers


def _volume(image: Image, disk: Disk, name: str) -> Layer:
    facts: dict[str, str | int] = {"type": "device" if image.is_device else "image"}
    if disk.table is not None:
        facts |= {"table": disk.table.kind, "sector": disk.table.sector}
        facts |= _told({"uuid": disk.table.uuid, "state": disk.table.problem or disk.table.state})
    return Layer("volume", Identity("file", name), name.rpartition("/")[2] or name, "", None, image.size, facts)


def _partition(volume: Volume, name: str, prefix: str) -> Layer:
    partition = volume.partition
    assert partition is not None
    facts: dict[str, str | int] = {"number": partition.number, "offset": partition.offset}
    facts |= _told({"type": partition.type, "name": partition.name, "uuid": partition.uuid})
    facts |= _told({"content": volume.content.kind, "problem": volume.content.problem or ""})
    identity = Identity("partition", f"{name}/p{partition.number}")
    size = partition.bytes if partition.bytes <= LARGEST else None
    return Layer("partition", identity, f"p{partition.number}", prefix, 0, size, facts)


def _filesystem(volume: Volume, name: str, prefix: str, below: int) -> Layer:
    content = volume.content
    facts: dict[str, str | int] = _told({"type": content.kind, "label": content.label, "uuid": content.uuid})
    facts |= {"block": content.block} if content.block is not None else {}
    facts |= content.facts
    if volume.cut is not None:
        facts["problem"] = volume.cut
    identity = Identity("filesystem", f"{name}/{volume.path}" if volume.path else name)
    return Layer("filesystem", identity, content.label or content.kind, prefix, below, content.bytes, facts)


def _told(facts: dict[str, str]) -> dict[str, str | int]:
    """The facts that are known, as short words that may be shown."""
    return {key: text.safe(value, _WORD) for key, value in facts.items() if value}
