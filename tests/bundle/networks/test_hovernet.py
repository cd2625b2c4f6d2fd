# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is particular to HoverNet: its size, and an encoder that can be loaded and frozen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bundle.networks.hovernet import HoverNet


def test_it_has_about_eleven_million_parameters_at_half_width() -> None:
    with torch.device("meta"):
        network = HoverNet(width=0.5)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(11e6, rel=0.05)


def test_a_width_off_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width is 0\.3; .* multiple of 0\.125"):
        HoverNet(width=0.3)


@pytest.mark.parametrize("part", ["encoder", "whole"])
def test_encoder_weights_come_from_a_file(tmp_path: Path, part: str) -> None:
    source, target = HoverNet(width=0.125), HoverNet(width=0.125)
    decoder_before = target.offsets.at_full[0].weight.clone()
    torch.save((source.encoder if part == "encoder" else source).state_dict(), tmp_path / "weights.pt")
    target.load_encoder(tmp_path / "weights.pt")
    for name, value in source.encoder.state_dict().items():
        assert torch.equal(target.encoder.state_dict()[name], value)
    assert torch.equal(target.offsets.at_full[0].weight, decoder_before)


def test_encoder_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    torch.save(HoverNet(width=0.25).encoder.state_dict(), tmp_path / "wide.pt")
    network = HoverNet(width=0.125)
    before = network.encoder.bottom.weight.clone()
    with pytest.raises(ValueError, match=r"wide\.pt: not the encoder of this HoverNet.*same width"):
        network.load_encoder(tmp_path / "wide.pt")
    assert torch.equal(network.encoder.bottom.weight, before)
