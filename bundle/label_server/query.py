# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is asked of a model, whatever the image is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..files.view import Window
from ..inference.segmenter import Segmenter
from ..inference.test_time_augmentation import TEST_TIME_AUGMENTATIONS
from ..slide_segmentation.block import cached_segmenter, model_identity


@dataclass(frozen=True)
class Query:
    """The model, and how images are shown to it.

    Raises:
        ValueError: there are no such views.
    """

    model: Path  # weights, with their description beside them
    mpp: float | None = None  # um per px of the image's full resolution, stated in the request; it goes before the file
    default_mpp: float | None = None  # for images that say nothing
    views: str = "none"
    device: str = "cpu"
    intensity: Window | None = None  # stored, of 16 bit, that become 0 and 1: stated by the user, before the model's

    def __post_init__(self) -> None:
        if self.views not in TEST_TIME_AUGMENTATIONS:
            raise ValueError(f"augmentation is {self.views!r}: choose one of {', '.join(TEST_TIME_AUGMENTATIONS)}")

    @property
    def identity(self) -> str:
        """Fingerprint of the model as it is now: one that was trained anew is loaded anew."""
        return model_identity(self.model)

    def segmenter(self) -> Segmenter:
        """The model, kept in memory from one request to the next; errors as `load_network`."""
        return cached_segmenter(str(self.model), self.identity, self.views, self.device)
