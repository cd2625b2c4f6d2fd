# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of masks: stacks and ids of every kind give the same masks, and what does not fit is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.data.mask_files import find_masks, read_masks

SIZE = (10, 14)


def ids() -> np.ndarray:
    label = np.zeros(SIZE, np.uint16)
    label[1:4, 2:7], label[6:9, 8:12] = 1, 2
    return label


def pages() -> np.ndarray:
    return np.stack([ids() == 1, ids() == 5, ids() == 2])  # the one in the middle is empty


def write(path: Path, array: np.ndarray) -> Path:
    if path.suffix == ".npz":
        np.savez(path, masks=array)
    elif path.suffix == ".png":
        Image.fromarray(array).save(path)
    else:
        tifffile.imwrite(path, array, photometric="minisblack")
    return path


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("a.npz", ids()),
        ("a.npz", pages()),
        ("a.tif", ids()),
        ("a.tif", pages().astype(np.uint8) * 255),
        ("a.png", ids()),
    ],
)
def test_stacks_and_ids_give_the_same_masks(tmp_path: Path, name: str, array: np.ndarray) -> None:
    masks = read_masks(write(tmp_path / name, array), SIZE, SIZE)
    assert [(mask.origin, mask.pixels.shape, mask.area, mask.score) for mask in masks] == [
        ((1, 2), (3, 5), 15, 0.0),
        ((6, 8), (3, 4), 12, 0.0),
    ]


def test_scores_stay_with_their_masks(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", masks=pages(), scores=np.array([0.5, 0.9, 0.25], np.float32))
    assert [mask.score for mask in read_masks(tmp_path / "a.npz", SIZE, SIZE)] == [0.5, 0.25]


@pytest.mark.parametrize("array", [ids(), pages()])
def test_masks_are_resampled_as_labels_are(tmp_path: Path, array: np.ndarray) -> None:
    coarse, _ = read_masks(write(tmp_path / "a.npz", array), SIZE, (5, 7))
    assert coarse.origin == (0, 1) and coarse.pixels.tolist() == [[True] * 2, [True] * 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"masks": np.zeros((3, 9, 14))}, r"shape \(3, 9, 14\) do not fit their image of 14 x 10 px"),
        ({"masks": np.zeros((1, 3, 10, 14))}, "do not fit their image"),
        ({"masks": pages(), "scores": np.ones(2)}, r"scores of shape \(2,\) do not fit"),
        ({"masks": pages(), "scores": np.array([1, np.nan, 0])}, "scores .* do not fit"),
        ({"masks": ids(), "scores": np.ones(1)}, "scores .* do not fit"),
        ({"mask": pages()}, "no array called 'masks'"),
        ({"masks": np.array([None])}, "cannot be read"),
    ],
)
def test_masks_that_do_not_fit_are_refused(tmp_path: Path, content: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(ValueError, match=rf"a\.npz: .*{message}"):
        read_masks(tmp_path / "a.npz", SIZE, SIZE)


@pytest.mark.parametrize("name", ["a.npz", "a.tif"])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing of the kind")
    with pytest.raises(ValueError, match=rf"{name}: cannot be read"):
        read_masks(tmp_path / name, SIZE, SIZE)


def test_files_are_found_by_name(tmp_path: Path) -> None:
    write(tmp_path / "a.npz", ids())
    write(tmp_path / "b.tif", ids())
    assert find_masks(tmp_path, ["b", "a"]) == {"b": tmp_path / "b.tif", "a": tmp_path / "a.npz"}
    with pytest.raises(FileNotFoundError, match="no masks of 2 of 3 training images: c, d; add"):
        find_masks(tmp_path, ["a", "c", "d"])
    write(tmp_path / "a.png", ids())
    with pytest.raises(ValueError, match="base name"):
        find_masks(tmp_path, ["a"])


def test_a_folder_that_is_not_named_or_not_there_is_said(tmp_path: Path) -> None:
    for nothing in (None, ""):
        with pytest.raises(FileNotFoundError, match="masks_dir is not set: name the folder"):
            find_masks(nothing, ["a"])
    with pytest.raises(FileNotFoundError, match="elsewhere: no such folder"):
        find_masks(tmp_path / "elsewhere", ["a"])
