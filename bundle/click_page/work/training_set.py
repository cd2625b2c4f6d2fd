# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The clicks of a folder as a data set to train on, a part of it kept back to measure with.

What is written comes from the code that the MONAI Label app writes its trainings with: images as they are, or tiles of
regions. An image without a region counts as clicked all over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...annotations.clicks import Clicks, Outline
from ...annotations.formats.xy_table import read_plain
from ...annotations.regions import REGION, image_area, read_regions
from ...files.atomic import write_json
from ...label_server.clicked import write_training_set
from ...label_server.training import Training
from ...pipeline.request import Request
from ..clicks.session import ClickSession

FEWEST, EVERY = 5, 5  # of so many images or tiles or more, each fifth is kept back


@dataclass(frozen=True)
class Clicked:
    """All that can be learnt from."""

    images: Mapping[str, Path]
    clicks: Mapping[str, Clicks]


def clicked_images(session: ClickSession) -> Clicked:
    """The images with clicks, read from their files.

    Raises:
        OSError, ValueError: a file cannot be read, clicks are not saved, or no image has any.
    """
    if problems := session.unsaved():
        raise ValueError(problems[0])
    names = [state.name for state in session.states() if state.points]
    if not names:
        raise ValueError("nothing is clicked yet: click the nuclei of an image, or of a region of it")
    files = {name: session.paths(name) for name in names}
    clicks = {name: read_plain(paths.points)[0] for name, paths in files.items()}
    regions = {name: read_regions(paths.regions) for name, paths in files.items() if paths.regions.is_file()}
    if regions:  # then only regions count, in all images
        whole = {name: _whole_image(*session.clicks(name).size) for name in names if not regions.get(name)}
        regions |= {name: [region] for name, region in whole.items()}
    with_regions = {
        name: Clicks(each.path, each.points, each.names, tuple(regions.get(name, ()))) for name, each in clicks.items()
    }
    return Clicked({name: paths.image for name, paths in files.items()}, with_regions)


def write_set(draft: Path, clicked: Clicked, training: Training, request: Request) -> None:
    """Write the data set into an empty folder, with a split where there is enough to keep some back.

    Raises:
        OSError, ValueError: as `write_training_set`.
    """
    write_training_set(draft, clicked.images, clicked.clicks, training.choice, training.tiles(request), training.mpp)
    names = sorted(path.stem for path in (draft / "points").glob("*.csv"))
    if len(names) >= FEWEST:
        testing = names[EVERY - 1 :: EVERY]
        write_json(
            draft / "split.json", {"training": [each for each in names if each not in testing], "testing": testing}
        )


def _whole_image(height: int, width: int) -> Outline:
    return Outline(image_area((height, width)), REGION)
