# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Copy and paste: synthetic images of real pieces, nuclei cut by ellipses and laid over their image without nuclei.

The idea of Dwibedi et al. 2017, "Cut, paste and learn", and Ghiasi et al. 2021, "Simple copy-paste", for objects of
which only centres are known. Nothing is learnt: what a generator adds to ellipses shows in the difference. Nuclei stay
in their own image, because another image's stain would tell them from the background.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..pixel_centres import HALF_PIXEL, pixels_of_tensor
from ..shapes.area_laws import check_diameter
from ..shapes.draw import draw_label

EDGE = 1 / 24  # of D: half the width of the soft edge, 0.25 um where D is 6 um
ALIKE = 20  # a nucleus is pasted from among so many of about the area that is wanted


def copy_paste(
    image: Tensor, shapes: Tensor, background: Tensor, wanted: Tensor, diameter: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Paste, onto each point of an image without its nuclei, another one of them, mirrored at random.

    Args:
        image: float (C, H, W) in [0, 1].
        shapes: (N, 5), the ellipses that nuclei are cut out by, as `transforms.shapes.draw` takes them, one around each
            point, their centres in N pixels of the image.
        background: float (C, H, W) in [0, 1], the image without nuclei, see `transforms.pseudo_labels.erase`.
        wanted: (N,), px^2: about how large the nucleus is that comes to each point.
        diameter: D, the typical diameter of an object, px.
        generator: where every random number comes from.

    Returns:
        Image float32 (C, H, W) in [0, 1], and its label (1, H, W) int32, ids 1..n in raster order; a pixel in several
        ellipses belongs to the one with the smallest normalised distance, in image and label alike.

    Raises:
        ValueError: the diameter is no positive number.
    """
    check_diameter(diameter)
    output, size = background.float().clone(), (image.shape[-2], image.shape[-1])
    pixel = pixels_of_tensor(shapes[:, :2])  # (N, 2): x and y of the points' pixels
    order = (pixel[:, 1] * size[1] + pixel[:, 0]).argsort()
    shapes, wanted, pixel = shapes[order], wanted[order], pixel[order]  # now id i is shape i - 1
    chosen = choose_shapes(shapes, wanted, size, generator)  # (N,)
    mirror = 1 - 2 * torch.randint(2, (len(shapes), 2), generator=generator)  # (N, 2): -1 or 1 for x and y
    pasted = move_shapes(shapes[chosen], pixel[chosen], pixel, mirror)

    label, edge = draw_label(pasted, size), EDGE * diameter
    widened = pasted + torch.tensor([0.0, 0.0, 2 * edge, 2 * edge, 0.0])
    owner = torch.where(label > 0, label, draw_label(widened, size))[0]  # (H, W): the soft edge reaches further
    y, x = owner.nonzero(as_tuple=True)
    which, place = owner[y, x].long() - 1, torch.stack([x, y], 1)  # (P,), (P, 2)
    source = pixel[chosen[which]] + mirror[which] * (place - pixel[which])
    copied = image.float()[:, source[:, 1].clamp(0, size[0] - 1), source[:, 0].clamp(0, size[1] - 1)]  # (C, P)
    output[:, y, x] += opacity(place, pasted[which], edge) * (copied - output[:, y, x])
    return output, label


def choose_shapes(shapes: Tensor, wanted: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """For each wanted area (n,), px^2, a random one of the `ALIKE` ellipses of the nearest rank by area.

    Args:
        shapes: (N, 5); those that reach over an edge of the image are chosen only if all others do, too.
        wanted: (n,), px^2.
        size: H and W of the image.
        generator: where every random number comes from.

    Returns:
        (n,) int64, indices of shapes.
    """
    reach, end = shapes[:, 2:3], torch.tensor([size[1], size[0]]) - HALF_PIXEL
    whole = ((shapes[:, :2] - reach >= -HALF_PIXEL) & (shapes[:, :2] + reach < end)).all(1)
    candidates = (whole if whole.any() else ~whole).nonzero()[:, 0]
    areas, order = (math.pi * shapes[candidates, 2] * shapes[candidates, 3]).double().sort()
    count = min(ALIKE, len(order))
    rank = torch.searchsorted(areas, wanted.double()) - count // 2
    drawn = torch.randint(max(count, 1), (len(wanted),), generator=generator)
    return candidates[order[rank.clamp(0, len(order) - count) + drawn]]


def move_shapes(shapes: Tensor, old: Tensor, new: Tensor, mirror: Tensor) -> Tensor:
    """Ellipses (n, 5) as they lie when a pixel `old` (n, 2) comes to `new` and what is around it is mirrored.

    Args:
        shapes: (n, 5).
        old: (n, 2), x and y of a pixel of each.
        new: (n, 2), where that pixel comes to.
        mirror: (n, 2), 1 or -1 for x and y.
    """
    centres = new + mirror * (shapes[:, :2] - old)
    angle = torch.where(mirror.prod(1) > 0, shapes[:, 4], (math.pi - shapes[:, 4]) % math.pi)
    return torch.cat([centres, shapes[:, 2:4], angle[:, None]], 1).float()


def opacity(pixel: Tensor, shapes: Tensor, edge: float) -> Tensor:
    """Opacity (P,) at pixels (P, 2) of ellipses (P, 5): 1/2 on the outline, about 1 and 0 `edge` px off it."""
    offset, cosine, sine = pixel - shapes[:, :2], shapes[:, 4].cos(), shapes[:, 4].sin()
    along, across = offset[:, 0] * cosine + offset[:, 1] * sine, offset[:, 1] * cosine - offset[:, 0] * sine
    distance = torch.hypot(along / shapes[:, 2], across / shapes[:, 3])  # 1 on the outline
    radius = (shapes[:, 2] * shapes[:, 3]).sqrt()
    return (0.5 + (1 - distance) * radius / (2 * edge)).clamp(0, 1)
