# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Preparing data: a small MoNuSeg download made here becomes a data folder; what cannot is refused, leaving nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.data.folder import DataFolder
from bundle.files.labels import read_label
from bundle.simulation.dataset import write_dataset
from scripts.prepare_data import join, monuseg, points_from_labels

ROOT = Path(__file__).resolve().parents[2]
SIZE = (30, 40)  # H, W
RECTANGLE = [(3, 4), (9, 4), (9, 8), (3, 8)]  # from the corner: columns 3-8, rows 4-7
HOOK = [(20, 10), (34, 10), (34, 12), (22, 12), (22, 26), (20, 26)]  # bent: its centre of mass lies outside


def outline(vertices) -> str:
    inner = "".join(f'<Vertex X="{x}.0000" Y="{y}" Z="0"/>' for x, y in vertices)
    return f"<Region><Vertices>{inner}</Vertices></Region>"


def pixels(name: str) -> np.ndarray:
    return np.random.default_rng(len(name)).integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.fixture
def download(tmp_path):
    """Two images as the challenge publishes them, one with an alpha channel and LZW."""
    images, annotations = tmp_path / "Tissue Images", tmp_path / "Annotations"
    images.mkdir()
    annotations.mkdir()
    for name in ("TCGA-1", "TCGA-22"):
        body = f"<Regions>{outline(HOOK)}{outline(RECTANGLE)}</Regions>"
        text = f'<Annotations MicronsPerPixel="0.252"><Annotation Id="1">{body}</Annotation></Annotations>'
        (annotations / f"{name}.xml").write_text(text)
    tifffile.imwrite(images / "TCGA-1.tif", pixels("TCGA-1"), photometric="rgb")
    opaque = np.full((*SIZE, 1), 255, np.uint8)
    Image.fromarray(np.concatenate([pixels("TCGA-22"), opaque], 2)).save(images / "TCGA-22.tif", compression="tiff_lzw")
    return {"images": str(images), "annotations": str(annotations), "output": str(tmp_path / "out")}


def test_the_download_becomes_a_data_folder(download, tmp_path):
    (tmp_path / "my_split.json").write_text('{"training": ["TCGA-22"], "testing": ["TCGA-1"]}')
    monuseg(**download, split=str(tmp_path / "my_split.json"))
    folder = DataFolder(download["output"])
    folder.check_points()
    folder.check_labels("training")
    folder.check_labels("testing")
    assert [item.name for item in folder.training] == ["TCGA-22"] and len(folder.testing) == 1
    for item in folder.training + folder.testing:
        sample, label = folder.load(item), folder.load_label(item)[0].numpy()
        np.testing.assert_array_equal((sample["image"].numpy() * 255).round(), pixels(item.name).transpose(2, 0, 1))
        assert sample["mpp"] == 0.25
        rectangle = np.zeros(SIZE, bool)
        rectangle[4:8, 3:9] = True
        np.testing.assert_array_equal(label == 1, rectangle)
        assert sample["points"][0].tolist() == [5.5, 5.5]
        x, y = sample["points"][1].tolist()
        assert label[round(y), round(x)] == 2 and (label == 2).sum() == 14 * 2 + 2 * 14


def test_points_lie_inside_whatever_the_rule(download):
    monuseg(**download, points_from="deepest", image_mpp=0.5)
    folder = DataFolder(download["output"])
    sample, label = folder.load(folder.training[0]), folder.load_label(folder.training[0])[0]
    assert sample["mpp"] == 0.5
    assert [int(label[int(y), int(x)]) for x, y in sample["points"]] == [1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points_from": "middle"}, "points_from is 'middle': choose one of centroid, deepest"),
        ({"image_mpp": 0}, "mpp is 0"),
        ({"images": "nowhere"}, "nowhere: holds no image"),
        ({"split": "nowhere.json"}, r"nowhere\.json: no such file"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(download, change, message):
    with pytest.raises((ValueError, OSError), match=message):
        monuseg(**{**download, **change})
    assert not Path(download["output"]).exists()


def test_every_image_needs_an_annotation(download, caplog):
    folder = Path(download["annotations"])
    (folder / "TCGA-1.xml").rename(folder / "TCGA-333.xml")
    with pytest.raises(FileNotFoundError, match=r"lacks TCGA-1\.xml: every image needs an XML file"):
        monuseg(**download)
    (Path(download["images"]) / "TCGA-1.tif").unlink()
    monuseg(**download)
    assert r"no image for TCGA-333.xml" in caplog.text


def test_nothing_half_written_is_left_when_one_file_is_bad(download, tmp_path):
    (Path(download["annotations"]) / "TCGA-22.xml").write_text("<Annotations>")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"TCGA-22\.xml: is no whole XML"):
        monuseg(**download)
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_overwritten(download):
    output = Path(download["output"])
    output.mkdir()
    (output / "mine.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="nothing of it is touched"):
        monuseg(**download)
    assert (output / "mine.txt").read_text() == "precious"


def test_an_image_without_objects_gets_an_empty_points_file_and_a_warning(download, caplog):
    (Path(download["annotations"]) / "TCGA-1.xml").write_text("<Annotations/>")
    monuseg(**download)
    assert (Path(download["output"]) / "points" / "TCGA-1.csv").read_text() == "x,y\n"
    assert "TCGA-1: no object, so no point" in caplog.text


def test_points_from_labels(tmp_path):
    (tmp_path / "labels").mkdir()
    ids = np.zeros(SIZE, np.uint16)
    ids[4:8, 3:9], ids[20, 30] = 700, 5
    Image.fromarray(ids).save(tmp_path / "labels" / "a.png")
    points_from_labels(str(tmp_path / "labels"), str(tmp_path / "points"))
    assert (tmp_path / "points" / "a.csv").read_text() == "x,y\n5.50,5.50\n30.00,20.00\n"
    with pytest.raises(FileExistsError):
        points_from_labels(str(tmp_path / "labels"), str(tmp_path / "points"))
    with pytest.raises(ValueError, match="points: holds no label"):
        points_from_labels(str(tmp_path / "points"), str(tmp_path / "more"))


def test_it_runs_from_the_command_line_with_any_folder_name(download, tmp_path):
    output = tmp_path / "$a #1@50% b"
    paths = ["--images", download["images"], "--annotations", download["annotations"], "--output", str(output)]
    first, again = (
        subprocess.run(
            [sys.executable, "-m", "scripts.prepare_data", "monuseg", *paths],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert len(DataFolder(output).training) == 2
    assert read_label(output / "labels" / "TCGA-1.tif").max() == 2
    assert again.returncode == 1 and "exists and is not empty" in again.stderr and "Traceback" not in again.stderr


def test_several_data_sets_are_joined_and_nothing_is_overwritten(tmp_path):
    names = [str(write_dataset(tmp_path / name, images=2, size=(48, 48), seed=1, testing=1)) for name in "ab"]
    output = tmp_path / "joined"
    join(",".join(names), str(output), mpp="0.25,0.5", diameter="6", share="0.6,0.4")
    joined = DataFolder(output)
    assert len(joined.training) == len(joined.testing) == 2
    assert sorted(joined.load(item)["mpp"] for item in joined.training) == pytest.approx([0.25, 0.5], rel=1e-3)
    with pytest.raises(FileExistsError):
        join(",".join(names), str(output), mpp="0.25,0.5")
    with pytest.raises(ValueError, match="sums to 0.9"):
        join(",".join(names), str(tmp_path / "other"), mpp="0.5", share="0.6,0.3")
    assert not (tmp_path / "other").exists()
