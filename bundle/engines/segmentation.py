# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training of an image-to-hover-map network (N, or F in a warm start) on batches of images and hover maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine
from monai.networks.utils import eval_mode
from torch import Tensor, nn

from ..networks.device import AUTO
from ..networks.parts import activate_hover_map
from .base import ResumableTrainer, Stream


class SegmentationTrainer(ResumableTrainer):
    """Supervised training: one update per batch, the loss being the sum of the named terms.

    Batches hold image float (B, C, H, W) in [0, 1], hover_map float (B, 3, H, W) and, where pixels do not count alike,
    weight float (B, 1, H, W). METHOD sections 5 and 6; learning rates and frozen parts are a schedule's handler's work.

    Args:
        device: "auto", "cpu", "cuda", "cuda:N".
        max_epochs: epochs in all; an epoch is the stream's length.
        train_data_loader: the stream of batches.
        network: (B, C, H, W) to (B, 3, H, W): tanh h, tanh v, logit of m; on the device.
        optimizer: over the network's parameters, all of them, also those that a phase freezes.
        loss_function: (prediction, hover_map, weight or None) to scalars by name, as `HoverLoss`.
        precision: "auto", "float32", "bfloat16" or "float16" (CUDA only).
        log_every: updates between two readings of the losses.
        train_handlers: attached in order; a resuming one comes first, a saving one last.
    """

    def __init__(
        self,
        device: str | torch.device,
        max_epochs: int,
        train_data_loader: Stream,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss_function: Callable[[Tensor, Tensor, Tensor | None], Mapping[str, Tensor]],
        precision: str = AUTO,
        log_every: int = 20,
        train_handlers: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(
            device,
            max_epochs,
            train_data_loader,
            networks={"network": network},
            stateful={"optimizer": optimizer},
            precision=precision,
            log_every=log_every,
        )
        self.network, self.optimizer, self.loss_function = network, optimizer, loss_function
        self.attach_handlers(train_handlers)

    def _iteration(self, engine: Engine, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        with self.precision.autocast():
            prediction = self.replicas["network"](batch["image"])  # (B, 3, H, W)
        terms = dict(self.loss_function(prediction.float(), batch["hover_map"], batch.get("weight")))
        total = torch.stack(list(terms.values())).sum()
        self.precision.update(total, self.optimizer)
        return {name: term.detach() for name, term in {**terms, "total": total}.items()}

    def sample_images(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What to look at while it trains: image (B, C, H, W), true and predicted hover map (B, 3, H, W)."""
        with eval_mode(self.network), self.precision.autocast():
            predicted = activate_hover_map(self.network(batch["image"]).float())
        return {"image": batch["image"], "hover_map": batch["hover_map"], "predicted_map": predicted}
