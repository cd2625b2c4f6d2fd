# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels of real training images made of their points and colours, for the segmenter to learn from.

Those in here need no network of ours (METHOD section 9): baselines that every table holds beside the method. All work
at the model's spacing and know one number, the typical diameter.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transforms.instances.seeds import seed_points
from transforms.instances.smooth_outlines import smooth_outlines
from transforms.pseudo_labels.geodesic import fit_alpha, geodesic_distance, geodesic_label
from transforms.pseudo_labels.sam_masks import label_from_masks
from transforms.pseudo_labels.voronoi import voronoi_label
from transforms.resample import resample_image, resample_label, resample_points, working_size

from ..data.intensity import load_item
from ..data.mask_files import find_masks, read_masks
from ..data.training_images import PointedImage
from ..files.images import LoadedImage
from ..files.points_csv import read_points
from ..files.weight_maps import write_weight
from ..files.writers import write_label

logger = logging.getLogger(__name__)


class PseudoLabeller(ABC):
    """Writes a label for each training image, one instance per point.

    Args:
        mpp: the model's spacing, um per px.
        diameter: typical of an object, um.
        channels: 1 (grey) or 3 (RGB).
    """

    outline_smoothing = 0.0  # um; see `smooth_outlines`

    def __init__(self, mpp: float, diameter: float, channels: int = 3) -> None:
        self.mpp, self.diameter, self.channels = mpp, diameter, channels

    @abstractmethod
    def label(self, name: str, size: tuple[int, int], pointed: PointedImage) -> tuple[Tensor, Tensor | None]:
        """Label one image.

        Args:
            name: base name of the image.
            size: its H and W on disk, px.
            pointed: image and points at the model's spacing.

        Returns:
            Label int32 (1, H, W) at the model's spacing, and how far each pixel is to be trusted, float32 (1, H, W) in
            [0, 1]; None: all alike.
        """

    def prepare(self, data: Sequence[Mapping[str, Any]], image_mpp: float | None) -> None:  # noqa: B027
        """Work out what belongs to all images together; arguments as for `write_labels`."""

    def write_labels(
        self, data: Sequence[Mapping[str, Any]], output_dir: str | Path, image_mpp: float | None = None
    ) -> None:
        """Write labels/NAME.tif, and weights/NAME.tif where pixels do not count alike; labels that are there stay.

        Args:
            data: [{"image": path, "points": path}, ...], with "diameter" (`Diameter`) where an image has its own.
            output_dir: the folder that holds labels/ and weights/; the files have the size of the image.
            image_mpp: um per px of the images; None: what their files say.

        Raises:
            FileNotFoundError, ValueError: a file is missing or bad, or the points allow no such labels.
        """
        paths = {index: label_path(output_dir, item) for index, item in enumerate(data)}
        missing = [index for index, path in paths.items() if not path.is_file()]
        if missing:
            self.prepare(data, image_mpp)
        for index in tqdm(missing, unit="image", disable=None):
            path = paths[index]
            loaded, pointed = self.load(data[index], image_mpp)
            label, weight = _nothing(pointed), None
            if len(pointed.points):
                label, weight = self.label(path.stem, loaded.size, pointed)
            if weight is not None:
                weight_path(output_dir, data[index]).parent.mkdir(parents=True, exist_ok=True)
                write_weight(weight_path(output_dir, data[index]), resample_label(weight, loaded.size), loaded.mpp)
            path.parent.mkdir(parents=True, exist_ok=True)
            label = self.with_smooth_outlines(resample_label(label, loaded.size), label)
            write_label(path, label, loaded.mpp)  # last: it marks the image as done
        logger.info("labels of %d real images in %s", len(data), output_dir)

    def with_smooth_outlines(self, fine: Tensor, label: Tensor) -> Tensor:
        """A label at the size on disk (1, H, W), smoothed there; the other is the same at the model's spacing."""
        down, across = (new / own for new, own in zip(fine.shape[1:], label.shape[1:], strict=True))
        sigma = self.outline_smoothing / self.mpp
        return torch.from_numpy(smooth_outlines(fine[0].numpy(), (sigma * down, sigma * across)))[None]

    def load(self, item: Mapping[str, Any], image_mpp: float | None) -> tuple[LoadedImage, PointedImage]:
        """One image as it is on disk, and with its points and diameter at the model's spacing."""
        loaded = load_item(item, self.channels, image_mpp)
        points = read_points(item["points"], loaded.size)
        size = working_size(loaded.size, loaded.mpp, self.mpp)
        um = item["diameter"].um(loaded.mpp, self.mpp) if "diameter" in item else self.diameter
        points = resample_points(points, loaded.size, size)
        return loaded, PointedImage(resample_image(loaded.image, size), points, um / self.mpp)


