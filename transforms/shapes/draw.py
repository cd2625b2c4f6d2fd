# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Ellipses, plain or with a wavy outline, to instance labels, for whole images or crops.

A pixel inside several ellipses belongs to the one with the smallest normalised distance; every ellipse keeps the pixel
that its centre lies in. Only the pixels of the ellipses' own windows are visited, many ellipses at a time. Which pixels
those are is worked out on the CPU (`pixel_windows`); they are visited on any device, which is never waited for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..size import Size
from ..to_device import to_device
from .pixel_windows import WindowRows, centre_places, visible_shapes, waves, window_lines

INFINITE = 0x7F800000 << 32  # the key of an infinite distance


def draw_label(ellipses: torch.Tensor, size: Size, origin: tuple[int, int] = (0, 0)) -> torch.Tensor:
    """The label of a crop, from the ellipses of the whole image.

    Args:
        ellipses: (N, 5): x, y, semi-major, semi-minor in px of the whole image, angle in rad (see `EllipseSampler`);
            or (N, 5 + 2K), with waves (see `BlobSampler`).
        size: H and W of the crop, px.
        origin: x and y of the crop's first pixel in the whole image, px.

    Returns:
        (1, H, W) int32: ids 1..n in raster order of the pixels that hold the centres, 0 = background. An ellipse that
        reaches into the crop from outside counts, one that no pixel is left to does not.
    """
    return draw_labels([ellipses], [origin], size)[0]


def draw_labels(
    ellipses: Sequence[torch.Tensor],
    origins: Sequence[tuple[int, int]],
    size: Size,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """`draw_label` for a batch.

    Args:
        ellipses: (N_b, 5 + 2K) for each of B crops, best on the CPU.
        origins: x and y for each of them, px.
        size: H and W of all crops, px.
        device: where the pixels are visited and the label lies afterwards; None: where the ellipses are.

    Returns:
        (B, 1, H, W) int32.
    """
    height, width = size
    target = ellipses[0].device if device is None else torch.device(device)
    shapes, crop = visible_shapes(ellipses, origins, size)

    # The smallest key wins a pixel: distance in the upper 32 bits (a float's bits sort like the float), index in the
    # lower. The pixel that holds a centre has distance 0; nobody's index is one more than the last shape's.
    nobody = INFINITE | len(shapes)
    winner = torch.full((len(ellipses) * height * width,), nobody, dtype=torch.int64, device=target)
    amplitudes, phases = waves(shapes)
    outline = to_device(torch.cat([amplitudes * phases.cos(), amplitudes * phases.sin()], 1).T, target)  # (2K, N)
    for lines in window_lines(shapes, crop, size):
        place, owner, distance = visit(lines, outline)
        key = (distance.float().view(torch.int32).long() << 32) | owner
        winner.scatter_reduce_(0, place, torch.where(distance <= 1, key, nobody), "amin")
    place, owner = to_device(centre_places(shapes, crop, size), target)
    winner.scatter_reduce_(0, place, owner, "amin")
    first = to_device(torch.searchsorted(crop, torch.arange(len(ellipses))), target)  # (B,): index of its first shape
    return consecutive_ids((winner & 0xFFFFFFFF).view(-1, height * width), first, len(shapes)).view(-1, 1, *size)


def visit(lines: WindowRows, outline: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Every pixel of the lines, on the outline's device.

    Args:
        lines: rows of the windows of N shapes.
        outline: (2K, N): a_k cos b_k, then a_k sin b_k of their waves.

    Returns:
        Of each pixel (P,): its place among those of all crops, the index of the shape, and its normalised distance,
        squared, from the shape's centre: 1 on the edge.
    """
    device = outline.device
    line = torch.repeat_interleave(to_device(lines.widths, device), output_size=lines.pixels)  # (P,)
    pixel = torch.arange(lines.pixels, device=device)
    to_x, to_place, owner = to_device(lines.offsets, device)[:, line]
    centre_x, along_x, along_y, across_x, across_y = to_device(lines.terms, device)[:, line]
    dx = pixel + to_x - centre_x
    along, across = dx * along_x + along_y, dx * across_x + across_y
    distance = along.square() + across.square()
    if len(outline):
        distance = distance / outline_radius(outline[:, owner], along, across).square()
    return pixel + to_place, owner, distance


def outline_radius(outline: torch.Tensor, along: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
    """1 + sum of a_k cos(k phi + b_k), (P,), in directions (P,) of the frame where the ellipse is a circle.

    cos(k phi) and sin(k phi) are powers of one complex number, which is faster than trigonometry at every pixel.
    """
    length = torch.hypot(along, across).clamp(min=1e-12)
    cosine, sine = along / length, across / length
    real, imaginary = cosine, sine  # of the direction to the power of k
    radius = torch.ones_like(length)
    for cosine_part, sine_part in zip(*outline.chunk(2), strict=True):
        real, imaginary = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        radius = radius + cosine_part * real - sine_part * imaginary
    return radius


def consecutive_ids(owner: torch.Tensor, first: torch.Tensor, shapes: int) -> torch.Tensor:
    """Indices of shapes at pixels to ids that count from 1 in every crop, int32.

    Args:
        owner: (B, P) int64 below `shapes`, or `shapes` for nobody.
        first: (B,) the index of each crop's first shape.
        shapes: how many there are.
    """
    seen = owner.new_zeros(shapes + 1).scatter_(0, owner.flatten(), 1)  # (N + 1,)
    rank = seen.cumsum(0)  # of every shape among those that have pixels, over all crops
    before = (rank - seen)[first]  # (B,)
    return torch.where(owner < shapes, rank[owner] - before[:, None], 0).int()
