# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1: the cycle between real images and drawn masks, G and F against D_X and D_S (paper, section 2).

monai's GanTrainer and AdversarialTrainer have one generator and one discriminator; this one has two of each, the image
pools, and noise that depends on the update and the image alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, cast

import ignite.distributed as idist
import torch
from ignite.engine import Engine
from monai.networks.utils import eval_mode
from torch import Tensor, nn
from transforms.random_streams import generator as counter_based

from ..losses.adversarial import LeastSquares
from ..networks.device import AUTO
from ..networks.noise import Noise3D
from ..networks.parts import activate_hover_map
from .base import ResumableTrainer, Stream
from .pool import ImagePool, NoPool

NOISE, POOLS, SAMPLES = 1, 2, 3  # last keys of the draws, so that none equals a draw of the stream's (never 0)


class CycleTrainer(ResumableTrainer):
    """One update: G and F together against frozen discriminators, then D_X and D_S on pooled fakes.

    Batches hold image x float (B, C, H, W) in [0, 1] and hover_map s float (B, 3, H, W), what else the objective reads
    (point_map, style) and, where labels of the images are known, their known_map float (B, 3, H, W). All networks lie
    on the device. METHOD sections 4 to 6.

    Args:
        device: "auto", "cpu", "cuda", "cuda:N".
        max_epochs: epochs in all; an epoch is the stream's length.
        train_data_loader: the stream of batches.
        generator: G, (hover map, noise) to image; its `noise` draws the noise.
        segmenter: F, image to tanh h, tanh v, logit of m.
        image_discriminator: D_X, image to scores.
        mask_discriminator: D_S, hover map with m in [0, 1] to scores; None: there is none.
        objective: tensors of one update by name (those of `losses.synthesis`) to scalars by name, one being "total".
        generator_optimizer: over G and F.
        discriminator_optimizer: over D_X and D_S.
        discriminator_loss: (scores of real, scores of fake) to a scalar; None: least squares.
        image_pool: earlier G(s) for D_X; None: 50 of them.
        mask_pool: earlier F(x) for D_S; None: 50 of them.
        precision: "auto", "float32", "bfloat16" or "float16" (CUDA only).
        seed: of the noise and the pools; may equal the stream's.
        log_every: updates between two readings of the losses.
        train_handlers: attached in order; a resuming one comes first, a saving one last.
    """

    def __init__(
        self,
        device: str | torch.device,
        max_epochs: int,
        train_data_loader: Stream,
        generator: nn.Module,
        segmenter: nn.Module,
        image_discriminator: nn.Module,
        mask_discriminator: nn.Module,
        objective: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
        generator_optimizer: torch.optim.Optimizer,
        discriminator_optimizer: torch.optim.Optimizer,
        discriminator_loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        image_pool: ImagePool | NoPool | None = None,
        mask_pool: ImagePool | NoPool | None = None,
        precision: str = AUTO,
        seed: int = 0,
        log_every: int = 20,
        train_handlers: Sequence[Any] | None = None,
    ) -> None:
        self.generator, self.noise, self.segmenter = generator, cast(Noise3D, generator.noise), segmenter
        self.image_discriminator, self.mask_discriminator = image_discriminator, mask_discriminator
        self.objective, self.discriminator_loss = objective, discriminator_loss or LeastSquares().discriminator
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.image_pool, self.mask_pool = image_pool or ImagePool(), mask_pool or ImagePool()
        self.seed = seed
        super().__init__(
            device,
            max_epochs,
            train_data_loader,
            networks={
                "generator": generator,
                "segmenter": segmenter,
                "image_discriminator": image_discriminator,
                "mask_discriminator": mask_discriminator,
            },
            stateful={
                "generator_optimizer": generator_optimizer,
                "discriminator_optimizer": discriminator_optimizer,
                "image_pool": self.image_pool,
                "mask_pool": self.mask_pool,
            },
            precision=precision,
            log_every=log_every,
        )
        self.attach_handlers(train_handlers)

    def _iteration(self, engine: Engine, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        step = engine.state.iteration - 1
        self._train_discriminators(False)
        with self.precision.autocast():
            update = self._translate(batch, self._generators(len(batch["image"]), step, NOISE))
        terms = dict(self.objective(update))
        self.precision.update(terms["total"], self.generator_optimizer)

        self._train_discriminators(True)
        judged = self._judge(update, self._generators(len(batch["image"]), step, POOLS, "cpu"))
        self.precision.update(torch.stack(list(judged.values())).sum(), self.discriminator_optimizer)
        return {name: term.detach() for name, term in {**terms, **judged}.items()}

    def _translate(self, batch: Mapping[str, Tensor], generators: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """Both directions, once each way and back, and what the discriminators think of it; float32."""
        image, hover_map = batch["image"], batch["hover_map"]
        generator, segmenter = self.replicas["generator"], self.replicas["segmenter"]
        predicted_map = segmenter(image)  # (B, 3, H, W)
        read_map = activate_hover_map(predicted_map.float())
        maps = [hover_map, read_map, *([batch["known_map"]] if "known_map" in batch else [])]  # (B, 3, H, W) each
        noise = torch.cat([self._draw(batch, generators) for _ in maps])
        painted = generator(torch.cat(maps), noise).chunk(len(maps))  # G(s), G(F(x)) and, of known labels y, G(y)
        synthetic_image, recovered_image = painted[:2]
        made = {
            "synthetic_image": synthetic_image,
            "predicted_map": predicted_map,
            "recovered_map": segmenter(synthetic_image),
            "recovered_image": recovered_image,
            "image_scores": self.image_discriminator(synthetic_image),
            "map_scores": self.mask_discriminator(read_map),
            **dict(zip(["rebuilt_image"], painted[2:], strict=False)),
        }
        return {**batch, **{name: tensor.float() for name, tensor in made.items()}}

    def _judge(self, update: Mapping[str, Tensor], generators: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """The discriminators' losses on real and pooled tensors."""
        fake_image = self.image_pool(update["synthetic_image"], generators)
        fake_map = self.mask_pool(activate_hover_map(update["predicted_map"]), generators)
        pairs = {
            "discriminator_image": (self.replicas["image_discriminator"], update["image"], fake_image),
            "discriminator_mask": (self.replicas["mask_discriminator"], update["hover_map"], fake_map),
        }
        losses = {}
        for name, (discriminator, real, fake) in pairs.items():
            with self.precision.autocast():
                of_real, of_fake = discriminator(torch.cat([real, fake])).float().chunk(2)
            losses[name] = self.discriminator_loss(of_real, of_fake)
        return losses

    def _train_discriminators(self, trained: bool) -> None:
        for parameter in chain(self.image_discriminator.parameters(), self.mask_discriminator.parameters()):
            parameter.requires_grad_(trained)

    def _generators(
        self, batch: int, step: int, purpose: int, device: torch.device | str | None = None
    ) -> list[torch.Generator]:
        """One per image, by its index in the global batch; on the training device unless another is given."""
        first, device = idist.get_rank() * batch, device or self.state.device
        return [counter_based(self.seed, step, first + i, purpose, device=device) for i in range(batch)]

    @staticmethod
    def condition(hover_map: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """What G is fed: hover maps (B, 3, H, W), with the tissue around them where the batch has it."""
        return torch.cat([hover_map, batch["tissue"]], 1) if "tissue" in batch else hover_map

    def _draw(self, batch: Mapping[str, Tensor], generators: Sequence[torch.Generator]) -> Tensor:
        """The next noise of each image, with its style where the batch says it: (B, noise channels, H, W)."""
        size = batch["image"].shape[2:]
        return self.noise.sample(len(generators), size, generators, self.state.device, batch.get("style"))

    def sample_images(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What to look at while it trains, each (B, C or 3, H, W): the same noise every time."""
        with eval_mode(*self.networks.values()), self.precision.autocast():
            update = self._translate(batch, self._generators(len(batch["image"]), 0, SAMPLES))
        return {
            "hover_map": update["hover_map"],
            "synthetic_image": update["synthetic_image"],
            "recovered_map": activate_hover_map(update["recovered_map"]),
            "image": update["image"],
            "predicted_map": activate_hover_map(update["predicted_map"]),
            "recovered_image": update["recovered_image"],
        }