class VoronoiLabeller(PseudoLabeller):
    """Voronoi cells and colour clusters (Qu et al. 2020), see `voronoi_label`; undecided pixels count nothing."""

    def label(self, name: str, size: tuple[int, int], pointed: PointedImage) -> tuple[Tensor, Tensor]:
        """As `PseudoLabeller.label`."""
        return voronoi_label(pointed.image, pointed.points, pointed.diameter)


class GeodesicLabeller(PseudoLabeller):
    """Geodesic objectness (Li et al. 2021), `transforms.pseudo_labels.geodesic`; one alpha for all training images."""

    alpha: float

    def prepare(self, data: Sequence[Mapping[str, Any]], image_mpp: float | None) -> None:
        """Find the alpha with which the objects have the typical area on average."""
        distances, pixels = [], 0.0
        for item in tqdm(data, unit="image", disable=None):
            pointed = self.load(item, image_mpp)[1]
            if not len(pointed.points):
                continue
            distances.append(geodesic_distance(pointed.image, pointed.points, pointed.diameter)[0])
            objects = len(seed_points(pointed.points, distances[-1].shape))
            pixels += objects * np.pi * pointed.diameter**2 / 4
        self.alpha = fit_alpha(distances, pixels)
        logger.info("objects have their typical area on average with alpha = %.4g", self.alpha)

    def label(self, name: str, size: tuple[int, int], pointed: PointedImage) -> tuple[Tensor, None]:
        """As `PseudoLabeller.label`, after `prepare`."""
        distance, owner = geodesic_distance(pointed.image, pointed.points, pointed.diameter)
        return geodesic_label(distance, owner, pointed.points, self.alpha), None


class MaskLabeller(PseudoLabeller):
    """Masks that a SAM-like model proposed, one of them for each point, see `label_from_masks`.

    Args:
        mpp: the model's spacing, um per px.
        diameter: typical of an object, um.
        channels: 1 (grey) or 3 (RGB).
        masks_dir: the folder with the masks, see `bundle.data.mask_files`; None: the user has named none.
        max_radius: how far from its point an object may reach, um, where objects have that diameter.
        core: radius, um, of the disk around a point that no mask holds.
    """

    def __init__(
        self,
        mpp: float,
        diameter: float,
        channels: int = 3,
        masks_dir: str | None = None,
        max_radius: float = 10.0,
        core: float = 1.0,
    ) -> None:
        super().__init__(mpp, diameter, channels)
        self.masks_dir, self.max_radius, self.core = masks_dir, max_radius, core

    def prepare(self, data: Sequence[Mapping[str, Any]], image_mpp: float | None) -> None:
        """See that every image has its masks."""
        pointed = [item for item in data if len(self.load(item, image_mpp)[1].points)]
        find_masks(self.masks_dir, [Path(item["image"]).stem for item in pointed])

    def label(self, name: str, size: tuple[int, int], pointed: PointedImage) -> tuple[Tensor, Tensor]:
        """As `PseudoLabeller.label`."""
        working = (pointed.image.shape[-2], pointed.image.shape[-1])
        masks = read_masks(find_masks(self.masks_dir, [name])[name], size, working)
        unit = pointed.diameter / self.diameter  # px per um of an object of usual size
        return label_from_masks(masks, pointed.points, working, self.core * unit, self.max_radius * unit)


def _nothing(pointed: PointedImage) -> Tensor:
    """The label of an image that is stated to hold no object."""
    return torch.zeros(1, *pointed.size, dtype=torch.int32)


def with_pseudo_labels(data: Iterable[Mapping[str, Any]], folder: str | Path) -> list[dict[str, Any]]:
    """[{"image": path, ...}, ...] with what `write_labels` wrote into a folder: [{"image", "label"}, ...].

    Images that have weights there have "weight", too; a "share" stays.
    """
    items = []
    for item in data:
        found = {"image": str(item["image"]), "label": str(label_path(folder, item))}
        path = weight_path(folder, item)
        found |= {"weight": str(path)} if path.is_file() else {}
        items.append(found | ({"share": item["share"]} if "share" in item else {}))
    return items


def labelled(
    labeller: PseudoLabeller, data: Sequence[Mapping[str, Any]], folder: str | Path, image_mpp: float | None = None
) -> list[dict[str, Any]]:
    """What `with_pseudo_labels` returns, once a labeller has written what is not there yet; arguments of both."""
    labeller.write_labels(data, folder, image_mpp)
    return with_pseudo_labels(data, folder)


def label_path(folder: str | Path, item: Mapping[str, Any]) -> Path:
    """Where an image's label is."""
    return Path(folder) / "labels" / f"{Path(item['image']).stem}.tif"


def weight_path(folder: str | Path, item: Mapping[str, Any]) -> Path:
    """Where an image's weights are, if it has any."""
    return Path(folder) / "weights" / f"{Path(item['image']).stem}.tif"
