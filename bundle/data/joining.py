# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Several data sets made one data folder, in which each image says for itself what its data set said.

Images get their um per px as tags, diameters.csv and shares.csv hold the rest, and names begin with the data set's
folder, so every command takes the joined folder as it takes any other. `sources.json` says what it was made of.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.atomic import write_text
from ..files.csv_table import by_image_text
from ..files.images import read_image
from ..files.provenance import hash_files
from ..files.writers import write_image
from .derived_folder import SOURCES, ensure_derived
from .diameters import DIAMETERS, Diameter
from .folder import DataFolder
from .items import Item
from .shares import SHARES
from .sources import Source
from .split import PARTS


@dataclass(frozen=True)
class Member:
    """One image of a data set that is to be joined with others."""

    name: str  # in the joined folder
    part: str  # of the split
    item: Item
    source: Source
    share: float | None  # of the image, 1 on average

    @property
    def files(self) -> dict[str, Path]:
        """Kind -> file."""
        paths = {"images": self.item.image_path, "points": self.item.points_path, "labels": self.item.label_path}
        return {kind: path for kind, path in paths.items() if path is not None}


def ensure_joined(sources: Sequence[Source], folder: Path) -> Path:
    """Join data sets in a folder, or find there that the same ones have been joined before.

    Args:
        sources: at least one.
        folder: where to; what is there is never changed.

    Returns:
        The folder.

    Raises:
        FileNotFoundError, ValueError: as `write_joined`.
        FileExistsError: the folder holds something else, or data sets that have changed since.
    """
    made_of = _provenance(sources, list_members(sources))
    return ensure_derived(folder, made_of, lambda draft: write_joined(sources, draft))


def write_joined(
    sources: Sequence[Source], draft: Path, progress: Callable[[Sequence[Member]], Iterable[Member]] = iter
) -> int:
    """Write several data sets into one data folder.

    Args:
        sources: the data sets.
        draft: an empty folder.
        progress: wraps the loop over images.

    Returns:
        How many images were written.

    Raises:
        FileNotFoundError, ValueError: as `DataFolder`; images of different channels; an image of unknown um per px.
    """
    members = list_members(sources)
    for kind in ("images", "points", "labels"):
        (draft / kind).mkdir()
    channels: dict[int, Member] = {}
    diameters: dict[str, float] = {}
    for member in progress(members):
        image, files = read_image(member.item.image_path), member.files
        channels.setdefault(len(image.array), member)
        _check_same_channels(channels)
        mpp = _stated_spacing(member, image.mpp)
        write_image(draft / "images" / f"{member.name}.tif", image.array, mpp)
        for kind, path in files.items():
            if kind != "images":
                shutil.copyfile(path, draft / kind / f"{member.name}{path.suffix}")
        if diameter := member.item.diameter or member.source.diameter:
            diameters[member.name] = diameter.um(mpp, mpp)
    _write_tables(draft, members, diameters)
    write_text(draft / SOURCES, json.dumps(_provenance(sources, members), indent=1))
    return len(members)


def list_members(sources: Sequence[Source]) -> list[Member]:
    """All images that are in a part of their data set, under the names that they have together.

    Raises:
        FileNotFoundError, ValueError: as `DataFolder`; two data folders of one name; a share without training images.
    """
    names = [source.dataset_dir.resolve().name for source in sources]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(
            f"two data sets are in folders called {twice[0]!r}: rename one, their images are named after it"
        )
    folders = [DataFolder(source.dataset_dir) for source in sources]
    total = sum(len(folder.training) for folder in folders)
    return [
        Member(f"{name}_{item.name}", part, item, source, _share(source, folder, total))
        for name, source, folder in zip(names, sources, folders, strict=True)
        for part in PARTS
        for item in folder.items(part)
    ]


def _share(source: Source, folder: DataFolder, total: int) -> float | None:
    if source.share is None:
        return None
    if not folder.training:
        raise ValueError(f"{folder.dataset_dir}: has a share of {source.share:g}, but no image to train on")
    return source.share * total / len(folder.training)


def _check_same_channels(channels: dict[int, Member]) -> None:
    if len(channels) > 1:
        kinds = [f"{member.item.image_path} has {count}" for count, member in channels.items()]
        raise ValueError(
            f"data sets of different channels: {' and '.join(kinds)}: one network takes grey (1) or RGB (3) images,"
            " so train on them apart, or save all as one kind"
        )


def _stated_spacing(member: Member, tagged: float | None) -> float:
    mpp = member.source.mpp or tagged
    if mpp is None:
        raise ValueError(
            f"{member.item.image_path}: um per px unknown: state it for this data set in --mpp, which takes one number"
            " for each"
        )
    return mpp


def _write_tables(draft: Path, members: Sequence[Member], diameters: dict[str, float]) -> None:
    split = {part: [member.name for member in members if member.part == part] for part in PARTS}
    write_text(draft / "split.json", json.dumps(split, indent=1))
    if diameters:
        write_text(draft / DIAMETERS, by_image_text("image,diameter_um", diameters))
    shares = {member.name: member.share for member in members if member.share is not None}
    if shares:
        write_text(draft / SHARES, by_image_text("image,share", shares))


def _provenance(sources: Sequence[Source], members: Sequence[Member]) -> list[dict[str, Any]]:
    """What a joined folder was made of: for each data set its settings, and the SHA-256 of every file."""
    return [
        {
            "dataset_dir": str(source.dataset_dir.resolve()),
            "mpp": source.mpp,
            "diameter": None if source.diameter is None else f"{source.diameter.value:g}{source.diameter.unit}",
            "share": source.share,
            "files": hash_files(_files(source, members)),
        }
        for source in sources
    ]


def _files(source: Source, members: Sequence[Member]) -> dict[str, Path]:
    own = [member for member in members if member.source is source]
    files = {f"{each.part}/{kind}/{path.name}": path for each in own for kind, path in each.files.items()}
    return {**files, DIAMETERS: source.dataset_dir / DIAMETERS}


def first_diameter(sources: Sequence[Source]) -> Diameter | None:
    """The typical diameter of the first data set in um, None where it states none."""
    stated, folder = sources[0].diameter, DataFolder(sources[0].dataset_dir, sources[0].mpp)
    if stated is None or stated.unit == "um":
        return stated
    mpp = folder.spacing()
    if mpp is None:
        raise ValueError(f"{folder.dataset_dir}: um per px unknown, so {stated.value:g}px are no length: state --mpp")
    return Diameter(stated.um(mpp, mpp))
