# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The page's picture rows: points -> mask -> synthetic image, and predictions beside the truth."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transforms.pixel_centres import from_corner, to_corner

from ..data.items import files_by_name
from ..files.images import IMAGE_SUFFIXES
from ..files.labels import LABEL_SUFFIXES, read_label
from ..files.pictures import BACKGROUND, PREDICTION, TRUTH, coloured, dotted, enlarge_label, load_rgb, outlined, resize
from ..files.points_csv import parse_points
from . import pictures
from .results import ReportRow

logger = logging.getLogger(__name__)

WINDOW = 256  # px of an image shown as one picture
SHOWN = 560  # px of such a picture on the page's files, at least
SYNTHETIC_ROWS, RELABELLED_ROWS, MOST_OVERLAYS = 4, 2, 60
PANEL_COLUMNS = "mask, painted, what is read in it; a real image, what is read in it, painted again from that"


def synthetic_rows(folder: Path, dataset: Path | None) -> list[dict[str, Any]]:
    """Rows points -> mask -> synthetic image of a few synthetic images.

    Args:
        folder: holds `images/`, `labels/`, `points/` of equal names.
        dataset: the user's data set, to show the points on the real image that they come from; None: on a plain ground.

    Returns:
        Per row: name, objects, and `panels` = (caption, data address) from left to right.
    """
    images, labels = files_by_name(folder / "images", IMAGE_SUFFIXES), files_by_name(folder / "labels", LABEL_SUFFIXES)
    real = files_by_name(dataset / "images", IMAGE_SUFFIXES) if dataset else {}
    names = pictures.evenly_chosen([name for name in images if name in labels], SYNTHETIC_ROWS)
    return [_synthetic_row(name, images[name], labels[name], folder / "points" / f"{name}.csv", real) for name in names]


def _synthetic_row(name: str, image: Path, label_file: Path, points: Path, real: Mapping[str, Path]) -> dict[str, Any]:
    picture, label = load_rgb(image), read_label(label_file)[0].numpy()
    window = pictures.typical_window(label, WINDOW)
    scale = _scale(label[window])
    source = max((stem for stem in real if name.startswith(stem)), key=len, default=None)
    ground = np.full_like(picture, BACKGROUND)
    if source is not None:
        ground = resize(load_rgb(real[source]), picture.shape[:2])
    clicked = parse_points(points, label.shape).numpy() if points.is_file() else np.zeros((0, 2), np.float32)
    where = f"points on the real image {source}" if source is not None else "points"
    mask = coloured(enlarge_label(label[window], scale))
    panels = [
        (where, pictures.embed(_with_dots(ground[window], clicked, window, scale))),
        ("mask drawn around the points", pictures.embed(mask, photo=False)),
        ("synthetic image painted over the mask", pictures.embed(_enlarged(picture[window], scale))),
    ]
    return {"name": name, "objects": int(label.max(initial=0)), "panels": panels}


def relabelled_rows(labels: Path, dataset: Path | None) -> list[dict[str, Any]]:
    """A few real training images with the labels that were made for them from their points.

    Args:
        labels: folder of label files, named as the images.
        dataset: the user's data set; None: no rows.

    Returns:
        As `synthetic_rows`.
    """
    images = files_by_name(dataset / "images", IMAGE_SUFFIXES) if dataset else {}
    files = files_by_name(labels, LABEL_SUFFIXES)
    rows = []
    for name in pictures.evenly_chosen([name for name in files if name in images], RELABELLED_ROWS):
        label = read_label(files[name])[0].numpy()
        picture = resize(load_rgb(images[name]), label.shape)
        window = pictures.typical_window(label, WINDOW)
        scale = _scale(label[window])
        base = _enlarged(picture[window], scale)
        drawn = outlined(base, enlarge_label(label[window], scale), PREDICTION)
        mask = coloured(enlarge_label(label[window], scale))
        panels = [("real image", pictures.embed(base)), ("outlines found around its points", pictures.embed(drawn))]
        panels.append(("the label", pictures.embed(mask, photo=False)))
        rows.append({"name": name, "objects": int(label.max(initial=0)), "panels": panels})
    return rows


def _with_dots(picture: np.ndarray, points: np.ndarray, window: tuple[slice, slice], scale: int) -> np.ndarray:
    corner = np.array([window[1].start, window[0].start])
    return dotted(_enlarged(picture, scale), from_corner(to_corner(points - corner) * scale))


