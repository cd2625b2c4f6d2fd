# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Voronoi cells and colour clusters: labels of real images from their points, without a network.

Qu et al. 2020, "Weakly supervised deep nuclei segmentation using partial points annotation in histopathology images":
k-means with k = 3 over colour and distance from the nearest point tells nuclei, background and undecided pixels apart;
Voronoi cells divide the nuclei between the points. The lengths are those that the authors published for images of 0.25
um per px, where nuclei are about 6 um wide; here they grow with the typical diameter. None was fitted to outlines.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from scipy.cluster.vq import vq
from torch import Tensor

from ..instances.follow_offsets import Floats, Integers, Mask
from ..instances.seeds import contacts, keep_with_seeds, seed_pixels, seed_points, voronoi_cells
from ..shapes.area_laws import check_diameter

UNITS = 24  # the published lengths are in px of which a typical nucleus, 6 um at 0.25 um per px, has so many across
COLOUR = 25.5  # colours in [0, 1] times this, distances in the unit above: grey levels of 8 bits, over ten
FARTHEST = 20  # distances from the nearest point are cut off here
MARK = 2  # so far around a point is nucleus
NEAR = 5  # the background's cluster is the one with the least so near to a point
CLEAR = 10  # so far around a point nothing is called background
SPECK = 30  # smaller pieces of the nuclei's cluster are dropped, square units
GROWN, SHRUNK = 5, 7  # a nucleus is grown, filled and shrunk, so it closes and loses 2 all around
SAMPLE = 20_000  # about so many pixels, on a grid, decide on the clusters
ROUNDS = 100  # of k-means, at most


def voronoi_label(image: Tensor, points: Tensor, diameter: float) -> tuple[Tensor, Tensor]:
    """One instance per point, and how far the label is to be trusted.

    Args:
        image: float (C, H, W) in [0, 1].
        points: (N, 2), x and y in px; those outside the image are left out, of several in one pixel the first counts.
        diameter: D, the typical diameter of an object, px.

    Returns:
        Label (1, H, W) int32, ids 1..n in raster order of the points' pixels, each instance connected, inside its
        Voronoi cell, with its point's pixel; and weight (1, H, W) float32: 1 where the label is nucleus or background,
        0 where it is undecided.

    Raises:
        ValueError: the diameter is no positive number.
    """
    check_diameter(diameter)
    size, unit = (image.shape[-2], image.shape[-1]), diameter / UNITS
    places = seed_points(points, size)
    if not len(places):
        return torch.zeros(1, *size, dtype=torch.int32), torch.zeros(1, *size)
    cells, distance = voronoi_cells(places, size)
    nuclear, background = colour_clusters(image, places, distance / unit)
    refined = refine(without_specks(nuclear, SPECK * unit**2), cells, unit)
    label = keep_with_seeds(refined | (distance <= MARK * unit), cells, places)
    known = (label > 0) | background & ~refined & (distance > CLEAR * unit) | (contacts(cells) > 0)
    return torch.from_numpy(label)[None], torch.from_numpy(known)[None].float()


def colour_clusters(image: Tensor, places: Floats, distance: Floats) -> tuple[Mask, Mask]:
    """k-means over colour and distance: nuclei and background, (H, W) each; the third cluster is neither.

    The clusters begin at the mean of the points, of all pixels and of those furthest from a point, so that nothing is
    random. Nuclei are the cluster with the most points, background is the one with the least around the points and, of
    two that have nothing there, the further one.

    Args:
        image: float (C, H, W) in [0, 1].
        places: (n, 2), x and y in px, n >= 1.
        distance: (H, W) from the nearest point, in the unit of the published lengths.
    """
    colours = image.detach().cpu().double().numpy().transpose(1, 2, 0)  # (H, W, C)
    features = np.concatenate([COLOUR * colours, np.minimum(distance, FARTHEST)[..., None]], 2)  # (H, W, C + 1)
    seeds, far = seed_pixels(places), features[..., -1] >= features[..., -1].max()
    start = np.stack([features[seeds].mean(0), features.mean((0, 1)), features[far].mean(0)])  # (3, C + 1)
    step = max(int(np.sqrt(distance.size / SAMPLE)), 1)
    centres = k_means(features[::step, ::step].reshape(-1, features.shape[2]), start)
    cluster = vq(features.reshape(-1, features.shape[2]), centres)[0].reshape(distance.shape)
    nuclear = int(np.bincount(cluster[seeds], minlength=3).argmax())
    around = np.bincount(cluster[distance <= NEAR], minlength=3)
    others = [other for other in range(3) if other != nuclear]
    background = min(others, key=lambda other: (around[other], -centres[other, -1]))
    return cluster == nuclear, cluster == background


def k_means(features: Floats, centres: Floats) -> Floats:
    """Lloyd's algorithm: centres (k, F) moved to the means of the features (P, F) that are nearest to them.

    A centre that nothing is nearest to stays where it is.
    """
    for _ in range(ROUNDS):
        nearest = vq(features, centres)[0]
        counts = np.bincount(nearest, minlength=len(centres))
        sums = np.stack([np.bincount(nearest, column, len(centres)) for column in features.T], 1)  # (k, F)
        moved = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def without_specks(mask: Mask, area: float) -> Mask:
    """A mask (H, W) without its pieces (8-connected) of less than `area` px."""
    pieces, _ = ndimage.label(mask, np.ones((3, 3)))
    large = np.bincount(pieces.ravel()) >= area
    large[0] = False
    return large[pieces]


def refine(nuclear: Mask, cells: Integers, unit: float) -> Mask:
    """Grow, fill and shrink what each Voronoi cell (H, W) has of the nuclei, by the published lengths."""
    refined = np.zeros_like(nuclear)
    margin = int(np.ceil(SHRUNK * unit)) + 1
    for index, box in enumerate(ndimage.find_objects(np.where(nuclear, cells, 0))):
        if box is None:
            continue
        window = tuple(slice(max(side.start - margin, 0), side.stop + margin) for side in box)
        own = cells[window] == index + 1
        grown = ndimage.distance_transform_edt(~(nuclear[window] & own)) <= GROWN * unit
        filled = np.pad(ndimage.binary_fill_holes(grown), margin, mode="edge")  # the image's edge shrinks nothing
        shrunk = ndimage.distance_transform_edt(filled)[margin:-margin, margin:-margin] > SHRUNK * unit
        refined[window] |= shrunk & own
    return refined
