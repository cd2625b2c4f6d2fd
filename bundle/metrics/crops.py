# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the crops lie that image metrics are computed on: side by side, or at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from transforms.random_streams import generator
from transforms.size import Size

Origin = tuple[int, int]  # row and column of a crop's first pixel
Positions = Callable[[Size, int, int], list[Origin]]  # (height, width), side of a crop, the image's place in its list


def grid_positions(size: Size, side: int, place: int = 0) -> list[Origin]:
    """As many crops as fit side by side, spread evenly from edge to edge, in raster order; no pixel is in two.

    Args:
        size: height and width of the image, px.
        side: of a crop, px.
        place: not used; random positions need it.

    Returns:
        Origins; none where the image is smaller than a crop.
    """
    tops, lefts = (_even_starts(length, side) for length in size)
    return [(top, left) for top in tops for left in lefts]


@dataclass(frozen=True)
class RandomPositions:
    """Crops at random positions, each position once; they overlap.

    Args:
        count: crops of an image; fewer where there are fewer positions.
        seed: the positions in an image depend on (seed, the image's place, its size) alone.
    """

    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"{self.count} crops per image: give at least 1")

    def __call__(self, size: Size, side: int, place: int) -> list[Origin]:
        """Origins in the order in which they were drawn; none where the image is smaller than a crop."""
        rows, columns = (max(length - side + 1, 0) for length in size)
        draws, chosen = generator(self.seed, place), dict[int, None]()
        while len(chosen) < min(self.count, rows * columns):
            chosen[int(torch.randint(rows * columns, (), generator=draws))] = None
        return [divmod(position, columns) for position in chosen]


def cut_crops(image: Tensor, origins: list[Origin], side: int) -> Tensor:
    """Crops (n, C, side, side) of an image (C, H, W)."""
    return torch.stack([image[:, top : top + side, left : left + side] for top, left in origins])


def _even_starts(length: int, side: int) -> list[int]:
    """Starts of as many stretches of `side` as fit into `length`, the first at 0, the last at the end."""
    count = length // side
    if count < 2:
        return [(length - side) // 2] * count  # a single one in the middle
    return [round(index * (length - side) / (count - 1)) for index in range(count)]
