# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder that is clicked in: images/ (or the images themselves), points/, regions/ and what the page keeps.

    my_data/images/a.png          images and slides
    my_data/points/a.csv          clicks; a file of its header alone says that the image holds no nucleus
    my_data/regions/a.geojson     where only parts of an image are clicked: QuPath's outlines of the class Region*
    my_data/click/                trainings and results of the page

All names come from the folder's own listing. What a client sends is looked up in it and never made a path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...data.items import files_by_name
from ...files.images import IMAGE_SUFFIXES
from ...files.sole_run import sole_run
from ...slides.listing import SLIDE_SUFFIXES

SUFFIXES = (*IMAGE_SUFFIXES, *SLIDE_SUFFIXES)
OWN = "click"  # what the page keeps beside the data


@dataclass(frozen=True)
class ImagePaths:
    """One image and the files of its clicks, which need not be there."""

    name: str
    image: Path
    points: Path
    regions: Path


class ClickFolder:
    """A data folder, or a folder that holds images directly.

    Args:
        root: the folder.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it holds no image, or two of one base name.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"{self.root}: no such folder: give the folder of your images")
        inner = self.root / "images"
        self.images_dir = inner if inner.is_dir() else self.root
        if not self.images():
            raise ValueError(f"{self.images_dir}: holds no image or slide ({', '.join(SUFFIXES)})")

    @property
    def own(self) -> Path:
        """Where the page keeps its trainings and results."""
        return self.root / OWN

    def images(self) -> dict[str, ImagePaths]:
        """Base name -> files, as they are now, by name.

        Raises:
            ValueError: two images of one base name, whose clicks would share a file.
        """
        found = files_by_name(self.images_dir, SUFFIXES)
        return {name: self._paths(name, path) for name, path in found.items() if path.is_file()}

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep a second page out of the folder; the system lets go of it however this process ends.

        Raises:
            BlockingIOError: another page works in it.
            PermissionError: the folder cannot be written to.
        """
        with ExitStack() as held:
            try:
                held.enter_context(sole_run(self.own / "page.lock", self.root, seconds=0.5))
            except BlockingIOError as error:
                raise BlockingIOError(f"{self.root}: another page works in this folder: use or end that one") from error
            except OSError as error:
                reason = getattr(error.__cause__, "strerror", None) or error
                raise PermissionError(
                    f"{self.root}: cannot be written to ({reason}), and clicks are kept in it: change its permissions,"
                    " or copy it to a folder of your own"
                ) from error
            yield

    def _paths(self, name: str, image: Path) -> ImagePaths:
        return ImagePaths(name, image, self.root / "points" / f"{name}.csv", self.root / "regions" / f"{name}.geojson")
