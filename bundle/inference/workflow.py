# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What `Segmenter` does in one call, taken apart into MONAI's parts: transforms, an inferer and a handler.

configs/inference.json puts them together, and tools such as MONAI Label run them in an engine of their own. They give
the very labels that `Segmenter` gives.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.config import KeysCollection
from monai.inferers import Inferer
from monai.transforms import MapTransform
from monai.utils import CommonKeys, ImageMetaKey, convert_to_tensor
from torch import Tensor, nn

from ..data.readers import MPP, ReadImaged
from ..files.view import Window
from ..files.writers import write_label
from ..networks.weights import check_bytes
from .batch import list_images
from .model import card_path, describe_output, read_card
from .outputs import HoverOutput, Output
from .segmenter import Segmenter, at_size, warn_unknown_spacing
from .test_time_augmentation import IDENTITY, Symmetry

logger = logging.getLogger(__name__)

MOST_IDS = int(np.iinfo(np.uint16).max)


def image_dicts(folder: str | os.PathLike[str]) -> list[dict[str, str]]:
    """[{"image": path}, ...] of the images directly in a folder; errors as `list_images`."""
    return [{CommonKeys.IMAGE: str(path)} for path in list_images(folder)]


def check_card(
    weights: str | os.PathLike[str], mpp: float, channels: int, diameter: float, output: Output | None = None
) -> None:
    """Compare a configuration with the description beside the weights, where there is one.

    Args:
        weights: such as model.pt.
        mpp: um per px.
        channels: of the image.
        diameter: typical object, um.
        output: how the network's channels are read, with the parameters of post-processing; None is not compared.

    Raises:
        ValueError: the weights were changed since they were written, or trained at another spacing or for other images,
            or post-processing was tuned: they would load, and segment badly.
    """
    check_bytes(weights)
    if not card_path(weights).is_file():
        return
    card = read_card(weights)
    stated_and_trained = {"model_mpp": (mpp, card.mpp), "channels": (channels, card.channels)}
    if card.diameter is not None:
        stated_and_trained["diameter"] = (diameter, card.diameter)
    for name, (stated, trained) in stated_and_trained.items():
        if stated != trained:
            raise ValueError(
                f"{weights} was trained with {name} {trained} (says {card_path(weights).name}), and this configuration"
                f" has {stated}: add --{name} {trained}, or name another model"
            )
    if output is not None and output != card.build_output():
        here = describe_output(output)
        there = describe_output(card.build_output())
        options = [f"--network_output::{name} {value}" for name, value in there.items() if here.get(name) != value]
        raise ValueError(
            f"{card_path(weights).name} beside {weights} says how to read its output, and this configuration says"
            f" otherwise: add {' '.join(options)}"
        )


