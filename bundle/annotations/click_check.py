# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How far clicks lie beside the centres of what they mark, told from images and clicks alone, in seconds.

Each click climbs to the nearest place that has most of the objects' colour (mean shift). The way is longer the further
the click lies beside a centre, but also the less an image shows, so its length alone says little. Clicks are therefore
also moved at random: ways of exact clicks get much longer by that, those of rough clicks hardly. This ratio depends
little on stain and modality. What it is for clicks whose distance from the centres is known was measured on MoNuSeg's
training images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import Tensor
from transforms.maps.points import crop_points
from transforms.pseudo_labels.colour_evidence import point_distance, smooth_colours
from transforms.random_streams import generator
from transforms.resample import resample_image, resample_points, working_size

from ..data.diameters import Diameter
from ..data.folder import DataFolder
from ..data.items import Item

MOST_IMAGES, MOST_CLICKS = 12, 150  # looked at, and clicks of each
FEWEST_CLICKS = 50  # in all
SHORTEST = 1e-3  # typical diameters; a shorter way is none
SIDE = 1000  # px at the model's spacing, of an image at most
MOVED, DRAWS = 0.35, 2  # typical diameters, standard deviation along x and y; how often each click is moved
REACH, STEPS = 0.25, 10  # typical diameters, of the Gaussian in which a click climbs; how often
# ratio of the ways of moved clicks to those of clicks so many typical diameters beside centres (standard deviation)
OFFSETS = (0.0, 0.0833, 0.1667, 0.25, 0.3333, 0.5)
RATIOS = (2.55, 2.08, 1.60, 1.34, 1.23, 1.09)


@dataclass(frozen=True)
class ClickCheck:
    """What clicks are like.

    Attributes:
        diameters: standard deviation along x and along y of how far they lie beside the centres, typical diameters; at
            most 0.5, which stands for more as well.
        ratio: what it is told from.
        images: that were looked at.
        clicks: of these.
    """

    diameters: float
    ratio: float
    images: int
    clicks: int


def check_clicks(folder: DataFolder, diameter: float, mpp: float) -> ClickCheck | None:
    """Tell how far the clicks of training images lie beside centres.

    Args:
        folder: the data set; of many images some are looked at.
        diameter: typical of an object, um; images may have others of their own.
        mpp: um per px to work at.

    Returns:
        None: too few clicks, or the images show nothing where they are.
    """
    chosen = _spread(folder.training, MOST_IMAGES)
    ways = [_ways(folder, item, diameter, mpp, number) for number, item in enumerate(chosen)]
    own, moved = (np.concatenate([way[kind] for way in ways]) for kind in (0, 1))  # typical diameters
    if len(own) < FEWEST_CLICKS or np.median(moved) < SHORTEST:
        return None
    ratio = float(np.median(moved) / max(np.median(own), SHORTEST))
    offset = float(np.interp(-ratio, [-each for each in RATIOS], OFFSETS))
    return ClickCheck(offset, ratio, sum(len(way[0]) > 0 for way in ways), len(own))


def colour_of_objects(image: Tensor, points: Tensor, diameter: float) -> np.ndarray:
    """How much each pixel has the colour at the points, and not the one further off (linear discriminant).

    Args:
        image: float (C, H, W) in [0, 1]; CIELAB for C = 3, intensity for C = 1.
        points: (N, 2), x and y in px; at least one.
        diameter: typical of an object, px.

    Returns:
        (H, W) from 0, what lies far from points, to 1, what lies at them, and to 1.5 beyond; 0 where nothing differs.
    """
    colours = smooth_colours(image, diameter / 12)  # (H, W, C)
    distance = point_distance(points, colours.shape[:2]) / diameter  # (H, W)
    beside = distance >= min(0.8, np.quantile(distance, 0.8))
    near, far = _moments(colours, np.exp(-18 * distance**2)), _moments(colours, beside.astype(float))
    spread = (near[1] + far[1]) / 2  # (C, C)
    spread += (1e-6 * np.trace(spread) + 1e-12) * np.eye(len(spread))
    direction = np.linalg.solve(spread, near[0] - far[0])  # (C,)
    return ((colours - far[0]) @ direction / (direction @ (near[0] - far[0]) + 1e-6)).clip(0, 1.5)


def climb(surface: np.ndarray, points: np.ndarray, reach: float, steps: int = STEPS) -> np.ndarray:
    """Where points come to by mean shift: at each step to the centroid of the surface in a Gaussian around them.

    Args:
        surface: (H, W), not negative.
        points: (N, 2), x and y in px.
        reach: standard deviation of the Gaussian, px.
        steps: how often.

    Returns:
        (N, 2), px.
    """
    height = gaussian_filter(surface, reach)
    slopes = [gaussian_filter(surface, reach, order=order) for order in ((0, 1), (1, 0))]  # along x, along y
    shifts = [reach**2 * slope / (height + 1e-6) for slope in slopes]  # of a Gaussian window this is the centroid
    for _ in range(steps):
        places = points.T[::-1]  # rows, columns
        points = points + np.stack([map_coordinates(shift, places, order=1, mode="nearest") for shift in shifts], 1)
    return points


def _ways(folder: DataFolder, item: Item, diameter: float, mpp: float, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the ways of an image's clicks (N,), and of the same moved (M,), in typical diameters."""
    sample = folder.load(item)
    image, points = _middle_part(sample["image"], sample["points"], round(SIDE * mpp / (sample["mpp"] or mpp)))
    size = (image.shape[1], image.shape[2])
    seen = working_size(size, sample["mpp"], mpp)
    points = resample_points(points, size, seen)
    typical = (item.diameter or Diameter(diameter)).um(sample["mpp"], mpp) / mpp  # px
    if not len(points):
        return np.zeros(0), np.zeros(0)
    surface = colour_of_objects(resample_image(image, seen), points, typical)
    draw = generator(0, number)
    points = points[torch.randperm(len(points), generator=draw)[:MOST_CLICKS]]
    again = points.repeat(DRAWS, 1)
    moved = again + MOVED * typical * torch.randn(again.shape, generator=draw)
    own, others = (
        np.linalg.norm(climb(surface, each, REACH * typical) - each, axis=1) / typical
        for each in (points.double().numpy(), moved.double().numpy())
    )
    return own, others


def _middle_part(image: Tensor, points: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """At most `side` px of an image (C, H, W) each way, around the middle of its points (N, 2), and those in it."""
    if not len(points) or max(image.shape[1:]) <= side:
        return image, points
    middle = points.median(0).values
    left, top = (int((middle[axis] - side / 2).clamp(0, max(image.shape[2 - axis] - side, 0))) for axis in (0, 1))
    part = image[:, top : top + side, left : left + side]
    return part, crop_points(points, (left, top), (part.shape[1], part.shape[2]))


def _moments(colours: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (C,) and covariance (C, C) of colours (H, W, C) that count by a weight (H, W)."""
    flat, share = colours.reshape(-1, colours.shape[2]), weight.ravel() / weight.sum()
    mean = share @ flat
    return mean, (flat - mean).T @ ((flat - mean) * share[:, None])


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, evenly from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, most)]
