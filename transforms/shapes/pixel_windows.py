# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where each of many ellipses may reach in crops: the half of drawing that the CPU does before any pixel is visited.

All sizes come from here, so that the device that visits the pixels never has to be asked how many there are. A plain
ellipse is a row of five numbers. Behind them may stand K amplitudes a and K phases b of an outline's waves, the same K
for all: where the ellipse, by a linear map, is a circle of radius 1, the outline has the radius
1 + sum of a_k cos(k phi + b_k), k = 2 .. K + 1, with phi from the semi-major axis (see `transforms.shapes.blobs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from ..pixel_centres import pixels_of_tensor
from ..size import Size

PIXELS_AT_ONCE = 1 << 21  # window pixels visited together: bounds the memory at about 200 MB


@dataclass(frozen=True)
class WindowRows:
    """Rows of windows, one after the other; their pixels p = 0, 1, ... are counted over all of them.

    Attributes:
        widths: (L,) int64, px of each line.
        offsets: (3, L) int64: what added to p is its x, what added to p is its place among the pixels of all crops, and
            the index of the shape.
        terms: (5, L) float64: the centre's x; then, for both axes of the ellipse, what a step in x adds to the
            normalised coordinate, and the coordinate of x = the centre's.
        pixels: the sum of widths.
    """

    widths: torch.Tensor
    offsets: torch.Tensor
    terms: torch.Tensor
    pixels: int


def visible_shapes(
    ellipses: Sequence[torch.Tensor], origins: Sequence[tuple[int, int]], size: Size
) -> tuple[torch.Tensor, torch.Tensor]:
    """The shapes whose windows reach into their crops, in px of those.

    Args:
        ellipses: (N_b, 5 + 2K) for each of B crops, in px of the whole image.
        origins: x and y of each crop's first pixel, px.
        size: H and W of all crops, px.

    Returns:
        Shapes (N, 5 + 2K) float64 by crop, then row, then column of the centre's pixel, and their crops (N,) int64,
        both on the CPU.
    """
    crop = torch.arange(len(ellipses)).repeat_interleave(torch.tensor([len(each) for each in ellipses]))  # (N,)
    shapes = torch.cat([each.cpu().double() for each in ellipses])
    shapes[:, :2] -= torch.as_tensor(origins, dtype=torch.float64).reshape(-1, 2)[crop]
    first, last = ellipse_windows(shapes, size)
    reaches = ((last - first) > 0).all(1).nonzero()[:, 0]
    order = reaches[raster_order(crop[reaches], shapes[reaches])]
    return shapes[order], crop[order]


def ellipse_windows(shapes: torch.Tensor, size: Size) -> tuple[torch.Tensor, torch.Tensor]:
    """First pixel and one past the last, (N, 2) int64 each as x and y, of the part of each ellipse within the crop."""
    _, _, major, minor, angle = shapes[:, :5].unbind(1)
    cosine, sine = angle.cos(), angle.sin()
    reach = torch.stack([torch.hypot(major * cosine, minor * sine), torch.hypot(major * sine, minor * cosine)], 1)
    amplitudes, _ = waves(shapes)
    reach = reach * (1 + amplitudes.abs().sum(1, keepdim=True))
    first = torch.minimum(torch.ceil(shapes[:, :2] - reach).long(), centre_pixels(shapes))
    last = torch.maximum(torch.floor(shapes[:, :2] + reach).long(), centre_pixels(shapes)) + 1
    limit = torch.tensor([size[1], size[0]])
    return first.clamp(min=0).minimum(limit), last.clamp(min=0).minimum(limit)


def centre_pixels(shapes: torch.Tensor) -> torch.Tensor:
    """Column and row of the pixel that each centre lies in, (N, 2) int64."""
    return pixels_of_tensor(shapes[:, :2])


def raster_order(crop: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
    """The order of ellipses by crop, then row, then column of the centre's pixel; ties keep their place."""
    column, row = centre_pixels(shapes).unbind(1)
    order = torch.argsort(column, stable=True)
    order = order[torch.argsort(row[order], stable=True)]
    return order[torch.argsort(crop[order], stable=True)]


def waves(shapes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Amplitudes and phases, (N, K) each, of shapes (N, 5 + 2K); K = 0 for plain ellipses."""
    count = (shapes.shape[1] - 5) // 2
    return shapes[:, 5 : 5 + count], shapes[:, 5 + count :]


def window_lines(shapes: torch.Tensor, crop: torch.Tensor, size: Size) -> Iterator[WindowRows]:
    """Every row of every window, in groups of bounded size.

    Args:
        shapes: (N, 5 + 2K), in px of their crops.
        crop: (N,), which crop each is in.
        size: H and W of all crops, px.
    """
    height, width = size
    first, last = ellipse_windows(shapes, size)
    (left, top), (across, down) = first.unbind(1), (last - first).unbind(1)
    owner = torch.arange(len(shapes)).repeat_interleave(down)  # (L,)
    y = top[owner] + torch.arange(len(owner)) - (down.cumsum(0) - down)[owner]
    widths, x = across[owner], left[owner]
    places = (crop[owner] * height + y) * width + x
    centre_x, centre_y, *axes = frames(shapes)[:, owner]
    dy = y - centre_y
    terms = torch.stack([centre_x, axes[0], dy * axes[1], axes[2], dy * axes[3]])
    _, counts = torch.unique_consecutive(widths.cumsum(0) // PIXELS_AT_ONCE, return_counts=True)
    for part in torch.arange(len(owner)).split(counts.tolist()):
        begin = widths[part].cumsum(0) - widths[part]
        offsets = torch.stack([x[part] - begin, places[part] - begin, owner[part]])
        yield WindowRows(widths[part], offsets, terms[:, part], int(widths[part].sum()))


def frames(shapes: torch.Tensor) -> torch.Tensor:
    """(6, N): centres' x and y; then, along both axes, what a px in x and one in y add to normalised coordinates."""
    x, y, major, minor, angle = shapes[:, :5].unbind(1)
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([x, y, cosine / major, sine / major, -sine / minor, cosine / minor])


def centre_places(shapes: torch.Tensor, crop: torch.Tensor, size: Size) -> torch.Tensor:
    """(2, M) int64: places among the pixels of all crops that hold a centre, and the index of the centre's shape."""
    height, width = size
    column, row = centre_pixels(shapes).unbind(1)
    own = ((column >= 0) & (column < width) & (row >= 0) & (row < height)).nonzero()[:, 0]
    return torch.stack([((crop * height + row) * width + column)[own], own])
