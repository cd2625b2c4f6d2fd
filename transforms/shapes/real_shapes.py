# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Shapes of real objects, measured in labels and put around other points: for masks that look as objects do.

Each object becomes a row: how near its neighbour is, its area, the ratio of its axes and the waves of its outline, in
units of the typical diameter. A point then takes an object whose neighbour was about as near as its own: crowded
points get the shapes of crowded objects.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from .area_laws import AreaLaw, Draw, nearest_distances, uniform
from .ellipses import EllipseSampler

WAVES = 4  # of an outline: elongation beyond the ellipse's, triangles, squares and pentagons
SECTORS = 32  # directions in which an outline is measured
SUBPIXELS = 3  # of a px along each axis, so that sectors of small objects hold some
LEAST_PX = 9  # an object of fewer px has no shape
LARGEST_SUM = 0.6  # of the amplitudes, so that no outline comes near its centre
NEAR = 0.05  # share of the measured objects that a point chooses from


def measure_shapes(label: torch.Tensor, diameter: float) -> torch.Tensor:
    """The shapes of the objects of a label that do not touch its border.

    Args:
        label: integers (1, H, W), 0 = background.
        diameter: typical of an object, px.

    Returns:
        (M, 3 + 2K) float32: distance to the nearest other object's centre and square root of the area, both over the
        diameter, semi-minor over semi-major axis, then K amplitudes and K phases as `transforms.shapes.draw` has them.
    """
    ids = label[0].cpu().numpy()
    rows, columns = np.nonzero(ids)
    count = int(ids.max(initial=0)) + 1
    y, x, owner = _subpixels(rows, columns, ids[rows, columns])
    size = np.bincount(owner, minlength=count)
    mean_x, mean_y = (np.bincount(owner, values, count) / np.maximum(size, 1) for values in (x, y))
    edge = np.unique(np.concatenate([ids[0], ids[-1], ids[:, 0], ids[:, -1]]))
    whole = np.setdiff1d(np.nonzero(size >= LEAST_PX * SUBPIXELS**2)[0], edge)
    if not len(whole):
        return torch.zeros(0, 3 + 2 * WAVES)
    centres = torch.from_numpy(np.stack([mean_x, mean_y], 1)[size > 0])
    nearest = np.full(count, np.inf)
    nearest[size > 0] = nearest_distances(centres).numpy()
    ratio, radii = _outlines(x - mean_x[owner], y - mean_y[owner], owner, count)
    amplitudes, phases = _as_waves(radii)
    area = size / SUBPIXELS**2
    measured = np.column_stack([nearest / diameter, np.sqrt(area) / diameter, ratio, amplitudes, phases])[whole]
    return torch.from_numpy(measured).float()


def _subpixels(rows: np.ndarray, columns: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y, x and id of all parts of pixels, (P SUBPIXELS^2,) each."""
    steps = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    down, across = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
    y, x = rows[:, None] + down, columns[:, None] + across
    return y.ravel(), x.ravel(), np.repeat(ids, SUBPIXELS**2)


def _outlines(dx: np.ndarray, dy: np.ndarray, owner: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Ratio of axes (count,), and radii of outlines (count, SECTORS) in the frame where the ellipse is a circle.

    The ellipse is the one of the same second moments. A sector's radius is that of the circular sector of its area.
    """
    total = np.maximum(np.bincount(owner, minlength=count), 1)
    xx, yy, xy = (np.bincount(owner, product, count) / total for product in (dx * dx, dy * dy, dx * dy))
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major, minor = 2 * np.sqrt(half + spread), 2 * np.sqrt(np.maximum(half - spread, 1e-6))
    major = np.maximum(major, 1e-3)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    cosine, sine = np.cos(angle)[owner], np.sin(angle)[owner]
    along, across = (dx * cosine + dy * sine) / major[owner], (dy * cosine - dx * sine) / minor[owner]
    sector = np.floor((np.arctan2(across, along) / (2 * math.pi) % 1) * SECTORS).astype(np.int64) % SECTORS
    parts = np.bincount(owner * SECTORS + sector, minlength=count * SECTORS).reshape(count, SECTORS)
    area = parts / SUBPIXELS**2 / (major * minor)[:, None]
    return np.clip(minor / major, 0.1, 1), np.sqrt(2 * area / (2 * math.pi / SECTORS))


def _as_waves(radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes and phases (count, WAVES) of outlines (count, SECTORS), k = 2, 3, ..., relative to the mean radius."""
    spectrum = np.fft.rfft(radii, axis=1) / SECTORS
    mean = np.maximum(spectrum[:, :1].real, 1e-6)
    order = np.arange(2, 2 + WAVES)
    chosen = spectrum[:, 2 : 2 + WAVES] * np.exp(-1j * order * math.pi / SECTORS)  # sectors are known by their middles
    amplitudes = 2 * np.abs(chosen) / mean
    amplitudes *= np.minimum(LARGEST_SUM / np.maximum(amplitudes.sum(1, keepdims=True), 1e-6), 1)
    return amplitudes, np.angle(chosen)


class RealShapeSampler(EllipseSampler):
    """Puts the shape of a measured object around each point, turned by any angle, half of them mirrored.

    Args:
        law: the fitted area law; only its diameter counts.
        bank: (M, 3 + 2K), rows of `measure_shapes`, of any labels.

    Raises:
        ValueError: the bank holds no shape.
    """

    def __init__(self, law: AreaLaw, bank: torch.Tensor) -> None:
        super().__init__(law)
        if not len(bank):
            raise ValueError("no shape was measured: the labels hold no whole object of some px")
        self.bank = bank[torch.argsort(bank[:, 0])]  # by the nearest neighbour's distance

    def prepare(self, points: torch.Tensor) -> Draw:
        """As `EllipseSampler.prepare`."""
        nearest = (nearest_distances(points) / self.law.diameter).float().cpu()
        place = torch.searchsorted(self.bank[:, 0].contiguous(), nearest)  # (N,) of each point among the objects
        return lambda generator: self._drawn(points, place, generator)

    def _drawn(self, points: torch.Tensor, place: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """(N, 5 + 2K) as `transforms.shapes.draw` takes them."""
        chance = uniform(3 * len(points), generator).view(3, -1)  # (3, N): which object, angle, mirrored and half turn
        around = max(round(NEAR * len(self.bank)), 1)
        first = (place - around // 2).clamp(0, max(len(self.bank) - around, 0))
        index = (first + (chance[0] * around).long()).clamp(max=len(self.bank) - 1)
        _, root, ratio, *_ = self.bank[index].double().unbind(1)
        amplitudes, phases = self.bank[index, 3:].double().chunk(2, dim=1)
        order = torch.arange(2, 2 + amplitudes.shape[1])
        quarter = (chance[2] * 4).long()
        phases = torch.where((quarter >= 2)[:, None], -phases, phases) + math.pi * (quarter % 2)[:, None] * order
        factor = 1 + amplitudes.square().sum(1) / 2
        major = root * self.law.diameter / torch.sqrt(math.pi * ratio * factor)
        shapes = [points[:, 0].cpu().double(), points[:, 1].cpu().double(), major, ratio * major, math.pi * chance[1]]
        return torch.cat([torch.stack(shapes, 1), amplitudes, phases], 1).float().to(points.device)
