# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How much stain lies where: nuclei with their chromatin, the tissue around them, and what only looks like nuclei.

Each function returns or adds to amounts of stain, (4, H, W) in the order of simulate_stain.STAINS.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from .layout import Compartments
from .shapes import NucleusShapes, Windows, draw_waves, nucleus_windows, paint_nearest
from .texture import fibres, gaussian_field, smoothstep

H, E, BLOOD, PIGMENT = range(4)
#                         epithelial lymphocyte stromal large
CHROMATIN = np.array([1.00, 1.45, 1.15, 0.95])  # mean haematoxylin of a nucleus
VESICULAR = np.array([0.55, 0.05, 0.15, 0.75])  # share of nuclei with a pale centre and a dark rim


def chromatin(
    rng: np.random.Generator, nuclei: NucleusShapes, shapes: Windows, size: tuple[int, int], um: float
) -> np.ndarray:
    """Haematoxylin of the nuclei, float32 (H, W); where two overlap, both absorb."""
    count = len(nuclei)
    column = (slice(None), None, None)
    vesicular = (rng.random(count) < VESICULAR[nuclei.kind] * rng.uniform(0.5, 1.3)) * rng.uniform(0.5, 1.0, count)
    level = CHROMATIN[nuclei.kind] * rng.uniform(0.85, 1.4) * np.exp(0.26 * rng.standard_normal(count))
    grazed = rng.random(count) < 0.16  # only a slice of the nucleus lies in the section
    level *= np.where(grazed, rng.uniform(0.35, 0.65, count), 1.0)
    soft = rng.uniform(0.8, 2.2, count)[column].astype(np.float32)  # some lie out of focus
    cover = np.clip(shapes.depth / soft + 0.5, 0, 1)
    rim = np.exp(-(((shapes.rho - 0.88) / 0.13) ** 2))
    pale = vesicular[column].astype(np.float32)
    profile = (1 - 0.55 * pale) + (0.65 * pale + 0.08) * rim  # (N, S, S)
    tilt = rng.normal(0, 0.12, (2, count)).astype(np.float32)
    profile = profile * (1 + tilt[0][column] * shapes.u + tilt[1][column] * shapes.v)
    profile = profile + nucleoli(rng, nuclei, shapes, pale)
    mask = shapes.inside(size, 1.4) & (cover > 0)
    where = shapes.row[mask], shapes.column[mask]
    clumps = 0.8 * gaussian_field(rng, size, 0.4 * um) + 0.7 * gaussian_field(rng, size, 0.85 * um)  # (H, W)
    grain = np.broadcast_to((0.15 + 0.30 * pale + 0.15 * rng.random(count)[column]), mask.shape)[mask]
    amount = (level[column] * cover * profile)[mask] * np.exp(grain * clumps[where] - 0.03)
    total = np.bincount(where[0] * size[1] + where[1], weights=amount, minlength=size[0] * size[1]).reshape(size)
    return (2.6 * (1 - np.exp(-total / 2.6))).astype(np.float32)


def nucleoli(rng: np.random.Generator, nuclei: NucleusShapes, shapes: Windows, pale: np.ndarray) -> np.ndarray:
    """One to three dark spots in nuclei, clearest in pale ones; (N, S, S)."""
    total = np.zeros(shapes.rho.shape, np.float32)
    for chance in (0.75, 0.35, 0.15):
        radius, angle = 0.6 * np.sqrt(rng.random(len(nuclei))), rng.uniform(0, 2 * np.pi, len(nuclei))
        du = (shapes.u - (radius * np.cos(angle))[:, None, None].astype(np.float32)) * nuclei.a[:, None, None]
        dv = (shapes.v - (radius * np.sin(angle))[:, None, None].astype(np.float32)) * nuclei.b[:, None, None]
        width = 0.17 * np.sqrt(nuclei.a * nuclei.b)[:, None, None]
        strength = (rng.random(len(nuclei)) < chance)[:, None, None] * (0.15 + 0.8 * pale)
        total += (strength * np.exp(-(du * du + dv * dv) / (2 * width * width))).astype(np.float32)
    return total


