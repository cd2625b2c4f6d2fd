# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Known failures that show in the contrast of painted objects to their ground, beside that of real ones.

The contrast is the mean luminance at the points less that outside all drawn objects: the same pixels in both images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from .panel import PanelState

FAINTEST = 0.03  # real contrast below which nothing is judged: 8 of 255 grey levels; stained nuclei have 0.15 to 0.3


class ContrastInversion:
    """G paints dark objects on bright ground where real ones are bright on dark, or the other way round.

    Masks carry no colour, so objects and ground may change places, and every loss but the point terms stays low.

    Args:
        faintest: real contrast, of the range [0, 1], below which there is no side to be on.
        share: of the real contrast that a painted one may have on the wrong side. An untrained G lies near 0 on either
            side, a trained one near the real contrast: a quarter is far from both.
    """

    name = "contrast inversion"

    def __init__(self, faintest: float = FAINTEST, share: float = 0.25) -> None:
        self.faintest, self.share = faintest, share

    def measure(self, look: PanelState, losses: Mapping[str, float]) -> dict[str, float]:
        """contrast_real, contrast_synthetic: of luminance in [0, 1]."""
        return contrasts(look)

    def judge(self, numbers: Mapping[str, float], progress: float) -> str:
        """A painted contrast on the wrong side."""
        real, painted = numbers["contrast_real"], numbers["contrast_synthetic"]
        if not (abs(real) >= self.faintest and math.copysign(painted, painted * real) < -self.share * abs(real)):
            return ""
        sides = ("brighter", "darker") if real > 0 else ("darker", "brighter")
        return (
            f"real images are {sides[0]} at the points than around ({real:+.2f} of 1), painted ones {sides[1]}"
            f" ({painted:+.2f}, warned of beyond {-self.share * real:+.2f}). G takes objects for ground: if it lasts,"
            " start again with another seed, keep the warm start of F and the point terms, and look whether the points"
            " lie on objects"
        )


class UnseenMasks:
    """Painted images do not show their masks, which F reads from traces that nobody sees (Chu et al. 2017).

    Args:
        faintest: real contrast, of the range [0, 1], below which nothing is judged.
        share: of the real contrast, which a painted one must have at least. Good runs have 0.7 to 1.4; a plain
            CycleGAN on MoNuSeg still had 0.05 after 2,700 updates.
        after: share of the training before which G is too young to be judged.
    """

    name = "masks that do not show"

    def __init__(self, faintest: float = FAINTEST, share: float = 0.25, after: float = 0.25) -> None:
        self.faintest, self.share, self.after = faintest, share, after

    def measure(self, look: PanelState, losses: Mapping[str, float]) -> dict[str, float]:
        """contrast_real, contrast_synthetic: of luminance in [0, 1]."""
        return contrasts(look)

    def judge(self, numbers: Mapping[str, float], progress: float) -> str:
        """A painted contrast on neither side."""
        real, painted = numbers["contrast_real"], numbers["contrast_synthetic"]
        if progress < self.after or not (abs(real) >= self.faintest and abs(painted) < self.share * abs(real)):
            return ""
        return (
            f"painted objects hardly differ from their ground ({painted:+.2f} of 1, warned of within"
            f" {self.share * abs(real):.2f} of 0; real ones {real:+.2f}). What F reads there are traces that nobody"
            " sees, and labels will not fit: keep the point terms and the warm start of F, or take another seed"
        )


def contrasts(look: PanelState) -> dict[str, float]:
    """The contrast of the panel's real and painted images."""
    points, ground = look.batch["point_map"] > 0, look.batch["hover_map"][:, 2:] == 0  # (B, 1, H, W)
    return {
        "contrast_real": contrast(look.pictures["image"], points, ground),
        "contrast_synthetic": contrast(look.pictures["synthetic_image"], points, ground),
    }


def contrast(image: Tensor, points: Tensor, ground: Tensor) -> float:
    """Mean luminance at the points less that of the ground, in [-1, 1]; NaN where there is no pixel of either.

    Args:
        image: float (B, C, H, W) in [0, 1].
        points: bool (B, 1, H, W).
        ground: bool (B, 1, H, W).
    """
    luminance = image.float().mean(dim=1, keepdim=True)  # (B, 1, H, W)
    return float(luminance[points].mean() - luminance[ground].mean())
