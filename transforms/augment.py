# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Augmentations of whole batches, on the batch's device, with one random generator per sample: no MONAI transforms.

A batch is a dictionary of tensors (B, C, H, W). Flips move every named tensor alike and stand before hover maps are
computed; the others change the image alone, which stays in [0, 1]. A sample's draws depend on its own generator only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from .to_device import to_device

Batch = dict[str, Tensor]
Generators = Sequence[torch.Generator]

TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))  # luma and two colour axes (NTSC)
STAINS = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))  # optical densities: haematoxylin, eosin, rest


def draw_uniform(generators: Generators, shape: Sequence[int], low: float, high: float, device: torch.device) -> Tensor:
    """Uniform numbers in [low, high), `shape` from each generator: (B, *shape)."""
    drawn = [torch.rand(tuple(shape), generator=generator, device=generator.device) for generator in generators]
    return low + (high - low) * to_device(torch.stack(drawn), device)


def draw_normal(generators: Generators, shape: Sequence[int], device: torch.device) -> Tensor:
    """Standard normal numbers, `shape` from each generator: (B, *shape)."""
    drawn = [torch.randn(tuple(shape), generator=generator, device=generator.device) for generator in generators]
    return to_device(torch.stack(drawn), device)


@cache
def colour_axes(device: torch.device) -> tuple[Tensor, Tensor]:
    """RGB to YIQ and back, (3, 3) each; kept on every device that asked."""
    to_yiq = torch.tensor(TO_YIQ)
    return to_device(to_yiq, device), to_device(torch.linalg.inv(to_yiq), device)


@cache
def stain_vectors(device: torch.device) -> tuple[Tensor, Tensor]:
    """Unit vectors of the stains, (3 stains, 3 colours), and their inverse; kept on every device that asked."""
    stains = functional.normalize(torch.tensor(STAINS), dim=1)
    return to_device(stains, device), to_device(torch.linalg.inv(stains), device)


def mix_channels(image: Tensor, matrix: Tensor) -> Tensor:
    """Multiply each pixel's colour by a matrix per sample: (B, C, H, W) and (B, C, C) to (B, C, H, W)."""
    return torch.einsum("bij,bjhw->bihw", matrix, image)


def check_rgb(image: Tensor, transform: object) -> None:
    """Raise where a colour transform meets an image without three channels."""
    if image.shape[1] != 3:
        name = type(transform).__name__
        raise ValueError(
            f"{name} needs RGB images, but this batch has {image.shape[1]} channels: use IntensityJitter, as"
            " configs/variants/grey.yaml does"
        )


