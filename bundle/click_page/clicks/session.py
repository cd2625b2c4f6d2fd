# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""All images of a folder with their clicks, for every tab that shows one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transforms.size import Size

from ...annotations.regions import read_regions
from ...files.csv_table import read_table
from .click_folder import ClickFolder, ImagePaths
from .image_clicks import ImageClicks


@dataclass(frozen=True)
class ImageState:
    """What is clicked in one image, for a list of all."""

    name: str
    points: int
    regions: int  # in which everything is clicked; 0: the whole image counts as clicked once it has a point
    empty: bool  # stated to hold no nucleus
    problem: str = ""  # why it cannot be clicked, or what is not saved

    @property
    def is_clicked(self) -> bool:
        """Whether anything can be learnt from it."""
        return self.points > 0 or self.empty or self.regions > 0


class ClickSession:
    """The clicks of a folder.

    Args:
        folder: which.
        size_of: (H, W) of an image, px; raises OSError or ValueError where it cannot be read.
    """

    def __init__(self, folder: ClickFolder, size_of: Callable[[Path], Size]) -> None:
        self.folder, self._size_of = folder, size_of
        self._open: dict[str, ImageClicks] = {}
        self._counted: dict[Path, tuple[int, int, ImageState]] = {}
        self._followers: list[Callable[[str], None]] = []

    def names(self) -> list[str]:
        """Base names of the images, as the folder is now; those of images that are open stay."""
        return sorted({*self.folder.images(), *self._open})

    def paths(self, name: str) -> ImagePaths:
        """The files of an image.

        Raises:
            ValueError: there is none of this name; no other path is ever made of a name.
        """
        if name in self._open:
            return self._open[name].paths
        images = self.folder.images()
        if name not in images:
            raise ValueError(f"{self.folder.images_dir}: there is no image {name!r}")
        return images[name]

    def clicks(self, name: str) -> ImageClicks:
        """The clicks of an image; one object for all who ask.

        Raises:
            OSError, ValueError: there is no such image, or it or its files cannot be read.
        """
        if name not in self._open:
            paths = self.paths(name)
            self._open[name] = ImageClicks(paths, self._size_of(paths.image))
        return self._open[name]

    def states(self) -> list[ImageState]:
        """What is clicked in each image; of images that nobody has opened as their files say it."""
        return [self._state(name) for name in self.names()]

    def refresh(self) -> list[str]:
        """Take in what other programs wrote; the names of images whose clicks are others now, followers are told."""
        changed = [name for name, clicks in self._open.items() if clicks.refresh()]
        for name in changed:
            self.tell(name)
        return changed

    def follow(self, follower: Callable[[str], None]) -> Callable[[], None]:
        """Call `follower(name)` after each change of an image's clicks; what is returned ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower) if follower in self._followers else None

    def tell(self, name: str, but: Callable[[str], None] | None = None) -> None:
        """Tell all followers, but one, that the clicks of an image are others now."""
        for follower in tuple(self._followers):
            if follower != but:
                follower(name)

    def unsaved(self) -> list[str]:
        """Problems of saving, of all images."""
        return [clicks.problem for clicks in self._open.values() if clicks.problem]

    def _state(self, name: str) -> ImageState:
        if name in self._open:
            clicks = self._open[name]
            marks = clicks.marks
            return ImageState(name, len(marks.points), len(marks.regions), marks.empty, clicks.problem)
        return self._from_files(self.folder.images()[name])

    def _from_files(self, paths: ImagePaths) -> ImageState:
        stamp = _stamp(paths.points), _stamp(paths.regions)
        known = self._counted.get(paths.points)
        if known is None or known[:2] != stamp:
            known = (*stamp, _image_state(paths))
            self._counted[paths.points] = known
        return known[2]


def _image_state(paths: ImagePaths) -> ImageState:
    try:
        stated = paths.points.is_file()
        points = len(read_table(paths.points, "x,y")[1]) if stated else 0
        regions = len(read_regions(paths.regions)) if paths.regions.is_file() else 0
    except (OSError, ValueError) as error:
        return ImageState(paths.name, 0, 0, False, str(error))
    return ImageState(paths.name, points, regions, stated and not points)


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0
