# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels made star-shaped: from its centre, each object is one piece in every direction, and about as large as others.

Pixels one by one say little about pale nuclei with dark rims, and much that is ragged. The objects of one image are
alike, though: each is drawn as the outline around its centre that has most foreground evidence within, is smooth, and
is not far from the typical size of the image.

Everything is measured in the object's own frame, in which its ellipse is a circle and 1 is its expected radius, so that
a long nucleus is as smooth as a round one. With r(t) its radius in direction t and l the log odds of foreground,

    sum over t of [ integral of l s ds up to r  -  SIZE_WEIGHT (ln r)^2  -  STIFFNESS (dr / dt)^2 ] dt

is as large as dynamic programming, two turns around the object, can make it. The centre is the click, or a place near
it from which more can be reached, less TRUST u^2 / m^2: u is its distance from the click, and m the median distance of
the image's clicks from the middle of their objects, so that rough clicks may be left further behind.

A label stays as it is where clicks say too little of centres (m above ROUGH), and where pixels are clear by themselves
(doubt below DOUBT): there the true outlines are known, and a nucleus may have any shape.

The method is ours. The constants were chosen by the outlines of twelve of MoNuSeg's training images and of a third of
those of the Data Science Bowl, with clicks at their centres and up to 2 um away.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from scipy.special import logit
from skimage.draw import polygon
from torch import Tensor

from ..instances.follow_offsets import Floats, Integers
from ..instances.seeds import seed_pixels, seed_points
from ..pixel_centres import pixels_of

DIRECTIONS = 32
FEWER = 16  # directions while the centre is looked for
RADII = 40  # per direction
REACH = 2.5  # the largest radius, in expected radii
STEEPEST = 96  # how far the radius may change in a full turn, in steps of REACH / RADII
SIZE_WEIGHT = 1.2
STIFFNESS = 9.4
CLEAR = 3.0  # log odds beyond it count as this: a network is too sure
FOREIGN = -4.0  # log odds of pixels that another object holds
BEYOND = -0.5  # log odds of what lies outside the image
OWN_SIZE = 0.25  # exponent of the object's own radius in the expected one; the rest is the image's median
OWN_SHAPE = 0.9  # exponent of its aspect ratio
LONGEST = 4.0  # aspect ratio, at most
RINGS = (0.2, 0.4, 0.7)  # how far from a click its object's centre is looked for, in expected radii
TRUST = 1.0
ROUGH = 0.4  # median distance between clicks and the middle of their objects, in expected radii
DOUBT = 0.24  # sum of 4 p (1 - p), the variance of foreground, for each px of foreground
POSSIBLE = 0.1  # pixels of lower p do not count in it
AT_ONCE = 512  # objects, for the sake of memory


