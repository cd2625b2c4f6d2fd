# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is asked for when slides are segmented, the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..files.view import View
from ..inference.model import ModelCard, read_card
from ..inference.test_time_augmentation import TEST_TIME_AUGMENTATIONS
from .plan import Settings
from .tissue import WAYS, default_way


@dataclass(frozen=True)
class SlideRequest:
    """What is asked for, the same for all slides.

    Raises:
        ValueError: there are no such views, or no such way to find tissue.
    """

    model: Path
    settings: Settings = field(default_factory=Settings)
    mpp: float | None = None  # um per px of the slides' finest level; None: what each file says
    view: View = field(default_factory=View)  # which channel, plane and intensities of each file are meant
    tissue: str | None = None  # "otsu" or "none"; None: as the model's channels suggest
    views: str = "none"
    device: str = "cpu"
    labels: bool = False  # whether to write a label image

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("augmentation", self.views, TEST_TIME_AUGMENTATIONS),
            ("tissue", self.tissue or "none", WAYS),
        ):
            if value not in choices:
                raise ValueError(f"{name} is {value!r}: choose one of {', '.join(choices)}")

    @cached_property
    def card(self) -> ModelCard:
        """What the model is; errors as `bundle.inference.model.read_card`."""
        return read_card(self.model)

    @property
    def way(self) -> str:
        """How tissue is found."""
        return self.tissue or default_way(self.card.channels)
