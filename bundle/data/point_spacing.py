# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images whose points contradict the typical diameter of their objects, to be warned of by name.

Objects do not overlap much, and where there are many some touch. So when half of the objects have a neighbour nearer
than 0.7 diameters, or even the closest tenth of them keep 1.3 diameters apart, the diameter is wrong for this image, or
its points or its um per px are. Sparse objects may be far from each other, but then by chance, with closer pairs among
them than objects that keep a distance have. The bounds were chosen on MoNuSeg and on the stained and the fluorescent
images of the 2018 Data Science Bowl, by their points and outlines: with its own mean diameter as the typical one, none
of their 173 images of 20 points or more is beyond a bound.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from torch import Tensor
from transforms.shapes.area_laws import nearest_distances
from transforms.size import Size

logger = logging.getLogger(__name__)

FEWEST = 20  # points; a tenth of less says nothing
CLOSEST = 0.1  # share of the points
NEAR, FAR = 0.7, 1.3  # typical diameters: bounds of the median and of the closest tenth of the nearest distances
DOUBLE = 0.2  # typical diameters: a closest tenth below it was clicked twice
MOST_NAMED = 20


def warn_of_spacing(
    names: Sequence[str], points: Sequence[Tensor], sizes: Sequence[Size], diameters: Sequence[float], mpp: float
) -> None:
    """One warning that names every image whose points contradict its typical diameter; the same one only once.

    Args:
        names: of the images.
        points: (N_i, 2) in px for each.
        sizes: H and W of each, px.
        diameters: typical diameter of each, px.
        mpp: um per px.
    """
    images = zip(names, points, sizes, diameters, strict=True)
    found = [(name, contradiction(each, size, own, mpp)) for name, each, size, own in images]
    said = [f"{name}: {text}" for name, text in found if text]
    if said:
        more = [f"... and {len(said) - MOST_NAMED} more"] * (len(said) > MOST_NAMED)
        _warn_once(
            f"in {len(said)} of {len(names)} images the distances between points do not fit the typical diameter:\n  "
            + "\n  ".join([*said[:MOST_NAMED], *more])
            + "\nIs their um per px wrong, their magnification another, were objects clicked twice, or are these other"
            " objects? Correct the spacing or the points, set another diameter, or give theirs in diameters.csv"
        )


def contradiction(points: Tensor, size: Size, diameter: float, mpp: float) -> str:
    """How the points (N, 2) of an image of some size (H, W) contradict the typical diameter, all in px; "" if not."""
    if len(points) < FEWEST:
        return ""
    closest, half = np.quantile(nearest_distances(points).cpu().numpy(), [CLOSEST, 0.5])  # px

    def told(distance: float) -> str:
        return f"{distance * mpp:.3g} um, {distance / diameter:.2f} of a typical diameter of {diameter * mpp:.3g} um"

    if half < NEAR * diameter:
        return f"half of its {len(points)} points have another within {told(half)}"
    if closest < DOUBLE * diameter:
        return f"a tenth of its {len(points)} points have another within {told(closest)}"
    if closest > FAR * diameter and not _by_chance(closest, len(points), size):
        return f"nine tenths of its {len(points)} points have no other within {told(closest)}"
    return ""


def _by_chance(closest: float, count: int, size: Size) -> bool:
    """Whether points placed at random have, within 2 standard deviations, as many as these with another so near."""
    share = 1 - math.exp(-count / (size[0] * size[1]) * math.pi * closest**2)
    seen = (CLOSEST * (count - 1) + 1) / (count + 1)  # mean share of random numbers below their quantile
    return share - seen < 2 * math.sqrt(share * (1 - share) / count)


@lru_cache
def _warn_once(message: str) -> None:
    """Every stage of a run reads the same points."""
    logger.warning("%s", message)