def background(rng: np.random.Generator, layout: Compartments, nuclei: NucleusShapes, um: float) -> np.ndarray:
    """Stroma, cytoplasm, clefts and lumens, before nuclei: amounts (4, H, W)."""
    size = layout.angle.shape
    amounts = np.zeros((4, *size), np.float32)
    stroma, stroma_h = connective_tissue(rng, layout, um)
    cytoplasm, cytoplasm_h = epithelial_cells(rng, size, nuclei, um)
    lumen = 1 - layout.lumen
    amounts[E] = (stroma * (1 - layout.epithelium) + cytoplasm * layout.epithelium) * lumen
    amounts[H] = (stroma_h * (1 - layout.epithelium) + cytoplasm_h * layout.epithelium) * lumen
    if rng.random() < 0.5:  # secretion in some lumens
        amounts[E] += layout.lumen * smoothstep(gaussian_field(rng, size, 9 * um), 0.1, 0.4) * rng.uniform(0.15, 0.5)
    uneven = np.exp(0.10 * gaussian_field(rng, size, 12 * um))  # thickness of the section
    return amounts * uneven


def connective_tissue(rng: np.random.Generator, layout: Compartments, um: float) -> tuple[np.ndarray, np.ndarray]:
    """Eosin and haematoxylin of the stroma: bundles of fibres, thin fibrils, clefts; (H, W) each."""
    size = layout.angle.shape
    thick = fibres(rng, layout.angle, 45 * um, 1.3 * um)
    thin = fibres(rng, layout.angle + 0.15 * gaussian_field(rng, size, 6 * um), 14 * um, 0.5 * um)
    patches = gaussian_field(rng, size, 10 * um)
    eosin = rng.uniform(0.35, 0.75) * np.exp(0.22 * thick + 0.14 * thin + 0.20 * patches)
    cleft = smoothstep(thick + 0.5 * thin + 0.7 * patches, -rng.uniform(1.2, 2.4), -2.7)
    basophilic = rng.choice([0.05, 0.15, 0.35]) * np.exp(0.35 * thin + 0.4 * gaussian_field(rng, size, 7 * um))
    return eosin * (1 - 0.9 * cleft), basophilic * (1 - 0.9 * cleft)


def epithelial_cells(
    rng: np.random.Generator, size: tuple[int, int], nuclei: NucleusShapes, um: float
) -> tuple[np.ndarray, np.ndarray]:
    """Eosin and haematoxylin of epithelium, (H, W) each: one cell per nucleus (Voronoi), borders, vacuoles, gaps."""
    pixels = np.mgrid[: size[0], : size[1]].reshape(2, -1).T.astype(np.float64)
    wobble = np.stack([gaussian_field(rng, size, 2.5 * um).ravel(), gaussian_field(rng, size, 2.5 * um).ravel()], 1)
    tree = cKDTree(np.stack([nuclei.y, nuclei.x], 1))
    near, cell = tree.query(pixels + 0.5 * um * wobble, k=2, distance_upper_bound=40 * um)  # (H*W, 2)
    near = np.minimum(near, 40 * um)
    nearest = near[:, 0].reshape(size)
    margin = (near[:, 1] - near[:, 0]).reshape(size)  # 0 on the border of two cells
    own = np.exp(0.20 * rng.standard_normal(len(nuclei) + 1))[cell[:, 0]].reshape(size)  # cells differ
    granules = 0.55 * gaussian_field(rng, size, 0.5 * um) + 0.6 * gaussian_field(rng, size, 1.6 * um)
    body = rng.uniform(0.30, 0.75) * np.exp(0.13 * granules) * own
    clear = rng.choice([0.0, 0.3, 0.85]) * smoothstep(margin, 0.5 * um, 3.0 * um)  # vacuolated, clear cells
    foam = smoothstep(gaussian_field(rng, size, 1.3 * um), -0.6, 0.9)
    body = body * (1 - clear * (0.45 + 0.5 * foam))
    line = np.exp(-((margin / (0.55 * um)) ** 2))
    body = body * (1 + rng.choice([-0.75, -0.3, 0.35, 0.6]) * line)  # pale or dark borders
    radius = um * rng.uniform(7, 13)  # a cell reaches no farther
    gap = smoothstep(nearest + 0.8 * um * gaussian_field(rng, size, 2.0 * um), radius, 1.15 * radius)
    basophilic = rng.choice([0.05, 0.2, 0.45]) * (1 - clear) * np.exp(0.2 * granules) * own
    return body * (1 - 0.92 * gap), basophilic * (1 - 0.92 * gap)


