# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The one way from the CPU to the training device inside a training loop: the CPU does not wait for the device."""

from __future__ import annotations

import torch


def to_device(tensor: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """A tensor on the device; to a GPU the copy is queued behind the work that is there, and the CPU goes on.

    Args:
        tensor: on the CPU, or already on the device, which then is a mere return.
        device: where the tensor is to lie.
    """
    device = torch.device(device)
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.contiguous().pin_memory().to(device, non_blocking=True)  # from other memory it would wait
    return tensor.to(device)
