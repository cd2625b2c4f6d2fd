# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Several processes, one training: each computes its share of every batch, and gradients are averaged (PyTorch DDP).

Losses are means over crops, and whatever is drawn is drawn by a crop's place in the whole batch. So N processes with
B / N crops each do what one process with B crops does, but for the order in which floats are summed. That holds for
networks without statistics over the batch, as all of ours are by default; batch norm would see a process's own crops.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import cast

import ignite.distributed as idist
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def local_device() -> torch.device:
    """The device of this process: a GPU of its own where there are GPUs, else the CPU.

    Raises:
        ValueError: when torchrun has started more processes than there are GPUs.
    """
    gpus, processes = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if not gpus:
        return torch.device("cpu")
    if processes > gpus:
        raise ValueError(f"{processes} processes for {gpus} GPUs: start torchrun with --nproc_per_node={gpus}")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))


def join_processes(device: torch.device, timeout: float) -> None:
    """Meet the other processes of this run: nccl between GPUs, gloo between CPUs.

    From here on all but the first process log errors alone.

    Args:
        device: this process's.
        timeout: s that a process waits for another one that is alive before it gives up.

    Raises:
        ValueError: when this process was not started by torchrun.
    """
    if "LOCAL_RANK" not in os.environ:
        raise ValueError(
            "this configuration is for several processes: start it with torchrun --standalone --nproc_per_node=N"
            " -m monai.bundle run, or leave multi_gpu_synthesis.yaml out"
        )
    idist.initialize("nccl" if device.type == "cuda" else "gloo", timeout=timedelta(seconds=timeout))
    if not is_first_process():
        logging.getLogger().setLevel(logging.ERROR)


def leave_processes() -> None:
    """The end of what `join_processes` began."""
    idist.finalize()


def is_first_process() -> bool:
    """Whether this process is the one that tells and writes; a process alone is."""
    return idist.get_rank() == 0


def share_of(batch_size: int, name: str) -> int:
    """Crops of a batch that fall to each process.

    Args:
        batch_size: crops in the whole batch.
        name: what the configuration calls it.

    Raises:
        ValueError: when it cannot be divided evenly.
    """
    processes = idist.get_world_size()
    if batch_size % processes:
        raise ValueError(
            f"{name} is {batch_size}, the whole batch, and {processes} processes cannot share it evenly: set it to a"
            f" multiple of {processes}, or start another number of processes (torchrun --nproc_per_node)"
        )
    return batch_size // processes


def replicate(network: nn.Module) -> nn.Module:
    """A network as an update calls it: itself in a process alone, else wrapped so that its gradients are averaged.

    All its parameters must learn in every update, or none. The wrapper may be called several times before one
    `backward`, and shares weights and buffers with the network, which stays what is saved, and what is called where its
    parameters are not to learn. Buffers are not sent around: those of spectral norm follow from the weights, which are
    alike.
    """
    if idist.get_world_size() == 1 or not any(parameter.requires_grad for parameter in network.parameters()):
        return network
    return DistributedDataParallel(network, forward_sync_buffers=False)


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of what every process holds, which all must call with the same shape."""
    return cast(Tensor, idist.all_reduce(values.clone())) / idist.get_world_size()


def first_decides(number: float) -> float:
    """The first process's number, an integer below 2^24 or a truth value, which all must ask for."""
    return cast(float, idist.broadcast(float(number)))
