# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Experiments at the smoke preset on simulated tissue: what is run, shared, measured, tabulated and drawn."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from bundle.files.manifest_file import read_manifest
from bundle.inference.model import ModelCard, describe_network, save_model
from bundle.metrics.features import short_digest
from bundle.networks.compact import Compact
from bundle.simulation.dataset import write_dataset
from scripts.experiments.__main__ import ablation, chosen_rows, figure, pairs
from scripts.experiments.ablation_rows import ablation_rows, pairs_rows
from scripts.experiments.ablation_table import markdown, mean_with_sd
from scripts.experiments.method_figure import draw_method
from scripts.experiments.page import marks
from scripts.experiments.records import read_records, write_records
from scripts.typed_options import call

ROOT = Path(__file__).resolve().parents[3]
BUDGET = {"preset": "smoke", "device": "cpu", "synthesis_epochs": 1, "segmentation_epochs": 1}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three training images, one for testing; large enough for four crops of 64 um each."""
    folder = tmp_path_factory.mktemp("experiment") / "data"
    return write_dataset(folder, images=4, size=(264, 264), seed=1, testing=1)


@pytest.fixture(scope="module")
def experiment(dataset):
    """Three rows of the ablation: two that train, and one that takes the networks of the other."""
    output = dataset.parent / "out"
    call(ablation, str(dataset), str(output), rows="c,average,a", seeds=1, **BUDGET)
    return output


def table(output, name="ablation"):
    with open(output / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_name_variants_that_exist():
    rows = [*ablation_rows(), *pairs_rows("c", 10)]
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        for name in row.variant.split(","):
            assert (ROOT / "configs" / "variants" / f"{name}.yaml").is_file(), name
        assert not row.image_generator or row.image_generator in {other.name for other in rows}
    lengths = [list(row.overrides.values()) for row in pairs_rows("c", 10)]
    assert lengths == [[23, 10], [23, 5], [46, 10], [69, 10], [69, 15], [92, 10], [92, 20]]


def test_each_run_is_measured_in_the_rows_order(experiment):
    records = table(experiment)
    assert [(record["row"], record["seed"]) for record in records] == [("a", "0"), ("c", "0"), ("average", "0")]
    for record in records:
        assert float(record["frechet_encoder"]) > 0 and record["crops"] == "12" and record["updates"] == "3"
        assert 0 <= float(record["aji"]) <= 1 and float(record["minutes"]) > 0
        assert record["device"] == "cpu"
    assert len({record["digest"] for record in records}) == 1
    diversity = {record["row"]: float(record["diversity"]) for record in records}
    assert diversity["a"] == 0 and diversity["c"] > 0  # the plain CycleGAN has no noise


def test_a_row_may_paint_with_the_networks_of_another(experiment):
    own, shared = (experiment / "rows" / f"{name}_seed0" / "synthesis" for name in ("c", "average"))
    assert (own / "generator.pt").read_bytes() == (shared / "generator.pt").read_bytes()
    assert read_manifest(own)["sessions"] == read_manifest(shared)["sessions"]  # it was not trained again
    painted = [folder.parent / "synthetic" / "images" / "simulated_000_000.tif" for folder in (own, shared)]
    assert painted[0].read_bytes() != painted[1].read_bytes()


def test_a_second_call_runs_nothing_and_repairs_what_is_missing(dataset, experiment):
    quality = experiment / "quality" / "c_seed0.json"
    before, times = quality.read_text(), {path: path.stat().st_mtime_ns for path in experiment.rglob("*.pt")}
    quality.unlink()
    call(ablation, str(dataset), str(experiment), rows="c,average,a", seeds=1, **BUDGET)
    assert {path: path.stat().st_mtime_ns for path in experiment.rglob("*.pt")} == times
    assert json.loads(quality.read_text())["metrics"] == json.loads(before)["metrics"]


def test_the_table_goes_into_a_page_in_the_rows_order_beside_what_is_on_record(dataset, experiment, tmp_path):
    kept, page = tmp_path / "kept.csv", tmp_path / "page.md"
    other = {"row": "b1", "says": "noise", "seed": 0, "parameters": 9, "width": 1, "crop": 1, "batch": 1}
    other |= {"updates": 3, "minutes": 1.0, "segmenter_updates": 3, "aji": 0.25, "aji_sd": 0.1}
    write_records(kept, [other | {"digest": "0123456789ab"}])
    page.write_text("\n".join(["before", *marks("ablation"), "after\n"]))
    places = {"records": str(kept), "page": str(page), "table_only": True}
    call(ablation, str(dataset), str(experiment), rows="c,a", seeds=1, **places, **BUDGET)
    lines = page.read_text().splitlines()
    assert [line.split(" | ")[0][-5:] for line in lines[4:7]] == ["(`a`)", "`b1`)", "(`c`)"]
    assert "| 0123456789ab |" in lines[5] and (lines[0], lines[-1]) == ("before", "after")
    assert {record["row"] for record in read_records(kept)} == {"a", "b1", "c"}
    with pytest.raises(ValueError, match="put the lines <!-- table: pairs -->"):
        call(pairs, str(dataset), str(experiment), page=str(page), **BUDGET)


def test_pairs_are_painted_by_the_named_row(dataset, experiment, monkeypatch):
    monkeypatch.setattr("scripts.experiments.ablation_rows.PAIRS", (2, 5))
    monkeypatch.setattr(
        "scripts.experiments.__main__.pairs_rows",
        lambda image_generator, _, seed: pairs_rows(image_generator, 1, seed)[1:3],
    )
    monkeypatch.setattr("scripts.experiments.ablation.feature_extractor", None)  # there is nothing to compare
    call(pairs, str(dataset), str(experiment), image_generator="c", **BUDGET)
    assert [record["says"] for record in table(experiment, "pairs")] == [
        "2 pairs, equal epochs",
        "5 pairs, equal updates",
    ]


def test_the_figure_shows_the_finished_rows(dataset, experiment, tmp_path):
    figure(str(dataset), str(experiment), str(tmp_path / "rows.png"), rows="a,c", images="0,2")
    with Image.open(tmp_path / "rows.png") as page:
        assert page.width > 5 * page.height / 3  # six columns, two lines


def test_the_picture_of_the_method_shows_its_five_steps(dataset, experiment, tmp_path):
    draw_method(str(dataset), str(experiment / "rows" / "c_seed0"), str(tmp_path / "method.png"), clicked=1)
    with Image.open(tmp_path / "method.png") as page:
        assert page.width > 4 * page.height
    with pytest.raises(ValueError, match="unseen is 1: .* has 1 such images"):
        draw_method(str(dataset), str(experiment / "rows" / "c_seed0"), str(tmp_path / "method.png"), unseen=1)


def test_a_named_encoder_compares_the_images_in_place_of_a_trained_one(dataset, experiment, tmp_path):
    network = Compact(channels=[4, 8])
    save_model(tmp_path / "model.pt", network, ModelCard(describe_network(network), mpp=0.5))
    trained = {path: path.stat().st_mtime_ns for path in experiment.rglob("*.pt")}
    call(ablation, str(dataset), str(experiment), rows="a", seeds=1, encoder=str(tmp_path / "model.pt"), **BUDGET)
    assert {path: path.stat().st_mtime_ns for path in experiment.rglob("*.pt")} == trained
    assert table(experiment)[0]["digest"] == short_digest(tmp_path / "model.pt")


def test_rows_that_do_not_exist_are_named():
    with pytest.raises(ValueError, match="row 'd': choose among a, b1"):
        chosen_rows(ablation_rows(), "c,d")


def test_a_row_before_its_painter_is_told_so(dataset, tmp_path):
    with pytest.raises(ValueError, match="average, seed 0: .*c_seed0.* is not finished"):
        call(ablation, str(dataset), str(tmp_path / "out"), rows="average", **BUDGET)


def test_the_table_in_markdown():
    record = {"row": "c", "says": "as published", "seed": 0, "parameters": 444263, "width": 12, "crop": 128}
    record |= {"batch": 4, "updates": 3000, "minutes": 47.6, "device": "cpu", "segmenter_updates": 1000}
    record |= {"digest": "0123456789ab"}
    record |= {"frechet_encoder": 14.83, "frechet_encoder_sd": 1.49, "kid": float("nan"), "kid_sd": float("nan")}
    header, _, line = markdown([record | {"aji": 0.51234, "aji_sd": 0.066}]).splitlines()
    assert header.startswith("| row | seed | G | crop x batch x updates | min | on | segmenter's updates | features |")
    assert header.endswith("| features | frechet_encoder | kid | AJI | PQ | IoU | F1 | object Dice |")
    assert "| 128 x 4 x 3000 | 48 | cpu | 1,000 | 0123456789ab | 14.8 ± 1.5 |  | 0.512 ± 0.066 |" in line
    assert mean_with_sd({}, "aji") == "" and mean_with_sd({"x": 2.0}, "x") == "2.000"
