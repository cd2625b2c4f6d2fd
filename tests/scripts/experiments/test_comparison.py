# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of results at the smoke preset: rows share what they can, are on record once, and stand in one table."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.files.manifest_file import read_manifest
from bundle.inference.model import load_network
from bundle.simulation.dataset import write_dataset
from scripts.experiments.comparison import WAYS, equal_time, result_row
from scripts.experiments.comparison_command import epochs_of, read_seeds, table
from scripts.experiments.comparison_figure import touching_window
from scripts.experiments.comparison_table import differences_markdown, over_seeds, results_markdown
from scripts.experiments.page import enter, marks
from scripts.experiments.records import enter_records, merge_records, read_records, write_records
from scripts.pipeline import run
from scripts.typed_options import call

BUDGET = {"preset": "smoke", "device": "cpu", "epochs": "compact=1,cnn3=1"}

ROWS = ["ellipses", "method", "real_only", "online", "online_time", "refined"]
SHORT = "synthesis/synthesis_epochs=1"  # a setting that not all rows have

OPENED: set[str] = set()  # files that were opened while it is watched
WATCHED: list[str] = []
sys.addaudithook(lambda event, arguments: OPENED.add(str(arguments[0])) if WATCHED and event == "open" else None)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two training images, whose labels are none, and one for testing."""
    folder = tmp_path_factory.mktemp("results") / "data"
    write_dataset(folder, images=3, size=(96, 96), seed=1, testing=1)
    for name in json.loads((folder / "split.json").read_text())["training"]:
        (folder / "labels" / f"{name}.tif").write_bytes(b"nobody who trains on points may read this")
    return folder


@pytest.fixture(scope="module")
def results(dataset):
    """One seed of rows that share a generator or need none."""
    output = dataset.parent / "out"
    WATCHED.append("opening")
    call(table, str(dataset), str(output), rows=",".join(ROWS), seeds="0", set=SHORT, **BUDGET)
    WATCHED.clear()
    return output


def test_rows_of_points_open_labels_of_testing_images_alone(dataset, results):
    opened = {Path(name).name for name in OPENED if Path(name).parent == dataset / "labels"}
    assert opened == {"simulated_002.tif"}


def records_of(folder, name="results.csv"):
    with open(folder / name, newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_measured_and_timed(results):
    records = records_of(results)
    assert [record["row"] for record in records] == ROWS
    for record in records:
        assert 0 <= float(record["aji"]) <= 1 and float(record["seconds_per_megapixel"]) > 0
        assert record["backbone"] == "compact" and record["images"] == "1" and int(record["parameters"]) > 1000
        assert float(record["minutes_in_all"]) >= float(record["minutes"]) > 0
    shares = [record["painting_share"] for record in records]
    assert shares[:3] == [""] * 3 and all(0 < float(share) < 1 for share in shares[3:5])


def test_the_generator_is_trained_once_and_painted_with_online(results):
    stages = sorted(path.parent.relative_to(results / "seed0").as_posix() for path in results.rglob("manifest.json"))
    assert [stage for stage in stages if "synth" in stage] == ["synthesis", "synthetic"]
    settings = {
        name: read_manifest(results / "seed0" / "baselines" / name / "segmentation")["settings"]
        for name in ("real_only", "online", "refined")
    }
    assert settings["online"]["train::painted::_target_"].endswith("PaintedStream")
    assert "synthetic_images" in settings["refined"]["training_sets"]
    assert settings["real_only"]["training_sets"] == "$[@train::real_images]"


def test_the_variant_without_synthetic_images_trains_no_generator_and_the_same_segmenter(dataset, results, tmp_path):
    out = tmp_path / "out"
    call(run, str(dataset), str(out), preset="smoke", device="cpu", variant="real_only", set="segmentation_epochs=1")
    assert not list(out.rglob("generator*")) and not (out / "synthetic" / "images").exists()
    assert (out / "report" / "index.html").is_file() and (out / "predictions" / "metrics.csv").is_file()
    row = load_network(results / "seed0" / "baselines" / "real_only" / "segmentation").network.state_dict()
    found = load_network(out / "segmentation").network.state_dict()
    assert all(torch.equal(found[name], row[name]) for name in row)


def test_another_backbone_trains_in_a_folder_of_its_own_on_the_shared_pairs(dataset, results):
    records = results / "kept.csv"
    more = {**BUDGET, "set": f"{SHORT}; cnn3_width=0.05", "records": str(records)}
    call(table, str(dataset), str(results), rows="method", backbones="cnn3", seeds="0", **more)
    (record,) = records_of(results, "kept.csv")
    assert (record["row"], record["backbone"]) == ("method_cnn3", "cnn3")
    assert (results / "seed0" / "baselines" / "method_cnn3" / "predictions" / "metrics.csv").is_file()


def test_runs_on_record_are_not_run_again(dataset, tmp_path):
    kept = {"row": "ellipses", "way": "ellipses", "backbone": "compact", "seed": 0, "updates": 3, "parameters": 5}
    kept |= {"minutes": 1.0, "minutes_in_all": 1.0, "seconds_per_megapixel": 0.5, "aji": 0.25, "aji_sd": 0.01}
    write_records(tmp_path / "kept.csv", [kept])
    page = tmp_path / "page.md"
    begin, end = marks("results")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    places = {"records": str(tmp_path / "kept.csv"), "page": str(page)}
    call(table, str(dataset), str(tmp_path / "out"), rows="ellipses", seeds="0", **places, **BUDGET)
    assert not (tmp_path / "out" / "seed0").exists()
    assert read_records(tmp_path / "kept.csv") == [kept]
    text = page.read_text()
    assert "0.250 ± 0.010" in text and "old" not in text and text.startswith("before") and text.endswith("after\n")


def test_records_hold_no_formula(tmp_path):
    records = [{"row": "=1+1", "image": "-a", "seed": 0, "aji": -0.5}]
    write_records(tmp_path / "x.csv", records)
    assert (tmp_path / "x.csv").read_text().splitlines()[1] == "'=1+1,'-a,0,-0.5"
    assert read_records(tmp_path / "x.csv") == records


def test_two_that_enter_their_runs_keep_each_others(tmp_path):
    path = tmp_path / "kept.csv"
    runs = [{"row": name, "seed": 0, "aji": 0.1} for name in "ab"]
    assert enter_records(str(path), runs[:1]) == runs[:1]
    assert enter_records(str(path), runs[1:]) == runs == read_records(path)
    assert enter_records("", runs[:1]) == runs[:1]


def test_records_are_replaced_in_place_and_new_ones_come_last(tmp_path):
    old = [{"row": "a", "seed": 0, "aji": 0.1}, {"row": "a", "seed": 1, "aji": 0.2}]
    merged = merge_records(old, [{"row": "b", "seed": 0, "pq": 0.5}, {"row": "a", "seed": 1, "aji": 0.3}])
    write_records(tmp_path / "x.csv", merged)
    assert read_records(tmp_path / "x.csv") == [
        {"row": "a", "seed": 0, "aji": 0.1},
        {"row": "a", "seed": 1, "aji": 0.3},
        {"row": "b", "seed": 0, "pq": 0.5},
    ]
    assert read_records(tmp_path / "none.csv") == []


def test_a_run_measured_anew_gives_all_its_images_in_place_of_the_old_ones(tmp_path):
    def images(row, *names, aji=0.1):
        return [{"row": row, "seed": 0, "image": name, "aji": aji} for name in names]

    old, new = images("a", "001", "1e3") + images("b", "001"), images("a", "002", "1e3", "x", aji=0.2)
    merged = merge_records(old, new)
    assert merged == new + images("b", "001")
    write_records(tmp_path / "x.csv", merged)
    assert read_records(tmp_path / "x.csv") == merged  # names stay names


def test_a_table_over_seeds_by_hand():
    runs = [
        {"row": "method", "way": "method", "backbone": "hovernet", "seed": seed, "updates": 2000, "parameters": 1.5e6}
        | {"minutes": minutes, "minutes_in_all": 2 * minutes, "seconds_per_megapixel": 0.5, "aji": aji, "aji_sd": 0.06}
        for seed, minutes, aji in ((0, 1.0, 0.5), (1, 3.0, 0.52), (2, 2.0, 0.54))
    ]
    assert over_seeds(runs, "aji") == "0.520 ± 0.060 (0.020)" and over_seeds(runs[:1], "aji") == "0.500 ± 0.060"
    line = results_markdown(runs).splitlines()[2]
    assert "| hovernet | 3 | 2,000 | 0.520 ± 0.060 (0.020) |" in line
    assert "| 0.569 | 2.0 | 4.0 | 1.50 M | 0.50 |" in line  # the paper's AJI, medians


def test_differences_from_the_method_by_hand():
    def image(way, seed, name, aji, **more):
        return {"row": way, "way": way, "backbone": "compact", "seed": seed, "image": name, "aji": aji, **more}

    rest = {"pq": 0.5, "iou": math.nan, "detection_f1": 0.25, "points_alone": 1.0}
    images = [image("method", 0, "a", 0.5, **rest), image("method", 0, "b", 0.5, **rest)]
    images += [image("method", 1, "a", 0.5, **rest), image("method", 1, "b", 0.7, **rest)]
    images += [image("dense", 0, "b", 0.6, **rest), image("dense", 0, "a", 0.7, **rest)]  # .1, .2
    images += [image("dense", 1, "a", 0.7, **rest), image("dense", 1, "b", 0.7, **rest)]  # .2, 0
    images += [image("dense", 2, "a", 0.9, **rest), image("voronoi", 1, "b", 0.6, **rest)]
    lines = differences_markdown(images).splitlines()
    assert lines[0].startswith("| difference from this method | backbone | at seeds | AJI | PQ |") and len(lines) == 4
    zero = "+0.000 ± 0.000 (0.000)"
    assert lines[2] == "| Voronoi cells and colour clusters | compact | 1 | -0.100 | +0.000 |  | +0.000 | +0.000 |"
    # seeds' means .15 and .1; images' means .2 and .05, sd .106 / sqrt(2)
    spread = "+0.125 ± 0.075 (0.035)"
    assert lines[3] == f"| dense labels (upper bound) | compact | 0, 1 | {spread} | {zero} |  | {zero} | {zero} |"
    assert differences_markdown(images[4:]) == ""  # no method


def test_metrics_of_images_lie_beside_the_records_and_stand_under_the_table(dataset, results, tmp_path):
    records = tmp_path / "kept.csv"
    for _ in range(2):  # a second time replaces them
        call(
            table, str(dataset), str(results), rows="ellipses,method", seeds="0", records=str(records), table_only=True
        )
        images = read_records(tmp_path / "kept_images.csv")
        assert [(image["row"], image["seed"], image["image"]) for image in images] == [
            ("ellipses", 0, "simulated_002"),
            ("method", 0, "simulated_002"),
        ]
    for record, image in zip(read_records(records), images, strict=True):
        assert image["aji"] == pytest.approx(record["aji"], abs=1e-5)
    assert f"{images[0]['aji'] - images[1]['aji']:+.3f} |" in (results / "results.md").read_text()


def test_a_page_without_a_place_for_the_table_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# no marks\n")
    with pytest.raises(ValueError, match="has no place for the table"):
        enter(str(page), "results", "table\n")
    with pytest.raises(ValueError, match="has no place for the table"):  # before anything runs
        call(table, "nowhere", str(tmp_path / "out"), seeds="0", page=str(page))
    assert page.read_text() == "# no marks\n"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_can_have_every_backbone(way):
    compact, other = result_row(way), result_row(way, "cnn3")
    assert other.stages[-2].variant.split(",")[-1] == "cnn3" and other.name == f"{way}_cnn3"
    assert [stage.folder for stage in other.stages[:-2]] == [stage.folder for stage in compact.stages[:-2]]
    assert len({stage.folder for stage in (*compact.stages, *other.stages)}) == len(compact.stages) + 2
    folders = {stage.folder for stage in other.stages}
    assert all(folder in folders for stage in other.stages for folder in stage.upstream)


def test_the_figure_shows_every_finished_row(dataset, results, tmp_path):
    call(
        table,
        str(dataset),
        str(results),
        rows="ellipses,method,dense",
        figure=str(tmp_path / "rows.png"),
        table_only=True,
    )
    with Image.open(tmp_path / "rows.png") as page:
        assert page.width == pytest.approx(3 * 1.7 * 110, abs=2)  # true outlines and two rows; dense was not run
    with pytest.raises(FileNotFoundError, match="run the table first"):
        call(table, str(dataset), str(tmp_path / "empty"), figure=str(tmp_path / "rows.png"), table_only=True)


def test_the_hardest_window_is_where_objects_touch():
    label = np.zeros((40, 60), np.int32)
    label[2:6, 2:6], label[2:6, 8:12] = 1, 2  # apart
    label[20:30, 40:45], label[20:30, 45:50] = 3, 4  # touching along x = 44 | 45
    for side in (12, 13):
        y, x = touching_window(label, side)
        assert y <= 20 and y + side >= 30 and x <= 44 < x + side
    assert touching_window(label, 100) == (0, 0)


def test_a_further_round_reads_the_methods_segmenter():
    row = result_row("refined")
    folders = [stage.folder for stage in row.stages]
    assert folders[:3] == ["synthesis", "synthetic", "segmentation"] and folders[3].startswith("baselines/refined/")
    other = result_row("refined", "hovernet")  # the labels are made by the method's own segmenter
    assert [stage.folder for stage in other.stages][:4] == folders[:4]
    assert [stage.folder for stage in result_row("ellipses").stages][0].startswith("baselines/ellipses/")


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="row 'voodoo'"):
        result_row("voodoo")
    with pytest.raises(ValueError, match="at 'cnn3'"):
        epochs_of("compact=2", [result_row("method", "cnn3")])
    with pytest.raises(ValueError, match="at 'compact=two'"):
        epochs_of("compact=two", [])
    with pytest.raises(ValueError, match="at 'x'"):
        read_seeds("0,x")


def test_equal_time_leaves_out_what_painting_took(tmp_path):
    folder = tmp_path / result_row("online").stages[-2].folder
    folder.mkdir(parents=True)
    sessions = [{"seconds": None}, {"seconds": 100.0}]  # the first was killed
    (folder / "manifest.json").write_text(json.dumps({"sessions": sessions, "notes": {"painting_seconds": 20.0}}))
    assert equal_time(tmp_path, 40) == 32
    assert equal_time(tmp_path, 1) == 1


def test_equal_time_needs_the_pace(dataset, tmp_path):
    with pytest.raises(ValueError, match="online_time, seed 0: .*tells the pace: run it first"):
        call(table, str(dataset), str(tmp_path / "out"), rows="online_time", seeds="0", **BUDGET)
    assert read_records(tmp_path / "out" / "results.csv") == []
