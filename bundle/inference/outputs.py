# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the three channels of a segmenter's network mean, and which post-processing belongs to them.

All networks have one form, image (B, C, H, W) to (B, 3, H, W). Here is what differs between a network that returns a
hover map and one that tells classes; a configuration names one of these classes, and a model's description keeps it.
Their fields are the parameters of the post-processing, lengths in um and areas in um2, so that they mean the same at
any spacing; `python -m scripts.tune` chooses them by points alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Protocol

from torch import Tensor
from transforms.instances.classes_to_label import REACH, classes_to_label
from transforms.instances.hover_to_label import hover_to_label
from transforms.maps.classes import INSIDE

from ..files.image_kinds.spacing import MICROSCOPIC
from ..files.value_rules import NOTHING, Rule, check_value, either, is_number, number
from ..networks.describe import build_known
from ..networks.parts import activate_hover_map
from .test_time_augmentation import Symmetry

OUTLINE_SMOOTHING = 0.5  # um: standard deviation of the Gaussian that smooths the outlines of objects


class Output(Protocol):
    """How the three channels of a network are read."""

    @property
    def threshold(self) -> float:
        """Foreground probability on the outlines of objects."""

    @property
    def outline_px(self) -> float:
        """Standard deviation, px of the map, of the Gaussian that smooths outlines; 0: they stay, and so do holes."""

    def activated(self, prediction: Tensor) -> Tensor:
        """What the network returned, (B, 3, H, W), as a map that may be averaged over windows and views."""

    def undo(self, symmetry: Symmetry, seen: Tensor) -> Tensor:
        """The map (..., 3, H', W') of an image shown in another way, brought back onto the image."""

    def foreground(self, seen: Tensor) -> Tensor:
        """Foreground probability (1, H, W) of a map (3, H, W)."""

    def labeller(self, smallest: int = 10) -> Callable[[Tensor], Tensor]:
        """Map (3, H, W) to label (1, H, W), without objects of fewer px than `smallest`."""


class CheckedOutput:
    """What both kinds of output share: parameters that are checked, and outlines that are smoothed."""

    mpp: float
    outline_smoothing: float

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def outline_px(self) -> float:
        """As `Output.outline_px`."""
        return self.outline_smoothing / self.mpp


@dataclass(frozen=True)
class HoverOutput(CheckedOutput):
    """tanh h, tanh v and the logit of m, read as a hover map with m in [0, 1]: Compact and HoverNet.

    Raises:
        ValueError: a parameter is out of its range.
    """

    mpp: float = 0.5  # um per px of the maps
    threshold: float = 0.5  # pixels with m above it are foreground
    smoothing: float = 0.25  # um: standard deviation of a Gaussian over h and v
    smallest: float | None = None  # um2: smaller objects are dropped; None: what the caller says, in px
    outline_smoothing: float = OUTLINE_SMOOTHING

    def activated(self, prediction: Tensor) -> Tensor:
        """(B, 3, H, W) to the same shape; probabilities are averaged, not logits."""
        return activate_hover_map(prediction)

    def undo(self, symmetry: Symmetry, seen: Tensor) -> Tensor:
        """Pixels move and vectors turn."""
        return symmetry.undo_hover_map(seen)

    def foreground(self, seen: Tensor) -> Tensor:
        """m, (1, H, W)."""
        return seen[2:]

    def labeller(self, smallest: int = 10) -> Callable[[Tensor], Tensor]:
        """`hover_to_label`."""
        smallest = smallest_px(self.smallest, self.mpp, smallest)
        return partial(hover_to_label, threshold=self.threshold, smallest=smallest, smoothing=self.smoothing / self.mpp)


@dataclass(frozen=True)
class ClassOutput(CheckedOutput):
    """Logits of background, inside and boundary, read as probabilities: CNN3; ValueError as `HoverOutput`."""

    mpp: float  # um per px of the maps
    threshold: float = 0.5
    reach: float = REACH  # um that the core of an object grows by
    smallest: float | None = None  # um2: smaller objects are dropped; None: what the caller says, in px
    outline_smoothing: float = OUTLINE_SMOOTHING

    def activated(self, prediction: Tensor) -> Tensor:
        """(B, 3, H, W) to probabilities of the same shape."""
        return prediction.softmax(dim=1)

    def undo(self, symmetry: Symmetry, seen: Tensor) -> Tensor:
        """Pixels move."""
        return symmetry.undo_image(seen)

    def foreground(self, seen: Tensor) -> Tensor:
        """The probability of inside or boundary, (1, H, W)."""
        return seen[INSIDE:].sum(dim=0, keepdim=True)

    def labeller(self, smallest: int = 10) -> Callable[[Tensor], Tensor]:
        """`classes_to_label`."""
        smallest = smallest_px(self.smallest, self.mpp, smallest)
        return partial(classes_to_label, mpp=self.mpp, threshold=self.threshold, reach=self.reach, smallest=smallest)


def smallest_px(area: float | None, mpp: float, default: int) -> int:
    """An area in um2 as a whole number of px, rounded up; the default, px, for None."""
    return default if area is None else math.ceil(area / mpp**2)


PARAMETERS = {
    "mpp": number(*MICROSCOPIC),
    "threshold": Rule("a foreground probability between 0 and 1", lambda value: is_number(value) and 0 < value < 1),
    "smoothing": number(0, 1000),  # um
    "reach": number(0, 1000),  # um
    "outline_smoothing": number(0, 1000),  # um
    "smallest": either(number(0, 1e9), NOTHING),  # um2
}


def check_parameters(output: Any) -> None:
    """ValueError, naming the parameter, where one of an output is of a wrong type or out of its range."""
    for parameter in fields(output):
        check_value(parameter.name, getattr(output, parameter.name), PARAMETERS[parameter.name])


KNOWN_OUTPUTS = {
    f"{kind.__module__}.{kind.__qualname__}": {each.name: PARAMETERS[each.name] for each in fields(kind)}
    for kind in (HoverOutput, ClassOutput)
}  # what a description may name


def build_output(description: Mapping[str, Any]) -> Output:
    """The output that a description names; ValueError as `bundle.networks.describe.build_known`."""
    return build_known("output", description, KNOWN_OUTPUTS, object)
