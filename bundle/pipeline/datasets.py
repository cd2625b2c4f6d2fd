# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One data set or several, clicked all over or in parts: what is named becomes one folder that all stages read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..annotations.clicked_parts import PartSize, ensure_clicked_parts
from ..data.derived_folder import SOURCES
from ..data.diameters import Diameter, parse_diameter
from ..data.folder import DataFolder
from ..data.joining import ensure_joined, first_diameter
from ..data.sources import parse_sources, stated_number
from ..files.images import check_mpp
from ..files.leftovers import scratch_folder
from .dataset import CHANNELS, MODEL_MPP
from .output import JOINED
from .request import Request
from .stage_run import StageRun
from .stages import Stage

CROP_SIZE = "crop_size"  # config id: H and W, px


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
    with _derived_in(output_dir, plan_only) as place:
        yield OneDataset(ensure_joined(sources, place), None, first_diameter(sources))


@contextmanager
def clicked_parts(request: Request, stages: Sequence[Stage], plan_only: bool = False) -> Iterator[Request]:
    """The request on what is clicked: where images have regions, these are cut out of them, in the output folder.

    Args:
        request: what the user asked for.
        stages: of the run; a part is no smaller than the crops of the first that trains.
        plan_only: as for `one_dataset`.

    Raises:
        FileNotFoundError, ValueError, FileExistsError: as `DataFolder` and `ensure_clicked_parts`.
    """
    configs = [StageRun(request, stage).config for stage in stages]
    dataset = DataFolder(request.dataset_dir, request.image_mpp, configs[0].get(CHANNELS, 3), regions=True)
    if not dataset.partly_clicked:
        yield request
        return
    training = next(config for config in configs if CROP_SIZE in config)
    size = PartSize(max(training[CROP_SIZE]), training[MODEL_MPP])
    with _derived_in(request.output_dir, plan_only) as place:
        yield replace(request, dataset_dir=ensure_clicked_parts(dataset, size, place))


@contextmanager
def _derived_in(output_dir: Path, plan_only: bool) -> Iterator[Path]:
    """Where a data folder may be made: in the output, or for a plan in a folder that is thrown away."""
    with scratch_folder("dataset") as scratch:
        throw_away = plan_only and not (output_dir / JOINED / SOURCES).is_file()
        yield (scratch if throw_away else output_dir) / JOINED


def _single(choice: DatasetChoice) -> OneDataset:
    if choice.share:
        raise ValueError(f"share is {choice.share!r}, for one data set: it says how several are mixed, so leave it out")
    mpp = check_mpp(stated_number("mpp", choice.mpp))
    return OneDataset(Path(choice.dataset_dir), mpp, parse_diameter(choice.diameter) if choice.diameter else None)
