# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where things lie in a simulated tissue: nests of epithelium with lumens, stroma between, and the nuclei in them.

Nuclei are placed by random sequential addition; each stands for three discs along its axis, and pairs may touch or
overlap a little, so that crowded regions hold clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shapes import NucleusShapes, draw_waves
from .texture import gaussian_field, ranked, smoothstep

KINDS = ("epithelial", "lymphocyte", "stromal", "large")
#                      epithelial lymphocyte stromal large
DIAMETER = np.array([1.10, 0.86, 0.92, 1.65])  # mean, in units of the typical diameter
DIAMETER_SPREAD = np.array([0.17, 0.10, 0.22, 0.22])  # of the logarithm
ELONGATION = np.array([1.25, 1.08, 2.90, 1.35])  # mean long / short axis
ELONGATION_SPREAD = np.array([0.13, 0.06, 0.28, 0.18])
ROUGHNESS = np.array([0.22, 0.12, 0.24, 0.32])
DENTED = np.array([0.32, 0.10, 0.15, 0.55])  # share with a dent


@dataclass(frozen=True)
class Compartments:
    """Compartments of one image; (H, W) float32 each."""

    epithelium: np.ndarray  # 0..1
    lumen: np.ndarray  # 0..1, white
    angle: np.ndarray  # direction of the stroma's fibres, rad
    inflamed: np.ndarray  # rank 0..1: high where lymphocytes gather
    crowding: np.ndarray  # standard normal: high where cells are dense


def draw_layout(rng: np.random.Generator, size: tuple[int, int], um: float) -> Compartments:
    """Compartments from smooth random fields; the fibres run along the border of the nests. `um` is px per um."""
    nests = gaussian_field(rng, size, rng.uniform(13, 24) * um) + 0.25 * gaussian_field(rng, size, 5 * um)
    fine = 0.05 * gaussian_field(rng, size, 2.0 * um)
    rank = ranked(nests) + 0.3 * fine
    share, open_share = rng.uniform(0.35, 0.85), rng.choice([0.0, 0.03, 0.08, 0.14])
    epithelium = smoothstep(rank, 1 - share - 0.015, 1 - share + 0.015)
    lumen = smoothstep(rank, 1 - open_share - 0.006, 1 - open_share + 0.006) if open_share else np.zeros_like(rank)
    potential = 0.25 * nests + gaussian_field(rng, size, 45 * um)
    dy, dx = np.gradient(potential)
    angle = np.arctan2(dx, -dy)  # along the contour lines
    return Compartments(
        epithelium.astype(np.float32),
        lumen.astype(np.float32),
        angle.astype(np.float32),
        ranked(gaussian_field(rng, size, 14 * um)),
        gaussian_field(rng, size, 16 * um),
    )


def propose(
    rng: np.random.Generator, layout: Compartments, count: int, diameter: float, inflammation: float
) -> NucleusShapes:
    """`count` candidate nuclei anywhere; kind by compartment. `diameter` is the typical one in px."""
    height, width = layout.angle.shape
    x, y = rng.uniform(0, width - 1, count), rng.uniform(0, height - 1, count)
    at = np.int32(y), np.int32(x)
    in_nest = layout.epithelium[at] > rng.uniform(0.3, 0.7, count)
    kind = np.where(in_nest, np.where(rng.random(count) < 0.07, 3, 0), 2)
    lymphocyte = rng.random(count) < np.where(layout.inflamed[at] > 1 - inflammation, np.where(in_nest, 0.3, 0.9), 0.04)
    kind = np.where(lymphocyte, 1, kind)
    size = diameter * DIAMETER[kind] * np.exp(DIAMETER_SPREAD[kind] * rng.standard_normal(count))
    long = np.maximum(ELONGATION[kind] * np.exp(ELONGATION_SPREAD[kind] * rng.standard_normal(count)), 1.0)
    aligned = layout.angle[at] + 0.25 * rng.standard_normal(count)
    across = aligned + np.pi / 2 + 0.4 * rng.standard_normal(count)  # columnar cells stand on the nest's border
    theta = np.where(kind == 2, aligned, np.where(kind == 0, across, rng.uniform(0, np.pi, count)))
    return NucleusShapes(
        x=x,
        y=y,
        a=size / 2 * np.sqrt(long),
        b=size / 2 / np.sqrt(long),
        theta=theta,
        bend=np.clip(rng.standard_normal(count) * np.where(kind == 2, 0.6, 0.15), -0.9, 0.9),
        dent=np.where(rng.random(count) < DENTED[kind], rng.uniform(0.3, 0.65, count), 0.0),
        dent_at=rng.choice([-1, 1], count) * np.pi / 2 + 0.5 * rng.standard_normal(count),
        waves=draw_waves(rng, count, ROUGHNESS[kind]),
        kind=kind.astype(np.int32),
    )


def accept(rng: np.random.Generator, nuclei: NucleusShapes, layout: Compartments, sparsity: np.ndarray) -> np.ndarray:
    """Random sequential addition.

    Args:
        rng: source of randomness.
        nuclei: candidates, tried in their order.
        layout: compartments; nothing stands in a lumen.
        sparsity: (4,) by kind: how many radii apart a pair of this kind stays, 1 = touching.

    Returns:
        Indices of those accepted.
    """
    offsets = np.array([-0.62, 0.0, 0.62])[None, :] * np.maximum(nuclei.a - nuclei.b, 0.0)[:, None]
    discs_x = nuclei.x[:, None] + offsets * np.cos(nuclei.theta)[:, None]  # (N, 3)
    discs_y = nuclei.y[:, None] + offsets * np.sin(nuclei.theta)[:, None]
    at = np.int32(nuclei.y), np.int32(nuclei.x)
    crowded = np.exp(-0.25 * layout.crowding[at])  # dense and loose regions
    apart = sparsity[nuclei.kind] * crowded * rng.uniform(0.9, 1.25, len(nuclei))
    gap = np.clip(np.where(rng.random(len(nuclei)) < 0.12, 0.85, apart), 0.8, 4.0)  # some huddle
    radius = nuclei.b + 0.15 * (nuclei.a - nuclei.b)
    reach = gap * (radius + radius.max()) + 0.62 * (nuclei.a + nuclei.a.max())
    possible = np.flatnonzero(layout.lumen[at] < 0.3)
    kept = np.empty(len(possible), np.int64)
    count = 0
    for i in possible:
        others = kept[:count]
        others = others[np.hypot(nuclei.x[i] - nuclei.x[others], nuclei.y[i] - nuclei.y[others]) < reach[i]]
        dx = discs_x[i][:, None, None] - discs_x[others]  # (3, kept, 3)
        dy = discs_y[i][:, None, None] - discs_y[others]
        needed = gap[i] * (radius[i] + radius[others])
        if not len(others) or np.all((dx * dx + dy * dy).min(axis=(0, 2)) > needed * needed):
            kept[count] = i
            count += 1
    return kept[:count]


def place_nuclei(rng: np.random.Generator, layout: Compartments, diameter: float) -> NucleusShapes:
    """The nuclei of one image; `diameter` is the typical one in px."""
    height, width = layout.angle.shape
    candidates = max(20, int(3.0 * height * width / diameter**2))
    nuclei = propose(
        rng, layout, candidates, diameter * rng.uniform(0.9, 1.1), inflammation=rng.choice([0.02, 0.1, 0.25])
    )
    loose = rng.uniform(1.05, 1.8)
    sparsity = np.array([loose, 1.0, rng.uniform(2.8, 4.5), max(loose, 1.2)])
    return nuclei.take(accept(rng, nuclei, layout, sparsity))