def prediction_rows(rows: Sequence[ReportRow], dataset: Path | None, metric: str = "aji") -> list[dict[str, Any]]:
    """The best, the median and the worst testing image of the method, each as every row of the table segments it.

    Args:
        rows: the method first.
        dataset: the user's data set; without it there are no rows, since the images are there.
        metric: orders the images; where it was not measured the first, middle and last image by name are taken.

    Returns:
        Per image: name, heading, `panels` = (caption, data address): the image, then one panel per row.
    """
    images = files_by_name(dataset / "images", IMAGE_SUFFIXES) if dataset else {}
    truths = files_by_name(dataset / "labels", LABEL_SUFFIXES) if dataset else {}
    predicted = [files_by_name(row.folder / "predictions" / "labels", LABEL_SUFFIXES) for row in rows]
    shown = []
    for heading, name in _chosen(rows[0], [name for name in predicted[0] if name in images], metric):
        labels = [(row, files[name]) for row, files in zip(rows, predicted, strict=True) if name in files]
        shown.append(_prediction_row(heading, name, images[name], truths.get(name), labels, metric))
    return shown


def _chosen(row: ReportRow, names: Sequence[str], metric: str) -> list[tuple[str, str]]:
    """(heading, name) of the images to show."""
    measured = sorted(
        (name for name in names if not math.isnan(row.value(name, metric))), key=lambda n: row.value(n, metric)
    )
    if not measured:
        return [("", name) for name in pictures.evenly_chosen(names, 3)]
    picks = {"best": measured[-1], "median": measured[len(measured) // 2], "worst": measured[0]}
    headings: dict[str, list[str]] = {}
    for heading, name in picks.items():
        headings.setdefault(name, []).append(heading)
    return [(" and ".join(words), name) for name, words in headings.items()]


def _prediction_row(
    heading: str, name: str, image: Path, truth_file: Path | None, labels: Sequence[tuple[ReportRow, Path]], metric: str
) -> dict[str, Any]:
    picture = load_rgb(image)
    truth = read_label(truth_file, picture.shape[:2])[0].numpy() if truth_file else None
    found = [(row, read_label(path, picture.shape[:2])[0].numpy()) for row, path in labels]
    window = pictures.typical_window(found[0][1] if truth is None else truth, WINDOW)
    scale = _scale(picture[window])
    base = _enlarged(picture[window], scale)
    panels = [("image", pictures.embed(base))]
    if truth is not None:
        base = outlined(base, enlarge_label(truth[window], scale), TRUTH)
    for row, label in found:
        drawn = outlined(base, enlarge_label(label[window], scale), PREDICTION)
        value = row.value(name, metric)
        score = "" if math.isnan(value) else f", {metric.upper()} {value:.3f}"
        panels.append((f"{row.title}: {label.max(initial=0)} objects{score}", pictures.embed(drawn)))
    return {"name": name, "heading": heading, "panels": panels, "truth": truth is not None}


def training_samples(folder: Path) -> list[tuple[str, str]]:
    """(caption, data address) of the panel at the start, the middle and the end of training, and the last noises."""
    files = files_by_name(folder, (".png",))
    panels = [path for name, path in files.items() if name.startswith("update_")]
    sheets = [path for name, path in files.items() if name.startswith("noises_")]
    captions = {path: f"{_update(path)}: {PANEL_COLUMNS}" for path in pictures.evenly_chosen(panels, 3)}
    captions |= {path: f"{_update(path)}: masks, each painted with other noises" for path in sheets[-1:]}
    return [(caption, pictures.embed(pictures.thumbnail(path, 1100))) for path, caption in captions.items()]


def _update(path: Path) -> str:
    """As in "update 600", of a picture named update_000600.png or noises_000600.png."""
    return f"update {path.stem.partition('_')[2].lstrip('0') or '0'}"


def overlays(folder: Path) -> list[tuple[str, Path, str]]:
    """(name, file, data address of a thumbnail) of the overlays that the predictions stage drew, 60 of them at most."""
    chosen = pictures.evenly_chosen(list(files_by_name(folder, (".png",)).items()), MOST_OVERLAYS)
    return [(name, path, pictures.embed(pictures.thumbnail(path, 220))) for name, path in chosen]


def further_pictures(folder: Path) -> list[tuple[str, str]]:
    """(title, data address) of images segmented beside the data set's: every `NAME/overlay.png` in the folder."""
    paths = sorted(folder.glob("*/overlay.png")) if folder.is_dir() else []
    return [(path.parent.name.replace("_", " "), pictures.embed(pictures.thumbnail(path, 1024))) for path in paths]


def _scale(window: np.ndarray) -> int:
    return max(1, round(SHOWN / max(window.shape[:2])))


def _enlarged(picture: np.ndarray, scale: int) -> np.ndarray:
    return resize(picture, (picture.shape[0] * scale, picture.shape[1] * scale))
