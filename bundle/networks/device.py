# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where a run computes and in which precision: asked for once, checked before any work starts."""

from __future__ import annotations

import torch
from torch import Tensor

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(name: str | torch.device) -> torch.device:
    """The device that a configuration names, if this machine has it.

    Args:
        name: "auto" (a GPU where there is one, else the CPU) or a torch name such as "cpu", "cuda" or "cuda:1".

    Raises:
        ValueError: for a GPU that is not there, or a name that torch does not know.
    """
    if str(name) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device is '{name}', which torch does not know: choose auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device is '{name}', but torch {torch.__version__} finds {torch.cuda.device_count()} CUDA GPUs here:"
            " choose device auto or cpu, or mend the driver or the torch build (python -m torch.utils.collect_env)"
        )
    return device


def describe_device(device: torch.device) -> str:
    """One line for logs: the GPU's name and memory, or the number of CPU threads."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{device} ({properties.name}, {properties.total_memory / 2**30:.0f} GiB)"
    return f"{device} ({torch.get_num_threads()} threads)"


class Precision:
    """Mixed precision on any device: forward passes in `autocast`, updates by `update`.

    monai's `amp=True` knows CUDA only. bfloat16 needs no loss scaling; float16 scales, and skips an update whose
    gradients overflow. Parameters and losses stay float32.

    Args:
        device: where the networks are.
        name: "float32" (no mixed precision), "bfloat16" (CPU and GPU) or "float16" (CUDA only).

    Raises:
        ValueError: for another name, or float16 away from CUDA.
    """

    def __init__(self, device: torch.device, name: str = "float32") -> None:
        if name not in PRECISIONS:
            raise ValueError(f"precision is '{name}': choose one of {', '.join(PRECISIONS)}")
        if name == "float16" and device.type != "cuda":
            raise ValueError(f"precision is float16, which needs a CUDA GPU, but device is '{device}': choose bfloat16")
        self.device, self.name, self.dtype = device, name, PRECISIONS[name]
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "float16")

    def autocast(self) -> torch.autocast:
        """A context for forward passes."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32)

    def update(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """One update: clear the optimizer's gradients, run the loss backward, step."""
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(optimizer)
        self.scaler.update()