def halos(rng: np.random.Generator, amounts: np.ndarray, owner: np.ndarray, rho: np.ndarray, count: int) -> None:
    """Thin the cytoplasm around some nuclei (retraction); `owner`, `rho` from paint_nearest. In place."""
    chosen = rng.random(count + 1) < rng.uniform(0.05, 0.35)
    depth = np.where(chosen, rng.uniform(0.3, 0.85, count + 1), 0).astype(np.float32)  # entry 0 has no effect
    amounts *= 1 - depth[owner] * smoothstep(rho, 1.6, 1.15)


def blobs(
    rng: np.random.Generator, at: np.ndarray, diameter: np.ndarray, elongation: float, roughness: float
) -> NucleusShapes:
    """Shapes of things that are no nuclei. at: (N, 2) x, y px; diameter (N,) px."""
    count = len(at)
    long = np.exp(np.abs(rng.standard_normal(count)) * np.log(elongation))
    return NucleusShapes(
        at[:, 0], at[:, 1], diameter / 2 * np.sqrt(long), diameter / 2 / np.sqrt(long), rng.uniform(0, np.pi, count),
        rng.normal(0, 0.2, count), np.zeros(count), np.zeros(count),
        draw_waves(rng, count, np.full(count, roughness)), np.zeros(count, np.int32),
    )  # fmt: skip


def stamp(canvas: np.ndarray, shapes: Windows, level: np.ndarray, softness: float) -> None:
    """Add blobs of the given level (N,) to a canvas (H, W), each with an edge `softness` px wide. In place."""
    amount = level[:, None, None] * np.clip(shapes.depth / softness + 0.5, 0, 1)
    mask = shapes.inside(canvas.shape, 1.7) & (amount > 0)
    flat = shapes.row[mask] * canvas.shape[1] + shapes.column[mask]
    canvas += np.bincount(flat, weights=amount[mask], minlength=canvas.size).reshape(canvas.shape)


def scatter(rng: np.random.Generator, size: tuple[int, int], count: int, per_group: int, spread: float) -> np.ndarray:
    """Positions (N, 2) as x, y px in loose groups of at most `per_group`, `spread` px wide; some fall outside."""
    middle = np.repeat(rng.uniform(0, 1, (count, 2)) * size[::-1], rng.integers(1, per_group + 1, count), axis=0)
    return middle + spread * rng.standard_normal(middle.shape)


def red_cells(rng: np.random.Generator, amounts: np.ndarray, layout: Compartments, um: float) -> None:
    """Groups of red blood cells in the stroma, merging into each other, with paler middles. In place."""
    size = amounts.shape[1:]
    groups = rng.poisson(size[0] * size[1] / (70 * um) ** 2 * rng.choice([0.0, 0.6, 2.0]))
    at = scatter(rng, size, groups, 9, 7 * um)
    inside = np.all((at >= 0) & (at < np.array(size[::-1]) - 1), axis=1)
    at = at[inside]
    at = at[layout.epithelium[np.int32(at[:, 1]), np.int32(at[:, 0])] < 0.5]
    if not len(at):
        return
    shapes = nucleus_windows(blobs(rng, at, um * rng.uniform(4.6, 6.4, len(at)), 1.25, 0.16))
    canvas = np.zeros(size, np.float32)
    stamp(canvas, shapes, rng.uniform(0.6, 1.1, len(at)), 1.2)
    covered = np.minimum(canvas, 1.0)
    amounts *= 1 - 0.85 * covered
    amounts[BLOOD] += 1.6 * (1 - np.exp(-1.3 * canvas)) * (1 + 0.06 * gaussian_field(rng, size, 1.2 * um))


