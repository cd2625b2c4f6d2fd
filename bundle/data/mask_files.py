# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Masks that a SAM-like model proposed for an image, from a file: NAME.npz, NAME.tif or NAME.png.

An .npz file holds `masks`, either (K, H, W), one mask a page, or (H, W), ids; and, if the model gave any, `scores`
(K,). A TIFF holds pages or ids, a PNG ids. Masks of a stack may overlap; what is not 0 is inside. No such model is
needed here, and none is run.
"""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import tifffile
import torch
from transforms.pseudo_labels.sam_masks import Proposal, proposal_of_page, proposals_of_ids
from transforms.resample import resample_label
from transforms.size import Size

from ..files.labels import LABEL_SUFFIXES, read_label
from .items import files_by_name

MASK_SUFFIXES = (".npz", *LABEL_SUFFIXES)


def find_masks(masks_dir: str | os.PathLike[str] | None, names: list[str]) -> dict[str, Path]:
    """Base name -> file of masks, for images of these base names.

    Raises:
        FileNotFoundError: no folder is named, there is none, or an image has no file in it.
        ValueError: two files of one base name.
    """
    if not masks_dir:
        raise FileNotFoundError(
            "masks_dir is not set: name the folder with the masks that a SAM-like model gave for the training images,"
            " NAME.npz, NAME.tif or NAME.png for each"
        )
    if not Path(masks_dir).is_dir():
        raise FileNotFoundError(f"masks_dir {masks_dir}: no such folder")
    files = files_by_name(Path(masks_dir), MASK_SUFFIXES)
    if missing := [name for name in names if name not in files]:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise FileNotFoundError(
            f"masks_dir {masks_dir}: has no masks of {len(missing)} of {len(names)} training images: {shown}; add"
            " NAME.npz, NAME.tif or NAME.png for each"
        )
    return {name: files[name] for name in names}


def read_masks(path: Path, size: Size, new_size: Size) -> list[Proposal]:
    """Read the masks of one image.

    Args:
        path: the file.
        size: (H, W) of the image, px.
        new_size: (H, W), px, that the masks are resampled to; each new pixel is in if its centre was.

    Returns:
        The masks that have pixels.

    Raises:
        ValueError: damaged, of another size than the image, or scores that do not fit.
    """
    array, scores = _stored_masks(path, size)
    if array.shape[-2:] != tuple(size) or array.ndim not in (2, 3):
        raise ValueError(
            f"{path}: masks of shape {array.shape} do not fit their image of {size[1]} x {size[0]} px: give ids"
            f" ({size[0]}, {size[1]}) or a stack (masks, {size[0]}, {size[1]})"
        )
    if scores is not None and (array.ndim != 3 or scores.shape != array.shape[:1] or not np.isfinite(scores).all()):
        raise ValueError(
            f"{path}: scores of shape {scores.shape} do not fit masks of shape {array.shape}: give a number for each"
        )
    if array.ndim == 2:
        return proposals_of_ids(resample_label(torch.from_numpy(array.astype(np.int32)), new_size).numpy())
    pages = (resample_label(torch.from_numpy(page != 0), new_size).numpy() for page in array)
    found = (proposal_of_page(page, score) for page, score in zip(pages, _as_floats(scores, len(array)), strict=True))
    return [mask for mask in found if mask is not None]


def _as_floats(scores: np.ndarray | None, count: int) -> list[float]:
    return [0.0] * count if scores is None else [float(score) for score in scores]


def _stored_masks(path: Path, size: Size) -> tuple[np.ndarray, np.ndarray | None]:
    """Masks as they are stored and, where there are any, scores."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        return read_label(path, size)[0].numpy(), None
    try:
        if suffix != ".npz":
            return tifffile.imread(path), None
        with np.load(path, allow_pickle=False) as content:
            return content["masks"], content["scores"] if "scores" in content else None
    except KeyError as error:
        raise ValueError(f"{path}: holds no array called 'masks': save the masks under that name") from error
    except (OSError, ValueError, BadZipFile, tifffile.TiffFileError) as error:
        raise ValueError(f"{path}: cannot be read ({error}): write the masks again") from error
