# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of whole slides: its slides are slides, and its network finds the objects in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bundle.inference.model import load_network, segmenter_of
from bundle.slides.reader import Slide
from scripts.benchmarks import slides as benchmark_slides


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    pytest.importorskip("imagecodecs")
    return benchmark_slides.write_slide(tmp_path_factory.mktemp("slides") / "a.tif", 1500)


def test_generated_slides_are_pyramids_of_a_repeated_picture(slide):
    with Slide(slide) as opened:
        assert opened.size == (1500, 1500) and opened.mpp == pytest.approx(0.25)
        assert [level.step for level in opened._file.levels] == [(1, 1), (4, 4), (16, 16)]
        assert torch.equal(opened.read(0, 0, 400, 400), opened.read(1024, 1024, 400, 400))
        fine, coarse = opened.read(0, 0, 1024, 1024, 1.0), opened.overview(375)[1][:, :256, :256]
    assert (fine - coarse).abs().mean() < 0.1


def test_the_network_finds_the_objects(slide, tmp_path):
    model = load_network(benchmark_slides.write_reader(tmp_path / "model.pt"))
    with Slide(slide) as opened:
        found = segmenter_of(model)(opened.read(0, 0, 512, 512, 0.5), 0.5).label
    truth = benchmark_slides.pattern_image()[:256, :256, 2] < 128
    assert (np.asarray(found[0] > 0) == truth).mean() > 0.95
    assert found.max() > 50


@pytest.mark.slow
def test_a_run_is_measured_in_a_process_of_its_own(slide, tmp_path, caplog):
    caplog.set_level("INFO")
    figures = benchmark_slides.measured(slide, benchmark_slides.write_reader(tmp_path / "model.pt"), 1024, 0)
    assert (
        figures["objects"] > 300 and 50 < figures["peak"] < 20_000 and figures["mm2"] == pytest.approx(0.1406, abs=1e-3)
    )
    assert "s per mm2; peak" in caplog.text and "post-processing" in caplog.text
