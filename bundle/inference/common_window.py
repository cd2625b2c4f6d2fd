# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One scale for the 16-bit images of one output folder, kept in a file there, so that equal intensities look equal.

Scaled one by one, an empty image among others would have its noise stretched into objects.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..files.atomic import write_json
from ..files.image_kinds.intensities import IntensityCounts, is_spread
from ..files.images import is_deep, read_image, select_channels
from ..files.view import View, Window

logger = logging.getLogger(__name__)

FILE = "intensities.json"  # in the output folder


def common_window(
    output: Path,
    paths: Sequence[Path],
    channels: int,
    view: View,
    overwrite: bool = False,
    trained: Window | None = None,
) -> Window | None:
    """What becomes 0 and 1 in the 16-bit images of a folder; None where it has none, or only 8-bit ones spread.

    Intensities that the view states, those kept from an earlier run into this output, those that the model was trained
    with, or those of all images together, by the rule of `bundle.files.image_kinds.intensities`; they are kept in
    `intensities.json` in the output.

    Args:
        output: the folder of the results.
        paths: the images; those that cannot be read are passed over, they are reported when they are segmented.
        channels: 1 (grey) or 3 (RGB).
        view: what a user states of the files.
        overwrite: whether results of an earlier run are replaced, and what was kept with them.
        trained: the range that was stated when the model was trained; None: none was.

    Raises:
        ValueError: other intensities are stated than those kept; the kept file is damaged.
    """
    kept = None if overwrite else _kept_window(output / FILE)
    if kept and view.intensity and kept != view.intensity:
        raise ValueError(
            f"{output / FILE}: the results there were made with the intensities {kept[0]:g},{kept[1]:g}, and"
            f" {view.intensity[0]:g},{view.intensity[1]:g} are stated: name another output, or give --overwrite"
        )
    window = kept or view.intensity or (trained if _any_deep(paths) else None) or _counted_window(paths, channels, view)
    if window and window != kept:
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / FILE, {"low": window[0], "high": window[1], "stated": view.intensity is not None})
    if window:
        logger.info("%s: 16-bit intensities %g to %g become 0 and 1 in all images", output, *window)
    return window


def _any_deep(paths: Sequence[Path]) -> bool:
    """Whether one of the images that can be read has more than 8 bits."""
    for path in paths:
        try:
            if is_deep(path):
                return True
        except (OSError, ValueError) as error:
            logger.debug("%s: %s", path, error)
    return False


def _counted_window(paths: Sequence[Path], channels: int, view: View) -> Window | None:
    counts = IntensityCounts()
    for path in paths:
        try:
            if is_deep(path):
                file = read_image(path, view)
                array = select_channels(file.array, channels, path)
                if array.dtype == np.uint16 and not is_spread(array):
                    counts.add(array, file.bits)
        except (OSError, ValueError) as error:
            logger.debug("%s: not counted: %s", path, error)
    if not counts:
        return None
    if channels == 1 and not counts.stands_out:
        logger.warning(
            "the 16-bit images show little contrast (most intensities lie from %g to %g), so they are not stretched:"
            " where there are nuclei, state the range, --intensity low,high",
            *counts.percentiles,
        )
    return counts.window()


def _kept_window(path: Path) -> Window | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
        return float(content["low"]), float(content["high"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: is damaged ({error}): move it away, or give --overwrite") from error
