# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Feature extractors for the image metrics: what a crop is turned into before two sets of crops are compared.

Numbers compare only where the features are the same, so each extractor says its name, the fingerprint of its weights,
and what the distances over its features are called. Only those over the FID-standard file are called FID and KID.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from ..files.provenance import sha256
from ..networks.compact import Compact
from ..networks.hovernet import HoverNet
from ..networks.inception import load_inception
from ..networks.inception_table import FID_STANDARD
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


class InceptionFeatures:
    """The 2048 features of Inception-v3's last pooling, from a file of weights that the user names.

    Args:
        path: either file that `load_inception` takes. Distances over torchvision's weights have names of their own:
            they are another training of the network, and published FIDs are not computed with them.
        device: where the network runs.

    Raises:
        FileNotFoundError, ValueError: as `load_inception`.
    """

    def __init__(self, path: str | Path, device: torch.device | str = "cpu") -> None:
        self.network, self.device = load_inception(path).to(device), torch.device(device)
        standard = self.network.variant is FID_STANDARD
        self.name, self.digest = f"Inception-v3 ({self.network.variant.name})", fingerprint(path)
        self.distances = (
            DistanceNames("fid", "kid") if standard else DistanceNames("fid_torchvision", "kid_torchvision")
        )

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """(B, C, H, W), grey or RGB, to (B, 2048)."""
        _check_channels(images, (1, 3), self.name)
        return self.network(images.to(self.device)).double().cpu()


class EncoderFeatures:
    """Spatial means of the encoder of a trained segmenter: for where there are no Inception weights.

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
        self.name, self.digest = f"encoder of a trained {type(network).__name__}", fingerprint(path)

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


def fingerprint(path: str | Path) -> str:
    """First 12 hex digits of the SHA-256 of a file."""
    return sha256(path)[:12]


def _check_channels(images: Tensor, known: tuple[object, ...], name: str) -> None:
    if images.ndim != 4 or images.shape[1] not in known:
        wanted = " or ".join(str(channels) for channels in known)
        raise ValueError(f"{name}: images are {tuple(images.shape)}: give (B, C, H, W) with {wanted} channels")
