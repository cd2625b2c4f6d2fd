# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The joint histogram of a predicted and a true label, counted once and read by every metric of masks.

A label is constant along stretches of a row, so it is cut into runs first: whatever follows handles some ten thousand
runs instead of a million pixels, and the values of the ids do not matter (gaps and ids past 65,535 cost nothing).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy


@dataclass(frozen=True)
class Overlaps:
    """Areas of T true and P predicted objects, and the K pairs of them that share pixels.

    Objects are numbered from 0 in raster order of their first pixel and pairs are sorted by (true, predicted), so that
    nothing computed from here, ties included, depends on the ids.

    Args:
        true_areas: (T,) int64, px.
        pred_areas: (P,) int64, px.
        true_index: (K,) int64, the true object of each pair.
        pred_index: (K,) int64, the predicted object of each pair.
        shared: (K,) int64, px that the two objects of a pair share, never 0.
    """

    true_areas: np.ndarray
    pred_areas: np.ndarray
    true_index: np.ndarray
    pred_index: np.ndarray
    shared: np.ndarray

    @property
    def unions(self) -> np.ndarray:
        """Area of the union of each pair, (K,) int64, px."""
        return self.true_areas[self.true_index] + self.pred_areas[self.pred_index] - self.shared

    @property
    def both_empty(self) -> bool:
        """True where neither label holds an object: such an image is not counted."""
        return self.true_areas.size == 0 and self.pred_areas.size == 0


def overlaps(pred: NdarrayOrTensor, truth: NdarrayOrTensor) -> Overlaps:
    """Count the pixels that each predicted object shares with each true one.

    Args:
        pred: predicted label, (H, W) or (1, H, W), any integer type and device, 0 = background.
        truth: true label, likewise and of the same size; the two sets of ids need not correspond.

    Raises:
        TypeError: a label is not of an integer type.
        ValueError: a label has another shape, no pixel or a negative id, or the two sizes differ.
    """
    pred_label, true_label = label_array(pred, "pred"), label_array(truth, "truth")
    if pred_label.shape != true_label.shape:
        raise ValueError(f"pred is {pred_label.shape}, truth is {true_label.shape} (H, W): give both at one size")
    starts, lengths = runs(pred_label, true_label)
    pred_index, pred_areas = _number_objects(pred_label.reshape(-1)[starts], lengths)
    true_index, true_areas = _number_objects(true_label.reshape(-1)[starts], lengths)
    on_both = (pred_index >= 0) & (true_index >= 0)  # (R,)
    pair = true_index[on_both] * pred_areas.size + pred_index[on_both]
    pairs, inverse = np.unique(pair, return_inverse=True)  # (K,), (runs on both,)
    shared = np.bincount(inverse, weights=lengths[on_both]).astype(np.int64)
    return Overlaps(true_areas, pred_areas, pairs // max(pred_areas.size, 1), pairs % max(pred_areas.size, 1), shared)


def label_array(label: NdarrayOrTensor, name: str) -> np.ndarray:
    """Check a label and return it as an array (H, W) of its own integer type; `name` is for the messages."""
    array = convert_to_numpy(label)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} has the shape {array.shape}: a label is (H, W) or (1, H, W) with at least one pixel")
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} is {array.dtype}: a label holds integer ids; number objects, cast whole numbers")
    if array.min() < 0:
        raise ValueError(f"{name} holds the id {array.min()}: ids are >= 0; read unsigned files as unsigned")
    return array


def runs(*labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut rows into the longest stretches on which every label is constant.

    Args:
        labels: one or more arrays of the same (H, W).

    Returns:
        Flat index of each run's first pixel, (R,) int64, ascending, and the run's length in px, (R,) int64.
    """
    starts = np.zeros(labels[0].shape, dtype=bool)  # (H, W)
    starts[:, 0] = True
    for label in labels:
        starts[:, 1:] |= label[:, 1:] != label[:, :-1]
    first = np.flatnonzero(starts)  # (R,)
    return first, np.diff(first, append=starts.size)


def _number_objects(ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number objects in raster order: index of each run (R,), -1 on background, and areas (objects,) in px."""
    names, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    first[names == 0] = -1  # background leads, whether it holds the first pixel or not
    rank = np.argsort(np.argsort(first)) - np.count_nonzero(names == 0)
    index = rank[inverse]  # (R,)
    inside = index >= 0
    return index, np.bincount(index[inside], weights=lengths[inside]).astype(np.int64)