def star_shaped(label: Tensor, probability: Tensor, points: Tensor) -> Tensor:
    """Draw each object of a label anew, as the best star-shaped outline around its centre.

    Where outlines overlap, a pixel stays with the object that had it; else it goes to the one whose centre is nearer.

    Args:
        label: int32 (1, H, W), one object for each point, as `split_by_points` returns it; objects without a point in
            them stay as they are.
        probability: float (1, H, W) in [0, 1], of foreground.
        points: (N, 2), x and y in px; of several in one object the first in raster order counts.

    Returns:
        int32 (1, H, W) on the label's device, with the same ids; the label as it was where clicks are too rough, or its
        pixels clear.

    Raises:
        ValueError: label and probability differ in size.
    """
    if label.shape != probability.shape:
        shapes = tuple(label.shape), tuple(probability.shape)
        raise ValueError(f"label has shape {shapes[0]}, probability {shapes[1]}: give both of one shape (1, H, W)")
    old = label[0].detach().cpu().numpy()
    ids, clicks = _with_points(old, points)
    if not len(ids):
        return label.clone()
    axes, middle = expected_axes(old, ids)
    distance = click_distance(clicks, middle, axes)
    foreground = probability[0].detach().cpu().double().numpy()  # (H, W)
    if distance > ROUGH or doubt_of(foreground) < DOUBT:
        return label.clone()
    odds = logit(foreground.clip(1e-9, 1 - 1e-9)).clip(-CLEAR, CLEAR)
    new = np.where(np.isin(old, ids), 0, old).astype(np.int32)
    nearest = np.where(new > 0, -1.0, math.inf)  # px to the centre of the object that holds a pixel; -1: held for good
    for start in range(0, len(ids), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        field = Field(odds, old, ids[part], axes[part])
        centres = field.best_centres(clicks[part], TRUST / max(distance, 1e-3) ** 2)
        for own, centre, outline in zip(ids[part], centres, field.best_outlines(centres), strict=True):
            row, column = polygon(outline[:, 1], outline[:, 0], old.shape)
            far = np.hypot(row - centre[1], column - centre[0])
            far[old[row, column] == own] = -1
            taken = far < nearest[row, column]
            new[row[taken], column[taken]], nearest[row[taken], column[taken]] = own, far[taken]
    lost = np.isin(old, np.setdiff1d(ids, new))  # an outline that holds no centre of a pixel, or is all others'
    new[lost] = old[lost]
    return torch.from_numpy(new)[None].to(label.device)


def expected_axes(label: Integers, ids: Integers) -> tuple[Floats, Floats]:
    """The ellipse that each object is expected to be, and the middle of what it is.

    Direction and aspect ratio are those of the object; the area is that of the object's and the image's median radius,
    see OWN_SIZE.

    Args:
        label: (H, W).
        ids: (n,) of its objects.

    Returns:
        Matrices (n, 2, 2) that map the unit circle onto the ellipses, px, and centres of mass (n, 2), x and y in px.
    """
    row, column = np.nonzero(label)
    owner, size = label[row, column], int(label.max()) + 1
    area = np.bincount(owner, minlength=size).clip(1)  # px
    middle = np.stack([np.bincount(owner, axis, size) for axis in (column, row)], 1) / area[:, None]
    across, down = (np.stack([column, row], 1) - middle[owner]).T
    spread = [
        np.bincount(owner, product, size) / area for product in (across**2, across * down, down * across, down**2)
    ]
    own = np.stack(spread, 1)[ids].reshape(-1, 2, 2) + np.eye(2) / 12  # px2; a pixel is a square
    variance, direction = np.linalg.eigh(own)
    aspect = np.sqrt(variance[:, 1] / variance[:, 0]).clip(1, LONGEST) ** OWN_SHAPE  # (n,)
    radius = np.sqrt(area[ids] / np.pi)
    radius = radius**OWN_SIZE * np.median(radius) ** (1 - OWN_SIZE)
    lengths = np.stack([radius / np.sqrt(aspect), radius * np.sqrt(aspect)], 1)  # (n, 2)
    return (direction * lengths[:, None]) @ direction.transpose(0, 2, 1), middle[ids]


def click_distance(clicks: Floats, middle: Floats, axes: Floats) -> float:
    """Median distance of clicks (n, 2) from the middle (n, 2) of their objects, in expected radii."""
    away = np.linalg.solve(axes, (middle - clicks)[:, :, None])[:, :, 0]
    return float(np.median(np.hypot(*away.T)))


def doubt_of(foreground: Floats) -> float:
    """How little the pixels of an image say: the variance of foreground (H, W) for each px of it."""
    possible = foreground[foreground > POSSIBLE]
    return float(np.sum(4 * possible * (1 - possible)) / max(int(np.sum(possible > 0.5)), 1))


class Field:
    """What the pixels around some objects say for and against their outlines.

    Args:
        odds: log odds of foreground, (H, W).
        label: (H, W).
        ids: (n,) of the objects in it.
        axes: (n, 2, 2), as `expected_axes` returns them.
    """

    def __init__(self, odds: Floats, label: Integers, ids: Integers, axes: Floats) -> None:
        self.odds, self.label, self.ids, self.axes = odds, label, ids, axes

    def best_centres(self, clicks: Floats, trust: float) -> Floats:
        """The clicks, (n, 2), or places near them, with the best outlines; a place one radius away costs `trust`."""
        angles = _angles(8)
        circle = np.stack([np.cos(angles), np.sin(angles)], 1)
        steps = np.concatenate([[[0.0, 0.0]], *(ring * circle for ring in RINGS)])  # (S, 2)
        places = clicks[:, None] + np.einsum("nij,sj->nsi", self.axes, steps)  # (n, S, 2)
        values = []
        for place, step in zip(places.swapaxes(0, 1), steps, strict=True):
            gain = self.gain(place, FEWER)
            values.append(cycle_value(gain, best_cycle(gain)) - trust * (step @ step))
        return places[np.arange(len(clicks)), np.argmax(values, 0)]

    def best_outlines(self, centres: Floats) -> Floats:
        """The best outline around each centre (n, 2), as corners of a polygon (n, DIRECTIONS, 2), x and y in px."""
        chosen = _radii()[best_cycle(self.gain(centres, DIRECTIONS))]  # (n, K)
        return centres[:, None] + self.rays(DIRECTIONS) * chosen[:, :, None]

    def rays(self, directions: int) -> Floats:
        """From a centre to its ellipse, (n, K, 2), px."""
        angles = _angles(directions)
        return np.einsum("nij,jk->nki", self.axes, np.stack([np.cos(angles), np.sin(angles)]))

    def gain(self, centres: Floats, directions: int) -> Floats:
        """What each radius in each direction gains, (n, K, R), but for stiffness."""
        radii = _radii()
        x, y = np.moveaxis(
            centres[:, None, None] + self.rays(directions)[:, :, None] * radii[:, None], 3, 0
        )  # (n, K, R)
        seen = map_coordinates(self.odds, [y, x], order=1, mode="nearest")
        column, row = pixels_of(x), pixels_of(y)
        height, width = self.label.shape
        within = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        holder = self.label[row.clip(0, height - 1), column.clip(0, width - 1)]
        seen[(holder > 0) & (holder != self.ids[:, None, None])] = FOREIGN
        seen[~within] = BEYOND
        total = np.cumsum(radii * seen, 2) * (REACH / RADII) - SIZE_WEIGHT * np.log(radii) ** 2
        return total * (2 * math.pi / directions)


def best_cycle(gain: Floats) -> Integers:
    """The radius in each direction that makes gain less stiffness largest, by dynamic programming.

    The path goes around twice and its middle is kept, so that its ends meet.

    Args:
        gain: (n, K, R) of each radius in each direction.

    Returns:
        Indices of radii, (n, K).
    """
    count, directions, radii = gain.shape
    order = np.arange(-(directions // 2), directions + directions // 2) % directions
    steepest = STEEPEST // directions
    steps = range(-steepest, steepest + 1)
    best, came_by = gain[:, order[0]], []
    for direction in order[1:]:
        reached = np.full((len(steps), count, radii), -math.inf)
        for reach, step in zip(reached, steps, strict=True):  # from radius r - step to r
            into, out_of = slice(max(step, 0), radii + min(step, 0)), slice(max(-step, 0), radii + min(-step, 0))
            reach[:, into] = best[:, out_of] - _stiffness(directions) * step**2
        choice = reached.argmax(0)
        came_by.append((choice - steepest).astype(np.int8))
        best = np.take_along_axis(reached, choice[None], 0)[0] + gain[:, direction]
    path = [best.argmax(1)]
    for step in reversed(came_by):
        path.append(path[-1] - step[np.arange(count), path[-1]])
    return np.stack(path[::-1], 1)[:, directions // 2 : directions // 2 + directions]


def cycle_value(gain: Floats, chosen: Integers) -> Floats:
    """Gain (n, K, R) less stiffness of the chosen radii (n, K): (n,)."""
    total = np.take_along_axis(gain, chosen[:, :, None], 2)[:, :, 0].sum(1)
    return total - _stiffness(gain.shape[1]) * ((chosen - np.roll(chosen, 1, 1)) ** 2).sum(1)


def _stiffness(directions: int) -> float:
    """What a change of the radius by one step costs, squared."""
    return STIFFNESS * (REACH / RADII) ** 2 * directions / (2 * math.pi)


def _radii() -> Floats:
    return np.arange(1, RADII + 1) * (REACH / RADII)


def _angles(count: int) -> Floats:
    return np.arange(count) * (2 * math.pi / count)


def _with_points(label: Integers, points: Tensor) -> tuple[Integers, Floats]:
    """The ids (n,) of the objects that hold a point, and the first point (n, 2) in each, x and y in px."""
    places = seed_points(points, label.shape)
    owner = label[seed_pixels(places)]
    ids, first = np.unique(owner, return_index=True)
    return ids[ids > 0], places[first[ids > 0]]
