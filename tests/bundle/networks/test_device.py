# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Devices and precisions: what is there, and clear words for what is not."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from bundle.networks import device as device_module
from bundle.networks.device import (
    Precision,
    choose_precision,
    computes_bfloat16,
    describe_device,
    emulation_factor,
    require_device,
    resolve_device,
)

CPU = torch.device("cpu")

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
    with pytest.raises(ValueError, match="precision is 'half': choose one of auto, float32, bfloat16, float16"):
        Precision(torch.device("cpu"), "half")
    with pytest.raises(ValueError, match="needs a CUDA GPU, but device is 'cpu': choose auto, bfloat16 or float32"):
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


@no_gpu
def test_a_configuration_ends_with_one_line_where_its_gpu_is_absent():
    require_device("cpu")
    with pytest.raises(SystemExit, match=r"^error: device is 'cuda', but torch .* finds 0 CUDA GPUs here"):
        require_device("cuda")


class Processor:
    """A CPU as oneDNN and cpuid describe it."""

    def __init__(self, monkeypatch, accepted, instructions, machine="x86_64", limit=""):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: accepted, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
        monkeypatch.setattr(device_module.platform, "machine", lambda: machine)
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)


@pytest.mark.parametrize(
    ("processor", "chosen"),
    [
        ({"accepted": True, "instructions": True}, "bfloat16"),
        ({"accepted": True, "instructions": False}, "float32"),  # AVX-512 alone: oneDNN accepts it, and emulates
        ({"accepted": False, "instructions": True}, "float32"),  # oneDNN is told to do without
        ({"accepted": True, "instructions": True, "limit": "avx512_core_vnni"}, "float32"),
        ({"accepted": True, "instructions": True, "limit": "AVX512_CORE_AMX"}, "bfloat16"),
        ({"accepted": True, "instructions": False, "machine": "aarch64"}, "bfloat16"),
        ({"accepted": False, "instructions": False, "machine": "aarch64"}, "float32"),
    ],
)
def test_auto_is_bfloat16_where_there_are_instructions_for_it(monkeypatch, processor, chosen):
    Processor(monkeypatch, **processor)
    choice = choose_precision(CPU, "auto")
    has = "has" if chosen == "bfloat16" else "does not have"
    assert str(choice) == f"{chosen} (auto: this CPU {has} instructions for bfloat16)"
    assert Precision(CPU).name == chosen


def test_bfloat16_by_name_warns_once_where_it_is_emulated(monkeypatch, caplog):
    Processor(monkeypatch, accepted=True, instructions=False)
    device_module._warn_of_emulation.cache_clear()
    before = torch.get_rng_state()
    with caplog.at_level(logging.WARNING):
        choices = [choose_precision(CPU, "bfloat16") for _ in range(2)]
    device_module._warn_of_emulation.cache_clear()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "bfloat16 is emulated on this CPU" in caplog.text and "times as long as in float32" in caplog.text
    assert {choice.name for choice in choices} == {"bfloat16"} and "as asked; emulated" in choices[0].why
    assert torch.equal(torch.get_rng_state(), before)  # the training draws what it would have drawn


def test_the_choice_is_the_faster_precision_of_an_ordinary_processor():
    """With the variables that make every x86 processor one of AVX2: float32 is chosen, and bfloat16 is slower."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "OMP_NUM_THREADS": "1"}
    code = (
        "import torch; from bundle.networks.device import choose_precision, emulation_factor;"
        "cpu = torch.device('cpu');"
        "print(choose_precision(cpu).name, emulation_factor(cpu))"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    name, factor = done.stdout.split()
    assert name == "float32" and float(factor) > 1


@pytest.mark.skipif(not computes_bfloat16(CPU), reason="speaks of processors with instructions for bfloat16")
def test_bfloat16_in_hardware_is_no_slower():
    assert emulation_factor(CPU, repeats=10) < 2


def test_going_on_in_another_precision_is_said(caplog):
    first, second = Precision(CPU, "float32"), Precision(CPU, "float32")
    second.load_state_dict(first.state_dict())
    second.load_state_dict({})  # of a checkpoint before the precision was kept
    assert not caplog.records
    second.load_state_dict({**first.state_dict(), "precision": "bfloat16"})
    assert caplog.messages == ["the checkpoint was trained in bfloat16; from here on in float32 (as asked)"]