class ReadImageAndSpacingd(ReadImaged):
    """`ReadImaged`, and um per px as an entry of its own, None where unknown, as `ResampleToSpacingd` takes it.

    Args:
        keys: paths to replace by images.
        channels: 1 (grey) or 3 (RGB).
        mpp: um per px; None: what TIFF tags say.
        allow_missing_keys: whether a missing key is passed over instead of an error.
        model_mpp: um per px that an image of unknown spacing is taken for, with a warning; None: nothing is said.
        intensity: of 16-bit images, the stored intensities that become 0 and 1; None: each image by itself.
    """

    def __init__(
        self,
        keys: KeysCollection,
        channels: int = 3,
        mpp: float | None = None,
        allow_missing_keys: bool = False,
        model_mpp: float | None = None,
        intensity: str | Window | None = None,
    ) -> None:
        super().__init__(keys, channels, mpp, allow_missing_keys, intensity)
        self.model_mpp = model_mpp

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with images in place of paths, and "mpp"."""
        read = super().__call__(data)
        if not (keys := list(self.key_iterator(read))):
            return read
        image = read[keys[0]]
        if MPP not in image.meta and self.model_mpp is not None:
            warn_unknown_spacing(image.meta[ImageMetaKey.FILENAME_OR_OBJ], self.model_mpp)
        return {**read, MPP: image.meta.get(MPP)}


class HoverMapInferer(Inferer):
    """Runs a network over images as `Segmenter` does; its hover maps have m in [0, 1].

    Args:
        windows: runs the network over one image; `bundle.inference.segmenter.windows()` by default.
        augmentation: symmetries whose predictions are averaged.
        output: what the network's three channels mean; by default tanh h, tanh v and the logit of m.
    """

    def __init__(
        self, windows: Inferer | None = None, augmentation: Sequence[Symmetry] = IDENTITY, output: Output | None = None
    ) -> None:
        self.windows, self.augmentation, self.output = windows, augmentation, output

    def __call__(  # type: ignore[override]
        self, inputs: Tensor, network: nn.Module, *args: Any, **kwargs: Any
    ) -> Tensor:
        """Images (B, C, H, W) in [0, 1] at the model's spacing to hover maps (B, 3, H, W)."""
        images = convert_to_tensor(inputs, track_meta=False)
        segmenter = Segmenter(
            network, 1.0, images.shape[1], self.windows, augmentation=self.augmentation, output=self.output
        )
        return torch.stack([segmenter.hover_map(image) for image in images])


class HoverMapToLabeld(MapTransform):
    """Hover maps (3, h, w) at the model's spacing to labels int32 (1, H, W) at the image's own size.

    Args:
        keys: hover maps, m in [0, 1], to replace by labels.
        smallest: objects of fewer px at the model's spacing are dropped.
        size_key: the entry with H and W, as `ResampleToSpacingd` writes it.
        allow_missing_keys: whether a missing key is passed over instead of an error.
        output: what the maps are, with the post-processing that belongs to it; by default hover maps.
    """

    def __init__(
        self,
        keys: KeysCollection,
        smallest: int = 10,
        size_key: str = "original_size",
        allow_missing_keys: bool = False,
        output: Output | None = None,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.size_key = size_key
        self.output: Output = output or HoverOutput()
        self.to_label = self.output.labeller(smallest)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with labels in place of hover maps."""
        output = dict(data)
        for key in self.key_iterator(output):
            height, width = (int(length) for length in output[self.size_key])
            seen = convert_to_tensor(output[key], track_meta=False).cpu()  # (3, h, w)
            output[key] = at_size(seen, (height, width), self.to_label, self.output).label
        return output


class ToMonaiLabeld(MapTransform):
    """Labels (1, H, W) to what MONAI's and MONAI Label's writers take: uint16 numpy (W, H), without a channel."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary; ValueError where ids do not fit 16 bit."""
        output = dict(data)
        for key in self.key_iterator(output):
            label = output[key]
            if int(label.max()) > MOST_IDS:
                raise ValueError(f"{int(label.max())} objects do not fit 16 bit: use `python -m scripts.segment image`")
            output[key] = label[0].numpy().astype(np.uint16).T
        return output


class WriteLabels:
    """Handler: write the label of every image as TIFF, under the image's base name.

    Args:
        folder: where to; made when it is not there.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def attach(self, engine: Engine) -> None:
        """Write after every iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write `pred` (W, H) of each item; ValueError where that would replace the image itself."""
        self.folder.mkdir(parents=True, exist_ok=True)
        items: Any = engine.state.output
        for item in items:
            meta = item[CommonKeys.IMAGE].meta
            source = Path(meta[ImageMetaKey.FILENAME_OR_OBJ])
            path = self.folder / f"{source.stem}.tif"
            if path.resolve() == source.resolve():
                raise ValueError(f"{path} is the image itself: name another output_dir")
            mpp = meta.get(f"original_{MPP}", meta.get(MPP))  # the label is at the file's spacing
            write_label(path, item[CommonKeys.PRED].T[None], None if mpp is None else float(mpp))
            logger.info("%s: %d objects", path, item[CommonKeys.PRED].max())
