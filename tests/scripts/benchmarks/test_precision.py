# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of precisions times both, and says which one this machine takes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from bundle.networks.device import choose_precision
from scripts.benchmarks import precision as benchmark_precision
from scripts.benchmarks.precision import Update, precision


def test_both_precisions_in_one_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(benchmark_precision, "CROPS", (1, 3, 32, 32))
    with caplog.at_level("INFO"):
        precision(device="cpu", updates=2)
    [line] = caplog.messages
    times = re.search(r"float32 (\S+) s, bfloat16 (\S+) s for an update, (\S+) times float32", line)
    assert times and all(float(number) > 0 for number in times.groups())
    assert line.endswith(f"auto takes {choose_precision(torch.device('cpu'))}")


def test_an_update_computes_in_its_precision_and_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_precision, "CROPS", (1, 3, 32, 32))
    update, seen = Update(torch.device("cpu")), []
    convolution: Any = next(each for each in update.network.modules() if isinstance(each, torch.nn.Conv2d))
    convolution.register_forward_hook(lambda *arguments: seen.append(arguments[2].dtype))
    before = convolution.weight.detach().clone()
    assert update("float32") > 0 and update("bfloat16") > 0
    assert seen == [torch.float32, torch.bfloat16]
    assert not torch.equal(convolution.weight, before)
