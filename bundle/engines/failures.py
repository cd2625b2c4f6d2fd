# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Known failures of such a training, each as numbers to watch and a bound beyond which they are a failure.

More are in `contrast` and `invented`. Every check is silent about NaN, which stands for what cannot be measured: no
point in any crop, no noise, a loss term that the configuration leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from ..metrics.diversity import pixel_deviation
from .panel import PanelState


class Check(Protocol):
    """One failure: `measure` gives numbers for the table, `judge` says what they mean, "" as long as all is well."""

    @property
    def name(self) -> str:
        """The failure, as it is called in the log."""

    def measure(self, look: PanelState, losses: Mapping[str, float]) -> dict[str, float]:
        """Numbers by the names of their columns; `losses` are means over the updates since the last look."""

    def judge(self, numbers: Mapping[str, float], progress: float) -> str:
        """What was seen, beyond which bound, what it means and what to do; `progress` is the done share of the run."""


class ModeCollapse:
    """G ignores its noise and paints every mask in one way only.

    Args:
        lowest: diversity below which noise is ignored, on the [-1, 1] scale. 0.01 is 1.3 of 255 grey levels, which
            nobody sees; the paper has 0.09 to 0.17.
    """

    name = "mode collapse"

    def __init__(self, lowest: float = 0.01) -> None:
        self.lowest = lowest

    def measure(self, look: PanelState, losses: Mapping[str, float]) -> dict[str, float]:
        """diversity: standard deviation over the noises of a mask, mean over pixels and masks; NaN without noise."""
        if look.painted is None:
            return {"diversity": math.nan}
        return {"diversity": sum(pixel_deviation(images) for images in look.painted) / len(look.painted)}

    def judge(self, numbers: Mapping[str, float], progress: float) -> str:
        """Hardly any diversity."""
        if not numbers["diversity"] < self.lowest:
            return ""
        return (
            f"images of one mask differ by {numbers['diversity']:.2g} from noise to noise (warned of below"
            f" {self.lowest:g}, on the [-1, 1] scale). G ignores its noise, and all synthetic images will look alike:"
            " lower the weight of the cycle term in term_weights, which rewards that, or give it more noise channels"
            " (global_noise, local_noise)"
        )


class DiscriminatorWins:
    """A discriminator tells real from fake without fail, so that its judgement no longer says where to go.

    Least-squares losses with the factor 1/2: at chance a discriminator's loss is 0.25 and the generator's 0.125; where
    the discriminator wins outright they are 0 and 0.5. Both are means over all updates since the last look, so that
    single batches do not matter.

    Args:
        discriminator: name of the discriminator's loss.
        adversarial: name of the generator's loss against it.
        lowest: loss of the discriminator from which on it may still be learned from. 0.02 means scores that are 0.14
            off on either side; in good runs of ours it stayed above 0.04.
        highest: loss of the generator up to which it gets through now and then; 0.4 means fakes scored at 0.1.
    """

    def __init__(self, discriminator: str, adversarial: str, lowest: float = 0.02, highest: float = 0.4) -> None:
        self.discriminator, self.adversarial, self.lowest, self.highest = discriminator, adversarial, lowest, highest

    @property
    def name(self) -> str:
        """The failure, with the discriminator's name."""
        return f"{self.discriminator} wins outright"

    def measure(self, look: PanelState, losses: Mapping[str, float]) -> dict[str, float]:
        """Both losses by their names."""
        return {name: losses.get(name, math.nan) for name in (self.discriminator, self.adversarial)}

    def judge(self, numbers: Mapping[str, float], progress: float) -> str:
        """The one near 0, the other near its worst."""
        won, lost = numbers[self.discriminator], numbers[self.adversarial]
        if not (won < self.lowest and lost > self.highest):
            return ""
        return (
            f"its loss is {won:.2g} (warned of below {self.lowest:g}; 0.25 is chance) and {self.adversarial} {lost:.2g}"
            f" (above {self.highest:g}; 0.5 is the worst). G and F learn nothing from it any more: lower the learning"
            " rate of the discriminators, give them fewer channels or layers, or start again with another seed"
        )
