# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Devices and precisions: what is there, and clear words for what is not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bundle.networks.device import Precision, describe_device, resolve_device

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="speaks of machines without a GPU")


def test_devices_that_are_there():
    assert resolve_device("cpu") == torch.device("cpu") == resolve_device(torch.device("cpu"))
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert describe_device(torch.device("cpu")) == "cpu (1 threads)"


@no_gpu
@pytest.mark.parametrize("name", ["cuda", "cuda:0", torch.device("cuda", 1)])
def test_a_gpu_asked_for_and_absent(name):
    with pytest.raises(
        ValueError, match=rf"device is '{name}', but torch .* finds 0 CUDA GPUs here: choose device auto"
    ):
        resolve_device(name)


def test_a_device_that_torch_does_not_know():
    with pytest.raises(ValueError, match="device is 'gpu', which torch does not know: choose auto"):
        resolve_device("gpu")


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_autocast_computes_in_the_named_precision(name, dtype):
    precision = Precision(torch.device("cpu"), name)
    with precision.autocast():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


def test_an_update_clears_old_gradients_and_steps():
    weight = nn.Parameter(torch.tensor([3.0]))
    weight.grad = torch.tensor([100.0])
    optimizer = torch.optim.SGD([weight], lr=0.5)
    Precision(torch.device("cpu")).update((weight**2).sum(), optimizer)
    assert weight.item() == 0  # 3 - 0.5 * 2 * 3


def test_precisions_that_are_not_there():
    with pytest.raises(ValueError, match="precision is 'half': choose one of float32, bfloat16, float16"):
        Precision(torch.device("cpu"), "half")
    with pytest.raises(ValueError, match="float16, which needs a CUDA GPU, but device is 'cpu': choose bfloat16"):
        Precision(torch.device("cpu"), "float16")


def test_loss_scaling_skips_an_update_that_overflows_and_keeps_the_others_exact():
    weight = nn.Parameter(torch.tensor([3.0]))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    precision = Precision(torch.device("cpu"))
    precision.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)  # what float16 has on a GPU
    precision.update((weight * float("inf")).sum(), optimizer)
    assert weight.item() == 3 and precision.scaler.get_scale() == 2**9
    precision.update((weight**2).sum(), optimizer)
    assert weight.item() == 0
