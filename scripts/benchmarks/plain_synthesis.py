# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The yardstick of the synthesis benchmark: the same update, as such loops are commonly written.

One sample after the other, by MONAI's transforms in a DataLoader; every network called for itself; float32 in torch's
usual layout; Adam as it comes; losses read at every update. Networks, losses and sizes are those of the other side.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from bundle.data.training_images import EllipseTrainingImage
from bundle.losses.adversarial import LeastSquares
from bundle.networks.parts import activate_hover_map
from bundle.networks.spade import SPADE
from monai.transforms import Compose, ComputeHoVerMapsd, RandFlipd, RandSpatialCropd, ToTensord
from skimage.draw import disk, ellipse
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset


class Samples(Dataset[dict[str, Any]]):
    """Random crops of images in memory; ellipses are drawn one by one, around all points of the image."""

    def __init__(self, training_images: Sequence[EllipseTrainingImage], crop_size: Sequence[int], samples: int) -> None:
        self.training_images, self.samples = list(training_images), samples
        keys = ["image", "label", "point_map"]
        self.transform = Compose(
            [
                RandSpatialCropd(keys, roi_size=list(crop_size), random_size=False),
                RandFlipd(keys, prob=0.5, spatial_axis=0),
                RandFlipd(keys, prob=0.5, spatial_axis=1),
                ComputeHoVerMapsd(["label"], new_key_prefix="offsets_"),
                ToTensord([*keys, "offsets_label"]),
            ]
        )

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> dict[str, Any]:
        training_image = self.training_images[int(np.random.randint(len(self.training_images)))]
        label, point_map = (
            np.zeros((1, *training_image.size), np.int32),
            np.zeros((1, *training_image.size), np.float32),
        )
        for number, (x, y, major, minor, angle) in enumerate(
            training_image.sampler(training_image.points).tolist(), start=1
        ):
            label[(0, *ellipse(y, x, minor, major, shape=training_image.size, rotation=-angle))] = number
            point_map[(0, *disk((y, x), training_image.point_radius + 0.5, shape=training_image.size))] = 1
        sample: Any = self.transform({"image": training_image.image.numpy(), "label": label, "point_map": point_map})
        hover_map = torch.cat([sample["offsets_label"], (sample["label"] > 0).float()])  # (3, h, w)
        return {"image": sample["image"], "hover_map": hover_map, "point_map": sample["point_map"]}


def plain_spade(self: SPADE, features: Tensor, condition: Tensor) -> Tensor:
    """SPADE with torch's own instance norm."""
    scale, shift = self.modulation(functional.relu(self.shared(condition))).chunk(2, dim=1)
    return functional.instance_norm(features) * (1 + scale) + shift


class PlainLoop:
    """The plain update.

    Args:
        networks: G, F, D_X and D_S; put into torch's usual layout.
        objective: as the trainer takes it.
        loader: of batches, without end.
        device: where it trains.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        objective: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
        loader: Iterator[dict[str, Tensor]],
        device: torch.device,
    ) -> None:
        for network in networks:
            network.to(device, memory_format=torch.contiguous_format).train()  # type: ignore[call-overload]
        self.generator, self.segmenter, *self.judges = networks
        for module in self.generator.modules():
            if isinstance(module, SPADE):
                module.forward = types.MethodType(plain_spade, module)  # type: ignore[method-assign]
        self.objective, self.loader, self.device = objective, loader, device
        halves = (self.generator, self.segmenter), self.judges
        self.optimizers = [
            torch.optim.Adam(chain(*(network.parameters() for network in half)), 2e-4, betas=(0.5, 0.999))
            for half in halves
        ]

    def update(self) -> dict[str, float]:
        """One update; the losses."""
        batch = {name: tensor.to(self.device) for name, tensor in next(self.loader).items()}
        made = self._translate(batch)
        for judge in self.judges:
            judge.requires_grad_(False)
        made["image_scores"] = self.judges[0](made["synthetic_image"])
        made["map_scores"] = self.judges[1](activate_hover_map(made["predicted_map"]))
        terms = self.objective({**batch, **made})
        self._step(self.optimizers[0], terms["total"])
        for judge in self.judges:
            judge.requires_grad_(True)
        pairs = (
            (self.judges[0], batch["image"], made["synthetic_image"]),
            (self.judges[1], batch["hover_map"], activate_hover_map(made["predicted_map"])),
        )
        judged = torch.stack(
            [LeastSquares().discriminator(judge(real), judge(fake.detach())) for judge, real, fake in pairs]
        )
        self._step(self.optimizers[1], judged.sum())
        return {name: term.item() for name, term in terms.items()} | {"discriminators": judged.sum().item()}

    def _translate(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        synthetic_image = self.generator(batch["hover_map"])
        predicted_map = self.segmenter(batch["image"])
        return {
            "synthetic_image": synthetic_image,
            "predicted_map": predicted_map,
            "recovered_map": self.segmenter(synthetic_image),
            "recovered_image": self.generator(activate_hover_map(predicted_map)),
        }

    @staticmethod
    def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def endless(loader: DataLoader[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Batches of a loader, again and again."""
    while True:
        yield from loader
