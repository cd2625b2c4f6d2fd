# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the results in an output folder of segmented images were made with, so that a folder never mixes two models."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..files.manifest import StageManifest
from ..files.manifest_file import read_manifest
from ..files.provenance import sha256
from .model import model_path, read_card

logger = logging.getLogger(__name__)

STAGE = "segment"
ADDED = ("formats", "simplify")  # files that may be added to a finished folder


@contextmanager
def claimed_batch(
    output: str | Path, model: str | Path, settings: Mapping[str, Any], names: Collection[str], overwrite: bool
) -> Iterator[None]:
    """Keep the output folder for one run, one model and one choice of settings.

    Args:
        output: folder of labels/, overlays/ and objects/.
        model: weights, or their folder.
        settings: all that decides the results beside the model: um per px, formats, ...
        names: base names of the images that will be segmented.
        overwrite: whether results of these are replaced. Where there are others, all must still have been made alike.

    Raises:
        BlockingIOError: another run writes there.
        FileExistsError: it holds the output of another command.
        ValueError: results were made with another model or other settings; names what differs.
    """
    weights = model_path(model)
    card = read_card(weights)
    about = {name: getattr(card, name) for name in ("network", "mpp", "diameter", "channels", "output")}
    present = {path.stem for path in (Path(output) / "labels").glob("*.tif")}
    if present and read_manifest(output) is None:
        logger.warning("%s holds %d results that do not say which model made them", output, len(present))
    manifest = StageManifest(
        output,
        STAGE,
        {**settings, "model": about},
        {"weights": sha256(weights)},
        replace=overwrite and present <= set(names),
        added=ADDED,
        edited=True,
    )
    with manifest.claimed():
        yield
