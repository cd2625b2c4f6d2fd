# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Baselines by name: their stages in order, and one that the user has not given what it needs left out."""

from __future__ import annotations

import logging

import pytest

from bundle.pipeline.baselines import BASELINES, COMPARED, baseline_stages


def test_stages_come_in_the_order_asked_for() -> None:
    stages = baseline_stages(["voronoi", "ellipses"], {})
    assert stages == [*BASELINES["voronoi"].stages, *BASELINES["ellipses"].stages]
    assert [stage.name for stage in stages[:3]] == ["pseudo_labels", "segmentation", "predictions"]
    assert set(COMPARED) <= set(BASELINES)


@pytest.mark.parametrize("overrides", [{}, {"masks_dir": ""}, {"masks_dir": None}])
def test_masks_are_skipped_where_nobody_names_them(overrides: dict, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert baseline_stages(["masks", "ellipses"], overrides) == list(BASELINES["ellipses"].stages)
    assert "the baseline masks is skipped: it needs --set masks_dir=..." in caplog.text


@pytest.mark.parametrize("name", ["masks_dir", "pseudo_labels/masks_dir"])
def test_masks_are_used_where_they_are_named(name: str) -> None:
    assert baseline_stages(["masks"], {name: "folder"}) == list(BASELINES["masks"].stages)


def test_only_the_bound_reads_labels_of_training_images() -> None:
    readers = {
        name
        for name, row in BASELINES.items()
        if any("labels" in stage.parts and "training" in stage.images for stage in row.stages)
    }
    assert readers == {"dense"}


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="baseline 'elipses': choose among ellipses, voronoi"):
        baseline_stages(["elipses"], {})
