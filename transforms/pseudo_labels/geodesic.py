# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Geodesic objectness: labels of real images from their points, by how far a colour is to walk from the nearest one.

After Li et al. 2021, "Point-supervised segmentation of microscopy images and volumes via objectness regularization"
(the pseudo-labels of the paper's Table 2): d is the length of the shortest path from a point to a pixel, where a step
costs as much as colours differ; a pixel belongs to the point with the smallest d; its objectness is exp(-alpha d^2).
Paths are the truly shortest ones on the grid of pixels and their eight neighbours (Dijkstra). The one constant, alpha,
is such that objects have the typical area on average over the training points: the same prior that our sampler has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from torch import Tensor

from ..instances.follow_offsets import Floats, Integers
from ..instances.seeds import keep_with_seeds, seed_pixels, seed_points
from ..shapes.area_laws import check_diameter

UNITS = 24  # lengths are in this part of the typical diameter, which is a px of 0.25 um where that is 6 um
LENGTH_COST = 1 / 255  # of such a length: one grey level, so that paths through one colour have a length, too
THRESHOLD = 0.5  # of the objectness
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # (rows, columns) from a pixel to half of its eight neighbours


def geodesic_distance(image: Tensor, points: Tensor, diameter: float) -> tuple[Floats, Integers]:
    """Shortest paths to all pixels, each from the point that is nearest by such paths.

    A step to one of the eight neighbours costs the Euclidean distance of the two colours, and its own length times one
    grey level of 8 bits per 1/24 of the diameter.

    Args:
        image: float (C, H, W) in [0, 1].
        points: (N, 2), x and y in px; those outside the image are left out, of several in one pixel the first counts.
        diameter: D, the typical diameter of an object, px.

    Returns:
        Distance (H, W) float32, in units of intensity, and owner (H, W) int32, 1..n in raster order of the points'
        pixels; infinite and 0 without a point.

    Raises:
        ValueError: the diameter is no positive number, or the image holds NaN or infinity.
    """
    check_diameter(diameter)
    colours = image.detach().cpu().double().numpy()
    if not np.isfinite(colours).all():
        raise ValueError("the image holds NaN or infinity: paths have no length in it")
    size = colours.shape[1:]
    row, column = seed_pixels(seed_points(points, size))
    if not len(row):
        return np.full(size, math.inf, np.float32), np.zeros(size, np.int32)
    seeds = row * size[1] + column
    costs = step_costs(colours, LENGTH_COST * UNITS / diameter)
    distance, _, source = dijkstra(costs, directed=False, indices=seeds, return_predecessors=True, min_only=True)
    owner = np.zeros(costs.shape[0], np.int32)
    owner[seeds] = np.arange(1, len(seeds) + 1)
    return distance.reshape(size).astype(np.float32), owner[source].reshape(size)


def step_costs(colours: Floats, length_cost: float) -> csr_array:
    """Costs of steps between neighbouring pixels, one entry for both directions.

    Args:
        colours: (C, H, W).
        length_cost: of a step of one px, beside the difference of colours.

    Returns:
        Sparse (H W, H W), pixels counted in raster order.
    """
    _, height, width = colours.shape
    place = np.arange(height * width).reshape(height, width)
    starts, ends, costs = [], [], []
    for down, right in NEIGHBOURS:
        rows = slice(0, height - down), slice(down, height)
        columns = slice(max(-right, 0), width - max(right, 0)), slice(max(right, 0), width - max(-right, 0))
        here, there = (slice(None), rows[0], columns[0]), (slice(None), rows[1], columns[1])
        difference = np.sqrt(np.square(colours[here] - colours[there]).sum(0))
        costs.append((difference + length_cost * math.hypot(down, right)).ravel())
        starts.append(place[here[1:]].ravel())
        ends.append(place[there[1:]].ravel())
    pair = np.concatenate(starts), np.concatenate(ends)
    return coo_array((np.concatenate(costs), pair), shape=(height * width, height * width)).tocsr()


def fit_alpha(distances: Sequence[Floats], pixels: float) -> float:
    """The alpha with which objectness is above the threshold on as many pixels as all objects are to have together.

    Args:
        distances: (H_i, W_i) for each training image, as `geodesic_distance` gives them.
        pixels: the sum of pi D^2 / 4 over the points of all images.

    Returns:
        alpha, in 1 / intensity^2.

    Raises:
        ValueError: there are no points, or objects of that area do not fit into the images.
    """
    values = np.concatenate([distance.ravel() for distance in distances]) if len(distances) else np.zeros(0)
    if not 0 < round(pixels) < np.isfinite(values).sum():
        raise ValueError(
            f"objects of {pixels:.0f} px in all do not fit into training images of {values.size} px: check the"
            " diameter, the spacing and the points"
        )
    radius = float(np.partition(values, round(pixels))[round(pixels)])  # the distance of the first pixel left out
    return -math.log(THRESHOLD) / radius**2


def objectness(distance: Floats, alpha: float) -> Floats:
    """exp(-alpha d^2), in [0, 1]: 1 at a point."""
    return np.exp(-alpha * np.square(distance))


def geodesic_label(distance: Floats, owner: Integers, points: Tensor, alpha: float) -> Tensor:
    """One instance per point: where its objectness is above the threshold.

    Args:
        distance: (H, W), as `geodesic_distance` gives it.
        owner: (H, W), the same.
        points: (N, 2) that they were computed from.
        alpha: as `fit_alpha` gives it.

    Returns:
        (1, H, W) int32, ids 1..n in raster order of the points' pixels; each instance has its point's pixel and
        nothing that is nearer to another point; its holes are filled.
    """
    above = objectness(distance, alpha) > THRESHOLD
    return torch.from_numpy(keep_with_seeds(above, owner, seed_points(points, distance.shape)))[None]
