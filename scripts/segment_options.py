# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Options that segmenting images and segmenting slides share."""

from __future__ import annotations

from dataclasses import dataclass

from bundle.files import bundle_root
from bundle.files.view import View, parse_view
from bundle.inference.test_time_augmentation import TEST_TIME_AUGMENTATIONS

MODEL = str(bundle_root.MODEL)


@dataclass(frozen=True)
class ModelOptions:
    """Which model is applied, and to what of a file. `output` is said where it is used.

    Attributes:
        model: trained weights, with their .json beside them.
        device: auto, cpu, cuda or cuda:N.
        augmentation: none, flips or eight: average over so many views; slower, a little better.
        channel: which channel is meant where a file has several, 0 the first, for a grey model; rgb: the first three
            are red, green and blue of one picture.
        plane: which plane of a stack is meant, 0 the first.
        intensity: low,high: stored intensities that become black and white; by default 0 and 255 of 8 bit, and what
            docs/images.md says of 16 bit, alike for all images of an output folder.

    Raises:
        ValueError: a value is out of its range.
    """

    output: str
    model: str = MODEL
    device: str = "auto"
    augmentation: str = "none"
    channel: str | None = None
    plane: int | None = None
    intensity: str | None = None

    def __post_init__(self) -> None:
        if self.augmentation not in TEST_TIME_AUGMENTATIONS:
            names = ", ".join(TEST_TIME_AUGMENTATIONS)
            raise ValueError(f"augmentation is {self.augmentation!r}: choose one of {names}")
        self.view()

    def view(self) -> View:
        """Which picture in a file is meant, and how its intensities count."""
        return parse_view(self.channel, self.plane, self.intensity)
