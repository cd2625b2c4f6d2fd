# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Image metrics from two folders: real images, and the synthetic ones that were painted on masks of their points.

    row = image_quality(DataFolder("my_data"), "out/synthetic", PretrainedFeatures())
    row["metrics"]["fid"]  # {"mean", "sd", "n": bootstrap samples, "all": every crop once}

Crops come from the same positions of an image and of its synthetic counterpart, whatever the spacings that the two are
stored at. Distances depend on the number of crops, so only rows of one number compare; the row says it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm
from transforms.random_streams import generator
from transforms.resample import resample_image, working_size

from ..data.folder import DataFolder
from ..data.items import Item, scan, some
from ..files.images import LoadedImage, check_mpp, load_image
from ..files.labels import read_label
from .crops import Positions, cut_crops, grid_positions
from .distribution import Measure, bootstrap, frechet_distance, kernel_distance
from .diversity import NOISES, Paint, diversity
from .features import FeatureExtractor
from .table import summarise

logger = logging.getLogger(__name__)

CROP_UM = 64.0  # side of a crop: 256 px at 0.25 um per px
BATCH = 16  # crops
SAMPLES, SUBSETS = 1, 2  # last keys of the draws


class Pair(NamedTuple):
    """A real image and a synthetic one that was painted on a mask of its points."""

    real: Item
    synthetic: Item


def image_quality(
    folder: DataFolder,
    synthetic_dir: str | Path,
    extractor: FeatureExtractor,
    mpp: float = 0.25,
    positions: Positions = grid_positions,
    split: str = "training",
    repeats: int = 10,
    seed: int = 0,
    paint: Paint | None = None,
) -> dict[str, Any]:
    """Both distances between real and synthetic crops and, given a generator, its diversity, as one row of a table.

    Args:
        folder: the real images; their spacing and channels are the folder's.
        synthetic_dir: folder that stage 2 wrote, images/NAME_000.tif for each real image NAME. One synthetic image is
            used for each real one, the first, so that the number of crops does not depend on how many were painted.
        extractor: crops to features.
        mpp: um per px that all images are brought to; a crop is 64 um wide, 256 px at 0.25. An image whose spacing is
            unknown is taken for one of this spacing.
        positions: where the crops of an image lie.
        split: the part of the real images that was painted.
        repeats: bootstrap samples.
        seed: of the bootstrap and of the noises.
        paint: paints an image on a label, such as `SyntheticImageGenerator.paint`; None: no diversity.

    Returns:
        What was measured on (`features`, `digest`, `dimensions`, `images`, `crops`, `crop_px`, `mpp`), and `metrics`:
        the distances, named by the extractor, each {"mean", "sd" (ddof 1), "n"} over the bootstrap samples and "all",
        the distance between all crops, each taken once; and "diversity", as `image_diversity` returns it.

    Raises:
        FileNotFoundError, ValueError: no image, a bad one, a real one without its synthetic one, two that cannot be a
            pair, one that is smaller than a crop, fewer than ten crops.
    """
    check_mpp(mpp)
    pairs, side = paired_images(folder, synthetic_dir, split), round(CROP_UM / mpp)
    _warn_of_spacings(pairs[0], folder, mpp)
    real, synthetic = crop_features(pairs, folder, extractor, mpp, side, positions)  # (N, d) each
    logger.info("%d crops of %d px from %d images, features: %s", len(real), side, len(pairs), extractor.name)
    metrics = feature_distances(real, synthetic, extractor, repeats, seed)
    metrics |= {} if paint is None else {"diversity": image_diversity(pairs, paint, seed)}
    return {
        "features": extractor.name,
        "digest": extractor.digest,
        "dimensions": real.shape[1],
        "images": len(pairs),
        "crops": len(real),
        "crop_px": side,
        "mpp": mpp,
        "metrics": metrics,
    }


def image_diversity(pairs: Sequence[Pair], paint: Paint, seed: int = 0, noises: int = NOISES) -> dict[str, float | int]:
    """Diversity of a generator over the masks of synthetic images: {"mean", "sd" (ddof 1), "n"} over masks.

    Args:
        pairs: as `paired_images` gives them; the labels of their synthetic images are the masks.
        paint: paints an image on a label, such as `bundle.inference.painting.SyntheticImageGenerator.paint`.
        seed: noise j on mask i depends on (seed, i, j) alone.
        noises: images of each mask, >= 2.

    Raises:
        FileNotFoundError, ValueError: a synthetic image has no label, or a bad one.
    """
    bare = [pair.synthetic.name for pair in pairs if pair.synthetic.label_path is None]
    if bare:
        raise FileNotFoundError(f"no label of the synthetic images {some(bare)}: name the folder that stage 2 wrote")
    labels = (read_label(pair.synthetic.label_path) for pair in pairs if pair.synthetic.label_path)
    values = diversity(paint, tqdm(labels, "diversity", len(pairs), unit="mask", disable=None), seed, noises)
    return summarise([{"diversity": value} for value in values])["diversity"]


