# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One data set or several: what a command line names becomes one folder that all stages read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..data.diameters import Diameter, parse_diameter
from ..data.joining import SOURCES, ensure_joined, first_diameter
from ..data.sources import parse_sources, stated_number
from ..files.images import check_mpp
from ..files.leftovers import scratch_folder
from .output import JOINED


@dataclass(frozen=True)
class DatasetChoice:
    """What a command line says about its data, as it was typed.

    Args:
        dataset_dir: a folder, or several, separated by commas.
        mpp: um per px; of several data sets one for all, or one for each.
        diameter: typical diameter; likewise.
        share: of several data sets, the part of all crops that each gives.
    """

    dataset_dir: str
    mpp: str = ""
    diameter: str = ""
    share: str = ""


@dataclass(frozen=True)
class OneDataset:
    """One data folder, and what is stated of all its images."""

    dataset_dir: Path
    mpp: float | None = None
    diameter: Diameter | None = None


@contextmanager
def one_dataset(choice: DatasetChoice, output_dir: Path, plan_only: bool = False) -> Iterator[OneDataset]:
    """The data folder that is meant, or the one that several become, in the output folder.

    Args:
        choice: what the command line says.
        output_dir: of the run.
        plan_only: nothing is to be written there: several are joined in a folder that is thrown away.

    Raises:
        FileNotFoundError, ValueError, FileExistsError: as `parse_sources`, `ensure_joined`; a share of one data set.
    """
    if "," not in choice.dataset_dir or Path(choice.dataset_dir).is_dir():
        yield _single(choice)
        return
    sources = parse_sources(choice.dataset_dir, choice.mpp, choice.diameter, choice.share)
    with scratch_folder("joined") as scratch:
        throw_away = plan_only and not (output_dir / JOINED / SOURCES).is_file()
        folder = ensure_joined(sources, (scratch if throw_away else output_dir) / JOINED)
        yield OneDataset(folder, None, first_diameter(sources))


def _single(choice: DatasetChoice) -> OneDataset:
    if choice.share:
        raise ValueError(f"share is {choice.share!r}, for one data set: it says how several are mixed, so leave it out")
    mpp = check_mpp(stated_number("mpp", choice.mpp))
    return OneDataset(Path(choice.dataset_dir), mpp, parse_diameter(choice.diameter) if choice.diameter else None)