def distractors(rng: np.random.Generator, amounts: np.ndarray, um: float, diameter: float) -> None:
    """Unlabelled things that a threshold takes for nuclei: debris, pigment, pale blobs, smudges. In place."""
    size = amounts.shape[1:]
    area = size[0] * size[1] / (100 * um) ** 2  # in squares of 100 um
    crumbs = scatter(rng, size, rng.poisson(5 * area), 4, 2.0 * um)
    if len(crumbs):  # nuclear dust
        shapes = nucleus_windows(blobs(rng, crumbs, um * rng.uniform(0.8, 2.0, len(crumbs)), 1.4, 0.3))
        stamp(amounts[H], shapes, rng.uniform(0.8, 1.8, len(crumbs)), 1.2)
    grains = scatter(rng, size, rng.poisson(area * rng.choice([0.0, 0.0, 3.0])), 14, 2.5 * um)
    if len(grains):
        shapes = nucleus_windows(blobs(rng, grains, um * rng.uniform(0.7, 1.6, len(grains)), 1.3, 0.2))
        stamp(amounts[PIGMENT], shapes, rng.uniform(0.5, 1.2, len(grains)), 1.0)
    pale = scatter(rng, size, rng.poisson(9 * area), 1, 0.0)
    if len(pale):  # purple and pink globules without chromatin
        shapes = nucleus_windows(blobs(rng, pale, diameter * rng.uniform(0.7, 1.7, len(pale)), 1.5, 0.25))
        stamp(amounts[H], shapes, rng.uniform(0.1, 0.6, len(pale)), 4.0)
        stamp(amounts[E], shapes, rng.uniform(0.0, 0.5, len(pale)), 4.0)
    smudges = scatter(rng, size, rng.poisson(3 * area), 1, 0.0)
    if len(smudges):  # out of focus
        canvas = np.zeros(size, np.float32)
        stamp(canvas, nucleus_windows(blobs(rng, smudges, diameter * rng.uniform(0.8, 2.0, len(smudges)), 2.0, 0.3)),
              rng.uniform(0.4, 1.1, len(smudges)), 2.0)  # fmt: skip
        amounts[H] += gaussian_filter(canvas, 1.5 * um)


def stain_amounts(
    rng: np.random.Generator, layout: Compartments, nuclei: NucleusShapes, um: float, diameter: float
) -> tuple[np.ndarray, np.ndarray]:
    """The whole section.

    Args:
        rng: source of randomness.
        layout: compartments of H x W px.
        nuclei: N of them.
        um: px per um.
        diameter: typical nucleus, px.

    Returns:
        amounts float32 (4, H, W); label int32 (H, W), 1..N by position in `nuclei`, 0 = background.
    """
    size = layout.angle.shape
    amounts = background(rng, layout, nuclei, um)
    red_cells(rng, amounts, layout, um)
    distractors(rng, amounts, um, diameter)
    shapes = nucleus_windows(nuclei)
    owner, rho = paint_nearest(shapes, size, 1.6)
    halos(rng, amounts, owner, rho, len(nuclei))
    amounts[:2] *= 1 - 0.45 * smoothstep(rho, 1.05, 0.8)  # a nucleus displaces cytoplasm
    amounts[H] += chromatin(rng, nuclei, shapes, size, um)
    return amounts, np.where(rho < 1, owner, 0).astype(np.int32)
