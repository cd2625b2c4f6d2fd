# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Segment image files one by one into an output folder: labels/NAME.tif, overlays/NAME.png, objects/NAME.csv.

Further files for other programs are written where they are asked for (`bundle.objects`). What is there is never
replaced unless asked for, so a run that was cut is started again and goes on; a file that cannot be segmented is
reported and does not stop the others.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..data.items import files_by_name, warn_of_others
from ..files.atomic import is_full, write_text
from ..files.images import IMAGE_SUFFIXES, LoadedImage, load_image
from ..files.view import View
from ..files.writers import write_label, write_png
from ..objects.overlay import overlay
from ..objects.registry import ObjectFormat, Result
from ..objects.table import ObjectTable, measure_objects
from .common_window import common_window
from .scale import Scale, warn_other_size
from .segmenter import Segmentation, Segmenter, warn_unknown_spacing

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outputs:
    """The files that one image gives."""

    label: Path  # TIFF
    overlay: Path  # PNG
    table: Path  # CSV
    further: Mapping[Path, ObjectFormat] = field(default_factory=dict)  # what was asked for besides

    @classmethod
    def of(cls, output: str | os.PathLike[str], name: str, formats: Sequence[ObjectFormat] = ()) -> Outputs:
        """Those of the image with base name `name` in the folder `output`."""
        folder = Path(output)
        return cls(
            folder / "labels" / f"{name}.tif",
            folder / "overlays" / f"{name}.png",
            folder / "objects" / f"{name}.csv",
            {each.path(folder, name): each for each in formats},
        )

    def all(self) -> list[Path]:
        """Every one."""
        return [self.label, self.overlay, self.table, *self.further]

    def missing(self) -> list[Path]:
        """Those that are not there yet."""
        return [path for path in self.all() if not path.exists()]


@dataclass
class Summary:
    """How a batch went; base names of images."""

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # -> the error

    def __str__(self) -> str:
        return f"{len(self.done)} segmented, {len(self.skipped)} already there, {len(self.failed)} failed"


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """The images directly in a folder, by name; hidden files are left out.

    Raises:
        NotADirectoryError: it is no folder.
        ValueError: it holds no image, or two of one base name, whose results would have one name.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: no such folder")
    paths = list(files_by_name(folder, IMAGE_SUFFIXES).values())
    warn_of_others(folder, IMAGE_SUFFIXES)
    if not paths:
        hint = ": did you mean its folder images?" if (folder / "images").is_dir() else ""
        raise ValueError(f"{folder}: holds no image ({', '.join(IMAGE_SUFFIXES)}){hint}")
    return paths


class BatchSegmenter:
    """A segmenter with a place for its results.

    Args:
        segmenter: what segments.
        output: folder to write into; it is made if need be, and nothing in it is deleted.
        mpp: um per px that the user states for all images; None takes what each file says.
        overwrite: replace results that are there.
        formats: further files to write, as `choose_formats` gives them.
        tolerance: px that the polygons in them may leave the edges of pixels by; 0 follows these exactly.
        view: which channel, plane and intensities of the files are meant.
        scale: how large objects are; by default as the model's.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        output: str | os.PathLike[str],
        mpp: float | None = None,
        overwrite: bool = False,
        formats: Sequence[ObjectFormat] = (),
        tolerance: float = 0.0,
        view: View | None = None,
        scale: Scale | None = None,
    ) -> None:
        self.segmenter, self.output, self.mpp, self.overwrite = segmenter, Path(output), mpp, overwrite
        self.formats, self.tolerance = tuple(formats), tolerance
        self.view, self.scale = view or View(), scale or Scale()
        self.common = self.view.intensity or segmenter.intensity

    def settle_intensities(self, paths: Sequence[Path]) -> None:
        """Settle, before the first image, how the 16-bit ones are scaled, alike in one output; see `common_window`.

        Raises:
            ValueError: other intensities are stated than those that the output was made with.
        """
        self.common = common_window(
            self.output, paths, self.segmenter.channels, self.view, self.overwrite, self.segmenter.intensity
        )

    def run(self, paths: Iterable[Path]) -> Summary:
        """Segment the images; errors of single ones are logged and counted."""
        summary = Summary()
        for path in paths:
            outputs = Outputs.of(self.output, path.stem, self.formats)
            wanted = outputs.all() if self.overwrite else outputs.missing()
            if not wanted:
                summary.skipped.append(path.stem)
                continue
            try:
                self.segment(path, outputs, wanted)
                summary.done.append(path.stem)
            except (OSError, ValueError, RuntimeError, MemoryError) as error:
                if is_full(error):
                    raise  # it would be the end of every other image too
                message = str(error) if str(path) in str(error) else f"{path}: {error}"
                logger.error("%s", message)
                summary.failed[path.stem] = message
        return summary

    def segment(self, path: Path, outputs: Outputs, wanted: list[Path]) -> ObjectTable:
        """Segment one file and write those of its outputs that are wanted; errors as `load_image`."""
        loaded = load_image(path, self.segmenter.channels, self.mpp, self.view, self.common)
        shown_at = self.scale.shown_at(self.segmenter, loaded.image, loaded.mpp)
        if shown_at is None:
            warn_unknown_spacing(path, self.segmenter.mpp)
        found = self.segmenter(loaded.image, shown_at)
        table = measure_objects(found.label, found.probability, loaded.mpp)
        logger.info("%s: %d objects", path.name, len(table))
        warn_other_size(path, table.area_px, shown_at or self.segmenter.mpp, self.segmenter.diameter)
        write_outputs(outputs, wanted, loaded, found, table)
        result = Result(path.stem, loaded.image, found.label, table, loaded.mpp, self.tolerance)
        for further, form in outputs.further.items():
            if further in wanted:
                form.write(further, result)
        return table


def write_outputs(
    outputs: Outputs, wanted: list[Path], loaded: LoadedImage, found: Segmentation, table: ObjectTable
) -> None:
    """Write those of label, overlay and table that are wanted, each whole or not at all; make all folders."""
    for path in wanted:
        path.parent.mkdir(parents=True, exist_ok=True)
    if outputs.label in wanted:
        write_label(outputs.label, found.label, loaded.mpp)
    if outputs.overlay in wanted:
        write_png(outputs.overlay, overlay(loaded.image, found.label))
    if outputs.table in wanted:
        write_text(outputs.table, table.as_csv())
