# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Shapes of simulated nuclei: bent, dented, wavy outlines that no ellipse describes, drawn all at once.

A nucleus is an ellipse whose axis is bent, whose radius waves (harmonics 2 to 6) and which may carry one dent, so that
kidney and bean shapes come out concave. Each is evaluated on its own small window: rho is 1 on the outline.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

HARMONICS = np.arange(2, 7)


@dataclass
class NucleusShapes:
    """One entry per nucleus (N); lengths in px, angles in rad."""

    x: np.ndarray  # centre
    y: np.ndarray
    a: np.ndarray  # semi-axis along `theta`
    b: np.ndarray  # semi-axis across it
    theta: np.ndarray
    bend: np.ndarray  # sideways offset of the tips, in units of b
    dent: np.ndarray  # depth of the dent as a fraction of the radius; 0 = none
    dent_at: np.ndarray  # where on the outline
    waves: np.ndarray  # (N, 5) complex amplitudes of the harmonics
    kind: np.ndarray  # index into simulate_layout.KINDS

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: np.ndarray) -> NucleusShapes:
        """Those of `index` (ids or a mask), in its order."""
        return NucleusShapes(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass
class Windows:
    """Every nucleus on its own window of S x S px; arrays are (N, S, S)."""

    u: np.ndarray  # coordinates along and across the bent axis, in units of the semi-axes
    v: np.ndarray
    rho: np.ndarray  # radius relative to the outline: < 1 inside
    depth: np.ndarray  # about the distance to the outline in px, positive inside
    row: np.ndarray  # pixel of the canvas, may lie outside it
    column: np.ndarray

    def inside(self, size: tuple[int, int], reach: float) -> np.ndarray:
        """Mask (N, S, S): on the canvas of H, W px and rho below `reach`."""
        on = (self.row >= 0) & (self.row < size[0]) & (self.column >= 0) & (self.column < size[1])
        return on & (self.rho < reach)


def draw_waves(rng: np.random.Generator, count: int, roughness: np.ndarray) -> np.ndarray:
    """Complex amplitudes (N, 5) of the outline's harmonics, falling as k^-1.4; roughness (N,) is their scale."""
    phase = rng.uniform(0, 2 * np.pi, (count, len(HARMONICS)))
    size = np.abs(rng.standard_normal((count, len(HARMONICS)))) * roughness[:, None] / HARMONICS**1.4
    return (size * np.exp(1j * phase)).astype(np.complex64)


def outline(nuclei: NucleusShapes, direction: np.ndarray) -> np.ndarray:
    """Radius of the outline, relative to the ellipse, in each direction.

    Args:
        nuclei: N of them.
        direction: (N, S, S) complex64 of modulus 1.

    Returns:
        float32 (N, S, S), at least 0.35.
    """
    radius = np.ones(direction.shape, np.float32)
    power = direction
    for k in range(len(HARMONICS)):
        power = power * direction  # direction ** (k + 2)
        radius += (power * nuclei.waves[:, k, None, None]).real
    towards = (direction * np.exp(-1j * nuclei.dent_at)[:, None, None].astype(np.complex64)).real
    radius *= 1 - nuclei.dent[:, None, None].astype(np.float32) * np.exp(4 * (towards - 1))
    return np.maximum(radius, 0.35)


def nucleus_windows(nuclei: NucleusShapes, reach: float = 1.6) -> Windows:
    """Evaluate every nucleus on a window that holds rho < `reach` of nearly all of them."""
    half = int(np.ceil(reach * float(np.max(np.maximum(nuclei.a, nuclei.b), initial=1.0)))) + 1
    steps = np.arange(-half, half + 1, dtype=np.float32)
    x0, y0 = np.rint(nuclei.x).astype(np.int32), np.rint(nuclei.y).astype(np.int32)
    column = x0[:, None, None] + steps.astype(np.int32)[None, None, :] + np.zeros((1, len(steps), 1), np.int32)
    row = y0[:, None, None] + steps.astype(np.int32)[None, :, None] + np.zeros((1, 1, len(steps)), np.int32)
    dx = (column - nuclei.x[:, None, None]).astype(np.float32)  # (N, S, S)
    dy = (row - nuclei.y[:, None, None]).astype(np.float32)
    cos, sin = (f(nuclei.theta)[:, None, None].astype(np.float32) for f in (np.cos, np.sin))
    a, b, bend = (p[:, None, None].astype(np.float32) for p in (nuclei.a, nuclei.b, nuclei.bend))
    u = (cos * dx + sin * dy) / a
    v = (cos * dy - sin * dx) / b - bend * (np.minimum(u * u, 4) - 0.3)  # a parabola bends the axis
    radius = np.hypot(u, v) + 1e-6
    contour = outline(nuclei, ((u + 1j * v) / radius).astype(np.complex64))
    rho = radius / contour
    pixels = np.hypot(dx, dy) + 0.5 * b  # px that one unit of rho is worth, on the way out
    return Windows(u, v, rho, (1 - rho) * np.minimum(pixels / np.maximum(rho, 0.3), a), row, column)


def paint_nearest(shapes: Windows, size: tuple[int, int], reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Which nucleus each pixel belongs to, by the smallest rho.

    Args:
        shapes: windows of N nuclei.
        size: H, W of the canvas.
        reach: pixels of larger rho belong to none.

    Returns:
        owner int32 (H, W), 1..N, 0 = none; rho float32 (H, W), `reach` where there is none.
    """
    mask = shapes.inside(size, reach)
    order = np.argsort(-shapes.rho[mask], kind="stable")  # smallest last: it is written over the others
    owner = np.zeros(size, np.int32)
    rho = np.full(size, reach, np.float32)
    where = shapes.row[mask][order], shapes.column[mask][order]
    owner[where] = (np.nonzero(mask)[0] + 1)[order]
    rho[where] = shapes.rho[mask][order]
    return owner, rho
