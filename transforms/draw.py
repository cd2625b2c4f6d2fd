# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Ellipses, plain or with a wavy outline, to instance labels, for whole images or crops.

A pixel inside several ellipses belongs to the one with the smallest normalised distance; every ellipse keeps the pixel
that its centre lies in. Only the pixels of the ellipses' own windows are visited, many ellipses at a time.

A plain ellipse is a row of five numbers. Behind them may stand K amplitudes a and K phases b of an outline's waves,
the same K for all: where the ellipse, by a linear map, is a circle of radius 1, the outline has the radius
1 + sum of a_k cos(k phi + b_k), k = 2 .. K + 1, with phi from the semi-major axis (see `transforms.blobs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

PIXELS_AT_ONCE = 1 << 21  # window pixels visited together: bounds the memory at about 200 MB
NOBODY = torch.iinfo(torch.int64).max
Size = tuple[int, int]


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


def draw_labels(ellipses: Sequence[torch.Tensor], origins: Sequence[tuple[int, int]], size: Size) -> torch.Tensor:
    """`draw_label` for a batch: (N_b, 5 + 2K) and (x, y) for each of B crops -> (B, 1, H, W) int32."""
    height, width = size
    device = ellipses[0].device
    counts = torch.tensor([len(each) for each in ellipses], device=device)
    crop = torch.repeat_interleave(torch.arange(len(ellipses), device=device), counts)  # (N,)
    shapes = torch.cat([each.double() for each in ellipses])  # (N, 5 + 2K)
    shapes[:, :2] -= torch.as_tensor(origins, dtype=torch.float64, device=device).reshape(-1, 2)[crop]
    first, last = windows(shapes, size)
    reaches = ((last - first) > 0).all(1).nonzero()[:, 0]
    order = reaches[raster_order(crop[reaches], shapes[reaches])]
    crop, shapes, first, last = crop[order], shapes[order], first[order], last[order]

    # The smallest key wins a pixel: distance in the upper 32 bits (a float's bits sort like the float), index in the
    # lower. The pixel that holds a centre has distance 0.
    winner = torch.full((len(ellipses) * height * width,), NOBODY, dtype=torch.int64, device=device)
    for owner, x, y in window_pixels(first, last):
        distance = squared_distance(shapes, owner, x, y)
        key = (distance.float().view(torch.int32).long() << 32) | owner
        place = (crop[owner] * height + y) * width + x
        winner.scatter_reduce_(0, place, torch.where(distance <= 1, key, NOBODY), "amin")
    column, row = centre_pixels(shapes).unbind(1)
    own = ((column >= 0) & (column < width) & (row >= 0) & (row < height)).nonzero()[:, 0]
    winner.scatter_reduce_(0, ((crop * height + row) * width + column)[own], own, "amin")
    return consecutive_ids(winner, crop, len(ellipses)).view(-1, 1, height, width)


def windows(shapes: torch.Tensor, size: Size) -> tuple[torch.Tensor, torch.Tensor]:
    """First pixel and one past the last, (N, 2) int64 each as x and y, of the part of each ellipse within the crop."""
    _, _, major, minor, angle = shapes[:, :5].unbind(1)
    cosine, sine = angle.cos(), angle.sin()
    reach = torch.stack([torch.hypot(major * cosine, minor * sine), torch.hypot(major * sine, minor * cosine)], 1)
    amplitudes, _ = waves(shapes)
    reach = reach * (1 + amplitudes.abs().sum(1, keepdim=True))
    first = torch.minimum(torch.ceil(shapes[:, :2] - reach).long(), centre_pixels(shapes))
    last = torch.maximum(torch.floor(shapes[:, :2] + reach).long(), centre_pixels(shapes)) + 1
    limit = torch.tensor([size[1], size[0]], dtype=first.dtype, device=first.device)
    return first.clamp(min=0).minimum(limit), last.clamp(min=0).minimum(limit)


def centre_pixels(shapes: torch.Tensor) -> torch.Tensor:
    """Column and row of the pixel that each centre lies in, (N, 2) int64."""
    return torch.floor(shapes[:, :2] + 0.5).long()


def raster_order(crop: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
    """The order of ellipses by crop, then row, then column of the centre's pixel; ties keep their place."""
    column, row = centre_pixels(shapes).unbind(1)
    order = torch.argsort(column, stable=True)
    order = order[torch.argsort(row[order], stable=True)]
    return order[torch.argsort(crop[order], stable=True)]


def window_pixels(first: torch.Tensor, last: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Every pixel of every window, in groups of bounded size: the ellipse it belongs to, x and y, (P,) int64 each."""
    extent = last - first  # (N, 2)
    area = extent.prod(1)
    group = area.cumsum(0) // PIXELS_AT_ONCE
    start = 0
    for size in torch.bincount(group).tolist() if len(group) else []:
        part = slice(start, start + size)
        count = area[part]
        owner = torch.arange(start, start + size, device=area.device).repeat_interleave(count)
        begin = (count.cumsum(0) - count).repeat_interleave(count)
        within = torch.arange(len(owner), device=area.device) - begin
        across = extent[part, 0].repeat_interleave(count)
        row = torch.div(within, across, rounding_mode="floor")
        x = first[part, 0].repeat_interleave(count) + within - row * across
        yield owner, x, first[part, 1].repeat_interleave(count) + row
        start += size


def waves(shapes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Amplitudes and phases, (N, K) each, of shapes (N, 5 + 2K); K = 0 for plain ellipses."""
    count = (shapes.shape[1] - 5) // 2
    return shapes[:, 5 : 5 + count], shapes[:, 5 + count :]


def squared_distance(shapes: torch.Tensor, owner: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Normalised distance, squared, of pixels (P,) from the centre of the ellipse that owns them: 1 on its edge."""
    centre_x, centre_y, major, minor, angle = shapes[:, :5].unbind(1)
    cosine, sine = angle.cos(), angle.sin()
    axes = torch.stack([cosine / major, sine / major, -sine / minor, cosine / minor], 1)  # (N, 4)
    dx, dy = x - centre_x[owner], y - centre_y[owner]
    along_x, along_y, across_x, across_y = axes[owner].unbind(1)
    along, across = dx * along_x + dy * along_y, dx * across_x + dy * across_y
    distance = along.square() + across.square()
    if shapes.shape[1] == 5:
        return distance
    return distance / outline_radius(shapes, owner, along, across).square()


def outline_radius(
    shapes: torch.Tensor, owner: torch.Tensor, along: torch.Tensor, across: torch.Tensor
) -> torch.Tensor:
    """1 + sum of a_k cos(k phi + b_k), (P,), in directions (P,) of the frame where the owning ellipse is a circle.

    cos(k phi) and sin(k phi) are powers of one complex number, which is faster than trigonometry at every pixel.
    """
    amplitudes, phases = waves(shapes)
    even, odd = (amplitudes * phases.cos())[owner], (amplitudes * phases.sin())[owner]  # (P, K)
    length = torch.hypot(along, across).clamp(min=1e-12)
    cosine, sine = along / length, across / length
    real, imaginary = cosine, sine  # of the direction to the power of k
    radius = torch.ones_like(length)
    for cosine_part, sine_part in zip(even.unbind(1), odd.unbind(1), strict=True):
        real, imaginary = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        radius = radius + cosine_part * real - sine_part * imaginary
    return radius


def consecutive_ids(winner: torch.Tensor, crop: torch.Tensor, crops: int) -> torch.Tensor:
    """Winning keys (B*H*W,) to ids that count from 1 in every crop, int32."""
    taken = winner != NOBODY
    index = winner & 0xFFFFFFFF
    seen = torch.zeros(len(crop) + 1, dtype=torch.int64, device=winner.device)
    seen[index[taken]] = 1
    before = torch.cat([seen.new_zeros(1), torch.bincount(crop, seen[:-1].double(), crops).long().cumsum(0)])[:-1]
    ids = seen.cumsum(0)[:-1] - before[crop]  # (N,)
    label = torch.zeros_like(winner, dtype=torch.int32)
    label[taken] = ids[index[taken]].int()
    return label
