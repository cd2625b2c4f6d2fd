# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Several data sets as a command line names them: `a,b,c`, each with its own um per px, typical diameter and share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..files.images import check_mpp
from .diameters import Diameter, parse_diameter

TOLERANCE = 0.005  # of shares: .33, .33, .33 are three thirds, rounded down


@dataclass(frozen=True)
class Source:
    """One data set among several.

    Args:
        dataset_dir: its folder.
        mpp: um per px of its images; None: what their tags say.
        diameter: typical of its objects; None: as the training says for all.
        share: part of all crops that are cut from its training images, in (0, 1]; None: every image of all data sets
            is as likely as the others.
    """

    dataset_dir: Path
    mpp: float | None = None
    diameter: Diameter | None = None
    share: float | None = None


def parse_sources(dataset_dirs: str, mpp: str = "", diameter: str = "", share: str = "") -> list[Source]:
    """Read what a command line says about several data sets.

    Args:
        dataset_dirs: folders, separated by commas.
        mpp: one number for all, or one for each, an empty place where tags say it ("0.25,,0.5"); "": tags for all.
        diameter: the same of diameters, such as "6,8um,24px".
        share: one number for each, which sum to 1; "": none.

    Raises:
        ValueError: a folder is named twice or not at all; numbers that are none, or not as many as folders; shares that
            do not sum to 1.
    """
    folders = [Path(name) for name in _between_commas(dataset_dirs)]
    if "" in _between_commas(dataset_dirs) or len({folder.resolve() for folder in folders}) < len(folders):
        raise ValueError(f"dataset_dir is {dataset_dirs!r}: name different folders, separated by commas")
    spacings = [check_mpp(stated_number("mpp", text)) for text in _of_each("mpp", mpp, len(folders))]
    diameters = [parse_diameter(text) if text else None for text in _of_each("diameter", diameter, len(folders))]
    shares = _shares(share, len(folders))
    return [Source(*each) for each in zip(folders, spacings, diameters, shares, strict=True)]


def _between_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _of_each(what: str, text: str, count: int) -> list[str]:
    given = _between_commas(text)
    given = given * count if len(given) == 1 else given
    if len(given) != count:
        raise ValueError(
            f"{what} is {text!r}, {len(given)} values for {count} data sets: give one for all, or one for each in the"
            " order of the folders, with an empty place between commas where there is none"
        )
    return given


def stated_number(what: str, text: str) -> float | None:
    """The number that a command line states; "": None; ValueError names option and text where it is none."""
    try:
        return float(text) if text else None
    except ValueError as error:
        raise ValueError(
            f"{what} holds {text!r}, which is no number: write 0.25, or 0.25,0.5 for two data sets"
        ) from error


def _shares(text: str, count: int) -> list[float | None]:
    if not text:
        return [None] * count
    given = [stated_number("share", part) for part in _between_commas(text)]
    if len(given) != count or any(share is None or not 0 < share <= 1 for share in given):
        raise ValueError(f"share is {text!r}: give {count} numbers above 0, one for each data set, that sum to 1")
    total = math.fsum(share for share in given if share is not None)
    if abs(total - 1) > TOLERANCE * count:
        raise ValueError(f"share is {text!r}, which sums to {total:g}: the parts of all crops must sum to 1")
    return given
