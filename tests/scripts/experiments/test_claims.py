# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The short table of results and the figures of its claims, from records worked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scripts.experiments.claims import TITLES, claims, full_budget, reduced_budget
from scripts.experiments.page import marks
from scripts.experiments.records import write_records

METRICS = ("aji", "pq", "iou", "f1", "dice", "detection_f1")


def run(row: str, seed: int, value: float) -> dict:
    """A finished run whose metrics are all one value."""
    spreads = {f"{name}_sd": 0.04 for name in METRICS}
    return {"row": row, "seed": seed, "images": 4} | dict.fromkeys(METRICS, value) | spreads


def clicked(way: str, aji: float, **values: float) -> dict:
    """A run of the experiment on robustness."""
    taken = {"clicked_images": 23, "noise": 0, "missing": 0} | values
    curve = next(iter(values), "whole")
    return {"row": f"{curve}_{way}_{values}", "seed": 0, "curve": curve, "way": way, "aji": aji} | taken


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """Records of two seeds of each row, and a page with a place for the table."""
    runs = [run(row, seed, 0.5 + 0.01 * place + 0.1 * seed) for place, row in enumerate(TITLES) for seed in (0, 1)]
    write_records(tmp_path / "results.csv", runs)
    images = [{"row": row, "seed": 0, "image": "a", "aji": 0.5} for row in ("method", "real_only")]
    write_records(tmp_path / "results_images.csv", images)
    write_records(tmp_path / "robustness.csv", [clicked("method", 0.4), clicked("real_only", 0.5)])
    (tmp_path / "page.md").write_text("before\n" + "\n".join(marks("summary")) + "\nafter\n")
    names = {"results": "results.csv", "robustness": "robustness.csv", "page": "page.md", "figures": "figures"}
    return {name: str(tmp_path / path) for name, path in names.items()}


def test_the_table_goes_into_the_page_and_figures_are_drawn(paths: dict[str, str]) -> None:
    claims(**paths)
    lines = Path(paths["page"]).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "before" and lines[-1] == "after" and len(lines) == 2 + 2 + 2 + len(TITLES)
    assert lines[4].startswith(f"| {TITLES['real_only']} | 0.550 ± 0.040 (0.071) |")
    for name in ("clicks_and_outlines", "synthetic_images"):
        assert Image.open(Path(paths["figures"]) / f"{name}.png").size[0] > 500


def test_a_row_without_runs_is_named_and_nothing_is_written(paths: dict[str, str]) -> None:
    write_records(Path(paths["results"]), [run("method", 0, 0.5)])
    before = Path(paths["page"]).read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="results.csv: no finished run of real_only"):
        claims(**paths)
    assert Path(paths["page"]).read_text(encoding="utf-8") == before


def test_the_full_budget_is_paired_by_image_and_seed() -> None:
    def values(row: str, seed: int, a: float, b: float) -> list[dict]:
        return [{"row": row, "seed": seed, "image": name, "aji": aji} for name, aji in (("a", a), ("b", b))]

    method = values("method", 0, 0.5, 0.7) + values("method", 1, 0.6, 0.8)
    other = values("real_only", 0, 0.6, 0.9) + values("real_only", 1, 0.5, 0.7) + values("real_only", 2, 0, 0)
    [found] = full_budget(method + other)  # a: -.1 and +.1, b: -.2 and +.1
    assert found.value == pytest.approx(-0.025) and found.error == pytest.approx(0.025)
    assert full_budget(method) == []


def test_settings_that_were_run_one_way_only_are_left_out() -> None:
    both = [clicked("method", 0.4, noise=2.0), clicked("real_only", 0.37, noise=2.0)]
    runs = [*both, clicked("method", 0.3, missing=0.5)]
    [found] = reduced_budget(runs)
    assert found.setting == "clicks 2 um off" and found.value == pytest.approx(0.03)
