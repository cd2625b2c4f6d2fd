# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Uploads arrive as they left, and on a GPU nobody waits for them."""

from __future__ import annotations

import pytest
import torch

from transforms.to_device import to_device


def test_a_tensor_that_is_there_stays_what_it_is():
    tensor = torch.arange(3)
    assert to_device(tensor, "cpu") is tensor


@pytest.mark.parametrize("tensor", [torch.arange(6).view(2, 3), torch.rand(4, 5).T, torch.zeros(0, 3)])
def test_shape_and_type_are_kept(tensor):
    found = to_device(tensor, torch.device("meta"))
    assert found.is_meta and found.shape == tensor.shape and found.dtype == tensor.dtype


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("tensor", [torch.arange(6).view(2, 3), torch.rand(4, 5).T, torch.zeros(0, 3)])
def test_nobody_waits_for_a_gpu(tensor):
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = to_device(tensor, "cuda")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(found.cpu(), tensor)
