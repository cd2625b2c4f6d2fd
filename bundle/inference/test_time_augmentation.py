# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The eight symmetries of a square pixel grid, for averaging predictions over flips and rotations.

A hover map is a vector field: undoing a symmetry moves its pixels and turns its vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor


@dataclass(frozen=True)
class Symmetry:
    """First swap the axes, then turn x, y round, as chosen; all eight flips and quarter turns have this form."""

    swap: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def image(self, image: Tensor) -> Tensor:
        """Show an image (..., H, W) to the network in this way; (..., W, H) if axes are swapped."""
        if self.swap:
            image = image.transpose(-1, -2)
        return torch.flip(image, self._axes())

    def undo_image(self, image: Tensor) -> Tensor:
        """Bring any map without vectors (..., H', W') of `self.image(image)` back onto the image: its pixels move."""
        image = torch.flip(image, self._axes())
        return image.transpose(-1, -2) if self.swap else image

    def undo_hover_map(self, hover_map: Tensor) -> Tensor:
        """Bring the hover map (..., 3, H', W') of `self.image(image)` back onto the image.

        h and v are offsets along x and y: a flip changes the sign of one, a swap exchanges them. m only moves.
        """
        hover_map = torch.flip(hover_map, self._axes())
        h, v, m = hover_map.unbind(-3)  # (..., H', W') each
        h, v = (-h if self.flip_x else h), (-v if self.flip_y else v)
        if self.swap:
            h, v, m = v.transpose(-1, -2), h.transpose(-1, -2), m.transpose(-1, -2)
        return torch.stack((h, v, m), -3)

    def _axes(self) -> list[int]:
        return [axis for axis, turned in ((-1, self.flip_x), (-2, self.flip_y)) if turned]


IDENTITY = (Symmetry(),)
FLIPS = tuple(Symmetry(False, x, y) for x, y in product((False, True), repeat=2))
EIGHT_FOLD = tuple(Symmetry(swap, x, y) for swap, x, y in product((False, True), repeat=3))
TEST_TIME_AUGMENTATIONS = {"none": IDENTITY, "flips": FLIPS, "eight": EIGHT_FOLD}  # as command lines name them
