# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where a run computes and in which precision: asked for once, checked before any work starts."""

from __future__ import annotations

import functools
import logging
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d

logger = logging.getLogger(__name__)

AUTO = "auto"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
CAPPED = {"AVX512_CORE", "AVX512_CORE_VNNI"}  # limits of oneDNN's instruction sets under which bfloat16 is emulated


def resolve_device(name: str | torch.device) -> torch.device:
    """The device that a configuration names, if this machine has it.

    Args:
        name: "auto" (a GPU where there is one, else the CPU) or a torch name such as "cpu", "cuda" or "cuda:1".

    Raises:
        ValueError: for a GPU that is not there, or a name that torch does not know.
    """
    name = str(name)
    if name == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device is {name!r}, which torch does not know: choose auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device is {name!r}, but torch {torch.__version__} finds {torch.cuda.device_count()} CUDA GPUs here:"
            " choose device auto or cpu, or mend the driver or the torch build (python -m torch.utils.collect_env)"
        )
    return device


def describe_device(device: torch.device) -> str:
    """One line for logs: the GPU's name and memory, or the number of CPU threads."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{device} ({properties.name}, {properties.total_memory / 2**30:.0f} GiB)"
    return f"{device} ({torch.get_num_threads()} threads)"


def require_device(name: str | torch.device) -> None:
    """First step of a configuration: end the process with one line where the device is not there.

    An error would leave the configuration's parser as a traceback over three others.

    Raises:
        SystemExit: with the message of `resolve_device`.
    """
    try:
        resolve_device(name)
    except ValueError as error:
        sys.exit(f"error: {error}")


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; without them it is emulated, several times as slow as float32.

    A matter of the hardware and of oneDNN's settings alone, so that a resumed run finds the same.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and _cpu_computes_bfloat16()


def _cpu_computes_bfloat16() -> bool:
    """oneDNN also accepts bfloat16 where it emulates it with AVX-512, so an x86 processor is asked for instructions."""
    if not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    return torch.cpu._is_avx512_bf16_supported() and limit.upper() not in CAPPED


@dataclass(frozen=True)
class PrecisionChoice:
    """The precision of a run, and why.

    Args:
        name: a key of `PRECISIONS`.
        why: what a reader of the log should know.
    """

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def choose_precision(device: torch.device, name: str = AUTO) -> PrecisionChoice:
    """The precision that a configuration names, on this device; nothing else decides it.

    Args:
        device: where the networks will be.
        name: "auto" (bfloat16 where the device has instructions for it, else float32), "float32", "bfloat16", or
            "float16" (CUDA only).

    Raises:
        ValueError: for another name, or float16 away from CUDA.
    """
    if name not in (AUTO, *PRECISIONS):
        raise ValueError(f"precision is {name!r}: choose one of {', '.join((AUTO, *PRECISIONS))}")
    if name == "float16" and device.type != "cuda":
        raise ValueError(
            f"precision is float16, which needs a CUDA GPU, but device is {str(device)!r}: choose auto, bfloat16 or"
            " float32"
        )
    native, kind = computes_bfloat16(device), {"cuda": "GPU", "cpu": "CPU"}.get(device.type, "device")
    if name == AUTO:
        chosen, has = ("bfloat16", "has") if native else ("float32", "does not have")
        return PrecisionChoice(chosen, f"auto: this {kind} {has} instructions for bfloat16")
    if name == "bfloat16" and not native and device.type in ("cpu", "cuda"):
        return PrecisionChoice(name, _warn_of_emulation(device, kind))
    return PrecisionChoice(name, "as asked")


@functools.cache
def _warn_of_emulation(device: torch.device, kind: str) -> str:
    """Warn once per process; the same in words for logs."""
    factor = emulation_factor(device)
    logger.warning(
        "precision bfloat16 is emulated on this %s, which does not have instructions for it: a convolution takes %.1f"
        " times as long as in float32 (measured now); leave precision at auto, or choose float32",
        *(kind, factor),
    )
    return f"as asked; emulated on this {kind}, {factor:.1f} times as slow as float32"


def emulation_factor(device: torch.device, repeats: int = 3) -> float:
    """Seconds of a convolution's forward and backward pass in bfloat16 over those in float32, measured in turn.

    No random number is drawn. The best of some repeats counts, so that other work on the machine matters little.
    """
    image = torch.ones(4, 16, 64, 64, device=device).contiguous(memory_format=torch.channels_last)
    weight = torch.ones(16, 16, 3, 3, device=device, requires_grad=True)

    def seconds(dtype: torch.dtype) -> float:
        started = time.perf_counter()
        with torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32):
            seen = conv2d(image, weight, padding=1)
        seen.float().sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    times = [(seconds(torch.bfloat16), seconds(torch.float32)) for _ in range(repeats + 1)][1:]  # the first warms up
    emulated, whole = (min(column) for column in zip(*times, strict=True))
    return emulated / whole


class Precision:
    """Mixed precision on any device: forward passes in `autocast`, updates by `update`.

    monai's `amp=True` knows CUDA only. bfloat16 needs no loss scaling; float16 scales, and skips an update whose
    gradients overflow. Parameters and losses stay float32.

    Args:
        device: where the networks are.
        name: as `choose_precision` takes it; "float32" is no mixed precision.

    Raises:
        ValueError: as `choose_precision`.
    """

    def __init__(self, device: torch.device, name: str = AUTO) -> None:
        self.device, self.choice = device, choose_precision(device, name)
        self.name, self.dtype = self.choice.name, PRECISIONS[self.choice.name]
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.name == "float16")

    def state_dict(self) -> dict[str, Any]:
        """What belongs into a checkpoint: the precision's name and the scaler's state."""
        return {"precision": self.name, **self.scaler.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint; one of another precision is taken with a warning."""
        before = state.get("precision", self.name)  # not in checkpoints of earlier versions
        if before != self.name:
            logger.warning("the checkpoint was trained in %s; from here on in %s", before, self.choice)
        elif self.scaler.is_enabled():
            self.scaler.load_state_dict(dict(state))

    def autocast(self) -> torch.autocast:
        """A context for forward passes."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32)

    def update(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """One update: clear the optimizer's gradients, run the loss backward, step."""
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(optimizer)
        self.scaler.update()