class RandFlips:
    """Flip each sample left to right and top to bottom, each with probability 1/2, all named tensors alike.

    Args:
        keys: tensors to flip; those that a batch lacks are passed over. Hover maps are not among them: h and v change
            sign under a flip, so they are computed from the flipped label.

    Raises:
        ValueError: when `keys` name the hover map.
    """

    def __init__(self, keys: Sequence[str] = ("image", "label", "point_map", "weight")) -> None:
        if "hover_map" in keys:
            raise ValueError("a hover map cannot be flipped like an image: flip the label and compute the map from it")
        self.keys = tuple(keys)

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with the named tensors flipped."""
        source = self._source(generators, batch["image"])
        return {key: self._move(tensor, source) if key in self.keys else tensor for key, tensor in batch.items()}

    @staticmethod
    def _source(generators: Generators, image: Tensor) -> Tensor:
        """Where each pixel of the flipped batch comes from: places (B, H * W) in the images (B, C, H, W)."""
        height, width = image.shape[2:]
        sideways, upright = (draw_uniform(generators, (2, 1), 0, 1, image.device) < 0.5).unbind(1)  # (B, 1) each
        x, y = torch.arange(width, device=image.device), torch.arange(height, device=image.device)
        column, row = torch.where(sideways, x.flip(0), x), torch.where(upright, y.flip(0), y)  # (B, W), (B, H)
        return (row[:, :, None] * width + column[:, None]).flatten(1)

    @staticmethod
    def _move(tensor: Tensor, source: Tensor) -> Tensor:
        """A tensor (B, C, H, W) with each pixel from its source, the same in every channel."""
        return tensor.flatten(2).gather(2, source[:, None].expand(-1, tensor.shape[1], -1)).view_as(tensor)


class IntensityJitter:
    """Multiply brightness, then stretch contrast about the sample's mean; any number of channels.

    Args:
        brightness: largest relative change, factors are drawn from [1 - brightness, 1 + brightness).
        contrast: the same for the contrast.
    """

    def __init__(self, brightness: float = 0.15, contrast: float = 0.2) -> None:
        self.brightness, self.contrast = brightness, contrast

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with its image changed."""
        image = batch["image"]
        changes = draw_uniform(generators, (2, 1, 1, 1), -1, 1, image.device)  # (B, 2, 1, 1, 1)
        image = image * (1 + self.brightness * changes[:, 0])
        mean = image.mean(dim=(1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
        image = mean + (image - mean) * (1 + self.contrast * changes[:, 1])
        return batch | {"image": image.clamp(0, 1)}


class ExposureJitter:
    """Make each sample darker or brighter by any factor and bend its grey values, as other exposures and cameras do.

    For fluorescence, where the same nuclei fill the range of one file and a tenth of it in another.

    Args:
        gain: range of the factor; its logarithm is uniform.
        gamma: range of the exponent that comes after it; its logarithm is uniform.

    Raises:
        ValueError: a range does not consist of positive numbers in order.
    """

    def __init__(self, gain: Sequence[float] = (0.25, 2.0), gamma: Sequence[float] = (0.6, 1.6)) -> None:
        for name, (low, high) in (("gain", gain), ("gamma", gamma)):
            if not 0 < low <= high:
                raise ValueError(f"{name} is {[low, high]}: give the smallest and the largest value, both above 0")
        self.gain, self.gamma = tuple(map(math.log, gain)), tuple(map(math.log, gamma))

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with its image changed."""
        image = batch["image"]
        drawn = draw_uniform(generators, (2, 1, 1, 1), 0, 1, image.device)  # (B, 2, 1, 1, 1)
        gain, gamma = (
            torch.exp(low + (high - low) * drawn[:, index]) for index, (low, high) in enumerate((self.gain, self.gamma))
        )
        return batch | {"image": (image * gain).clamp(0, 1) ** gamma}


class ColourJitter:
    """Brightness and contrast as `IntensityJitter`, then saturation and hue; RGB only.

    Args:
        brightness: largest relative change of brightness.
        contrast: largest relative change of contrast.
        saturation: largest relative change of saturation; luma stays.
        hue: largest turn of the hue, as a part of the colour circle; luma stays.
    """

    def __init__(
        self, brightness: float = 0.15, contrast: float = 0.2, saturation: float = 0.25, hue: float = 0.04
    ) -> None:
        self.intensity = IntensityJitter(brightness, contrast)
        self.saturation, self.hue = saturation, hue

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with its image changed."""
        check_rgb(batch["image"], self)
        batch = self.intensity(batch, generators)
        image = batch["image"]
        changes = draw_uniform(generators, (2,), -1, 1, image.device)  # (B, 2)
        matrix = self._matrix(1 + self.saturation * changes[:, 0], 2 * math.pi * self.hue * changes[:, 1])
        return batch | {"image": mix_channels(image, matrix).clamp(0, 1)}

    @staticmethod
    def _matrix(saturation: Tensor, angle: Tensor) -> Tensor:
        """RGB to RGB, (B, 3, 3): scale and turn the two colour axes of YIQ by factors and angles (B,)."""
        to_yiq, from_yiq = colour_axes(angle.device)
        turn = torch.zeros(len(angle), 3, 3, device=angle.device)
        turn[:, 0, 0] = 1
        turn[:, 1, 1] = turn[:, 2, 2] = saturation * torch.cos(angle)
        turn[:, 1, 2], turn[:, 2, 1] = -saturation * torch.sin(angle), saturation * torch.sin(angle)
        return from_yiq @ turn @ to_yiq


class StainJitter:
    """Vary the amount of haematoxylin and eosin in each pixel's optical density; RGB only.

    Beer-Lambert, stain vectors of Ruifrok and Johnston 2001, perturbation of Tellez et al. 2018: each stain's
    concentration c becomes alpha c + beta; what the two stains do not explain stays.

    Args:
        strength: alpha is drawn from [1 - strength, 1 + strength) for each stain.
        offset: beta is drawn from [-offset, offset) for each stain, optical density.
    """

    def __init__(self, strength: float = 0.2, offset: float = 0.02) -> None:
        self.strength, self.offset = strength, offset

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with its image changed."""
        image = batch["image"]
        check_rgb(image, self)
        stains, from_density = stain_vectors(image.device)
        density = -torch.log(image.clamp(min=1 / 255))  # (B, 3, H, W)
        amounts = torch.einsum("bchw,cs->bshw", density, from_density)
        changes = draw_uniform(generators, (2, 2, 1, 1), -1, 1, image.device)  # (B, alpha or beta, stain, 1, 1)
        varied = amounts[:, :2] * (1 + self.strength * changes[:, 0]) + self.offset * changes[:, 1]
        amounts = torch.cat([varied, amounts[:, 2:]], dim=1)
        return batch | {"image": torch.exp(-torch.einsum("bshw,sc->bchw", amounts, stains)).clamp(0, 1)}


class GaussianBlur:
    """Blur a part of the samples, each by its own Gaussian.

    Args:
        sigma: range of the standard deviation, px.
        probability: of blurring a sample at all.
    """

    def __init__(self, sigma: Sequence[float] = (0.3, 1.2), probability: float = 0.5) -> None:
        self.low, self.high = float(sigma[0]), float(sigma[1])
        self.probability = probability

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with its image blurred."""
        image = batch["image"]
        drawn = draw_uniform(generators, (2,), 0, 1, image.device)  # (B, 2)
        sigma = torch.where(drawn[:, 0] < self.probability, self.low + (self.high - self.low) * drawn[:, 1], 0.0)
        return batch | {"image": blur_each(image, sigma, self.high)}


def blur_each(image: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Blur each sample by its own Gaussian, borders reflected.

    Args:
        image: (B, C, H, W).
        sigma: (B,), standard deviations in px; 0 leaves a sample as it is.
        largest: none of them is larger; known without asking the device.
    """
    radius = min(math.ceil(3 * largest), min(image.shape[-2:]) - 1)  # px; reflection needs a larger image
    offsets = torch.arange(-radius, radius + 1, device=image.device)
    kernels = torch.exp(-0.5 * (offsets / sigma.clamp(min=1e-2).unsqueeze(1)).square())  # (B, 2 radius + 1)
    return _filter_each(image, kernels / kernels.sum(dim=1, keepdim=True))


def _filter_each(image: Tensor, kernels: Tensor) -> Tensor:
    """Convolve the rows and columns of sample b of (B, C, H, W) with kernel b of (B, K)."""
    batch, channels, height, width = image.shape
    radius = kernels.shape[1] // 2
    kernels = kernels.repeat_interleave(channels, dim=0)  # (B C, K)
    rows = functional.pad(image, [radius] * 4, mode="reflect")
    rows = rows.reshape(1, batch * channels, height + 2 * radius, -1)
    rows = functional.conv2d(rows, kernels[:, None, None, :], groups=batch * channels)
    both = functional.conv2d(rows, kernels[:, None, :, None], groups=batch * channels)
    return both.view(batch, channels, height, width)


class GaussianNoise:
    """Add independent noise to every value of the image.

    Args:
        sigma: range of the standard deviation, drawn per sample.
    """

    def __init__(self, sigma: Sequence[float] = (0.0, 0.03)) -> None:
        self.low, self.high = float(sigma[0]), float(sigma[1])

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with noise on its image."""
        image = batch["image"]
        sigma = draw_uniform(generators, (1, 1, 1), self.low, self.high, image.device)  # (B, 1, 1, 1)
        noise = draw_normal(generators, image.shape[1:], image.device)  # (B, C, H, W)
        return batch | {"image": (image + sigma * noise).clamp(0, 1)}