def paired_images(folder: DataFolder, synthetic_dir: str | Path, split: str = "training") -> list[Pair]:
    """Each real image of one part with its first synthetic one, NAME_000, in the folder's order.

    Raises:
        FileNotFoundError, ValueError: there is no image, or a real one has no synthetic one.
    """
    items, painted = folder.items(split), scan(Path(synthetic_dir))
    if not items:
        raise ValueError(f"{folder.dataset_dir}: no image in the part {split!r}: name another part, or images in it")
    lonely = [item.name for item in items if first_name(item) not in painted]
    if lonely:
        raise FileNotFoundError(
            f"{synthetic_dir}: no synthetic image of {len(lonely)} of {len(items)} real ones, such as"
            f" images/{lonely[0]}_000.tif: finish stage 2, or name the part of the data set that it painted"
        )
    return [Pair(item, painted[first_name(item)]) for item in items]


def first_name(item: Item) -> str:
    """Base name of the first synthetic image of a real one, as `SyntheticImageGenerator.write_pairs` numbers them."""
    return f"{item.name}_{0:03d}"


def crop_features(
    pairs: Sequence[Pair], folder: DataFolder, extractor: FeatureExtractor, mpp: float, side: int, positions: Positions
) -> tuple[Tensor, Tensor]:
    """Features (N, d) of the real crops and of the synthetic ones, row i of both from the same position.

    Args:
        pairs: as `paired_images` gives them.
        folder: of the real images.
        extractor: crops to features.
        mpp: um per px that all images are brought to.
        side: of a crop, px at mpp.
        positions: where the crops of an image lie.

    Raises:
        FileNotFoundError, ValueError: a bad image, two that cannot be a pair, one that is smaller than a crop.
    """
    features: tuple[list[Tensor], list[Tensor]] = ([], [])
    for place, pair in enumerate(tqdm(pairs, "features", unit="image", disable=None)):
        images = load_pair(pair, folder, mpp)  # both (C, H, W)
        height, width = images[0].shape[-2:]
        origins = positions((height, width), side, place)
        if not origins:
            raise ValueError(
                f"{pair.real.image_path}: {width} x {height} px at {mpp:g} um per px is smaller than a crop, {side} px:"
                " leave small images out of the part"
            )
        for image, found in zip(images, features, strict=True):
            found += [extractor(batch) for batch in cut_crops(image, origins, side).split(BATCH)]
    return torch.cat(features[0]), torch.cat(features[1])


def load_pair(pair: Pair, folder: DataFolder, mpp: float) -> tuple[Tensor, Tensor]:
    """Both images of a pair, float32 (C, H, W), at one spacing and size; errors as `crop_features`."""
    real = load_image(pair.real.image_path, folder.channels, folder.mpp, common=folder.intensity)
    synthetic = load_image(pair.synthetic.image_path, folder.channels)
    _check_pair(pair, real, synthetic)
    size = working_size(real.size, real.mpp, mpp)
    return resample_image(real.image, size), resample_image(synthetic.image, size)


def feature_distances(
    real: Tensor, synthetic: Tensor, extractor: FeatureExtractor, repeats: int = 10, seed: int = 0
) -> dict[str, dict[str, float | int]]:
    """Both distances between features (N, d), under the extractor's names; entries as `image_quality` describes."""
    kernel = partial(kernel_distance, generator=generator(seed, SUBSETS))
    measures: dict[str, Measure] = {extractor.distances.frechet: frechet_distance, extractor.distances.kernel: kernel}
    found: dict[str, dict[str, float | int]] = {}
    for name, measure in measures.items():
        spread = bootstrap(real, synthetic, measure, generator(seed, SAMPLES), repeats)
        every = measure(real, synthetic, torch.arange(len(real)))
        found[name] = {"mean": spread.mean, "sd": spread.sd, "n": repeats, "all": every}
    return found


def _warn_of_spacings(pair: Pair, folder: DataFolder, mpp: float) -> None:
    """Say from the first pair, for all, where a spacing is unknown, or too coarse for what it is compared at."""
    painted = load_image(pair.synthetic.image_path, folder.channels).mpp
    if load_image(pair.real.image_path, folder.channels, folder.mpp, common=folder.intensity).mpp is None:
        logger.warning("%s: um per px unknown, taken for %g: state it", pair.real.image_path, mpp)
    elif painted is not None and painted > 1.02 * mpp:
        logger.warning(
            "synthetic images of %g um per px are blurred at %g: compare at --compared_mpp %g", painted, mpp, painted
        )


def _check_pair(pair: Pair, real: LoadedImage, synthetic: LoadedImage) -> None:
    """ValueError where the synthetic image cannot show the field of the real one, a px of rounding aside."""
    expected = real.size if synthetic.mpp is None else working_size(real.size, real.mpp, synthetic.mpp)
    if any(abs(found - wanted) > 1 for found, wanted in zip(synthetic.size, expected, strict=True)):
        raise ValueError(
            f"{pair.synthetic.image_path} is {synthetic.size[1]} x {synthetic.size[0]} px, and painted for"
            f" {pair.real.image_path} it would be {expected[1]} x {expected[0]}: name the folder painted from these"
            " images, and the um per px that they had then"
        )
