# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Data folders: which image is for what, loading, and every bad input named before anything trains."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.files import labels

SIZE = (20, 30)  # H, W


def add(folder: Path, name: str, points: str | None = "1,2\n3,4\n", label: bool = False) -> None:
    """One grey-free PNG with its points and label."""
    for part in ("images", "points", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(name)).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
    if points is not None:
        (folder / "points" / f"{name}.csv").write_text("x,y\n" + points)
    if label:
        Image.fromarray(np.eye(*SIZE, dtype=np.uint16)).save(folder / "labels" / f"{name}.png")


def set_split(folder: Path, **parts: object) -> None:
    (folder / "split.json").write_text(json.dumps(parts))


def names(items) -> list[str]:
    return [item.name for item in items]


def test_split_json_decides(tmp_path, caplog):
    for name in "abcd":
        add(tmp_path, name, label=True)
    set_split(tmp_path, note="why so", training=["c", "a"], testing=["b"])
    folder = DataFolder(tmp_path)
    assert names(folder.training) == names(folder.items("training")) == ["c", "a"]
    assert names(folder.testing) == names(folder.items("testing")) == ["b"]
    assert "1 images are in no part and not used: d" in caplog.text
    with pytest.raises(ValueError, match="split is 'validation': choose one of training, testing"):
        folder.items("validation")


def test_without_split_images_with_points_train_and_others_with_a_label_test(tmp_path, caplog):
    add(tmp_path, "both", label=True)
    add(tmp_path, "clicked")
    add(tmp_path, "measured", points=None, label=True)
    add(tmp_path, "neither", points=None)
    folder = DataFolder(tmp_path)
    assert names(folder.training) == ["both", "clicked"]
    assert names(folder.testing) == ["measured"]
    assert "not used: neither" in caplog.text


def test_load_gives_what_the_files_hold(tmp_path):
    add(tmp_path, "a", points="3,4\n1,2\n3,4\n")
    folder = DataFolder(tmp_path)
    sample = folder.load(folder.training[0])
    pixels = np.asarray(Image.open(tmp_path / "images" / "a.png")).transpose(2, 0, 1)
    torch.testing.assert_close(sample["image"], torch.from_numpy(pixels / np.float32(255)))
    assert sample["points"].tolist() == [[3, 4], [1, 2]]
    assert sample["mpp"] is None and sample["window"] == (0, 255)


def test_load_without_points_gives_none(tmp_path):
    add(tmp_path, "a", points=None, label=True)
    folder = DataFolder(tmp_path, mpp=0.5)
    sample = folder.load(folder.testing[0])
    assert sample["points"].shape == (0, 2) and sample["mpp"] == 0.5
    assert folder.load_label(folder.testing[0]).shape == (1, *SIZE)


@pytest.mark.parametrize("name", ["a#b", "$a", "@a", "100%", "a b", "a.b", "\u00e4"])
def test_names_that_the_bundle_parser_changes_work_here(tmp_path, name):
    root = tmp_path / name
    add(root, name, label=True)
    set_split(root, training=[name])
    folder = DataFolder(root)
    folder.check_points()
    assert names(folder.training) == [name] and len(folder.load(folder.training[0])["points"]) == 2


def test_as_dicts(tmp_path):
    add(tmp_path, "a", label=True)
    add(tmp_path, "b")
    folder = DataFolder(tmp_path)
    assert folder.as_dicts("training")[1] == {
        "image": str(tmp_path / "images" / "b.png"),
        "points": str(tmp_path / "points" / "b.csv"),
    }
    with pytest.raises(FileNotFoundError, match=r"b\.png: has no label file: add .*labels.b\.png"):
        folder.as_dicts("training", ["image", "label"])


def test_a_run_from_points_opens_no_label(tmp_path, monkeypatch):
    add(tmp_path, "a", label=True)
    (tmp_path / "labels" / "a.png").write_bytes(b"not an image")
    monkeypatch.setattr(labels, "file_kind", lambda path: pytest.fail(f"{path} was opened"))
    folder = DataFolder(tmp_path)
    folder.check_points()
    folder.load(folder.training[0])
    folder.as_dicts("training", ["image", "points", "label"])


def test_check_points_passes_a_good_folder_and_a_testing_image_without_points(tmp_path):
    add(tmp_path, "a")
    add(tmp_path, "b", points=None, label=True)
    DataFolder(tmp_path).check_points()


def test_check_points_names_every_problem_at_once(tmp_path):
    for name in ("good", "outside", "nan", "empty", "missing", "corrupt", "grey", "held_out"):
        add(tmp_path, name)
    (tmp_path / "points" / "outside.csv").write_text("x,y\n1,1\n30,3\n")
    (tmp_path / "points" / "nan.csv").write_text("x,y\nnan,3\n")
    (tmp_path / "points" / "empty.csv").write_text("x,y\n")
    (tmp_path / "points" / "missing.csv").unlink()
    for name in ("corrupt", "held_out"):
        path = tmp_path / "images" / f"{name}.png"
        path.write_bytes(path.read_bytes()[:300])
    Image.fromarray(np.zeros(SIZE, np.uint8)).save(tmp_path / "images" / "grey.png")
    training = ["good", "outside", "nan", "empty", "missing", "corrupt", "grey"]
    set_split(tmp_path, training=training, testing=["held_out"])
    with pytest.raises(ValueError) as caught:
        DataFolder(tmp_path).check_points()
    message = str(caught.value)
    assert "has 6 problems" in message and "good" not in message
    for part in (
        "outside.csv, line 3: the point x=30, y=3",
        "nan.csv, line 2: x is 'nan'",
        "missing.png: has no points file: add",
        "corrupt.png: cannot be decoded",
        "grey.png: a grey image where RGB is configured",
        "held_out.png: cannot be decoded",
    ):
        assert part in message


def test_a_long_list_of_problems_is_cut(tmp_path):
    for index in range(25):
        add(tmp_path, f"image_{index}", points="nan,1\n")
    with pytest.raises(ValueError, match="has 25 problems") as caught:
        DataFolder(tmp_path).check_points()
    assert str(caught.value).count("which is no number") == 20 and str(caught.value).endswith("... and 5 more")


def test_a_spacing_that_only_some_images_state_is_a_problem(tmp_path):
    add(tmp_path, "a")
    add(tmp_path, "b")
    tagged = {"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER", "photometric": "rgb"}
    (tmp_path / "images" / "b.png").unlink()
    tifffile.imwrite(tmp_path / "images" / "b.tif", np.zeros((*SIZE, 3), np.uint8), **tagged)
    with pytest.raises(ValueError, match=r"only some images say their um per px, not a: state it \(mpp\)"):
        DataFolder(tmp_path).check_points()
    DataFolder(tmp_path, mpp=0.25).check_points()


def test_a_folder_with_nothing_to_train_on_is_a_problem(tmp_path):
    add(tmp_path, "a", points=None, label=True)
    with pytest.raises(ValueError, match="no image to train on"):
        DataFolder(tmp_path).check_points()


def test_check_labels_names_a_label_of_another_size(tmp_path):
    add(tmp_path, "a", label=True)
    add(tmp_path, "b", label=True)
    add(tmp_path, "c")
    folder = DataFolder(tmp_path)
    folder.check_labels("training")
    Image.fromarray(np.eye(9, dtype=np.uint16)).save(tmp_path / "labels" / "b.png")
    with pytest.raises(ValueError, match=r"1 problem:\n.*b\.png: the label is 9 x 9 px and its image 30 x 20 px"):
        folder.check_labels("training")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"training": ["a", "b"], "testing": ["b"]}, "b is named 2 times"),
        ({"training": ["a", "a"]}, "a is named 2 times"),
        ({"training": ["a"], "testing": ["c", "d"]}, "c has no image; d has no image"),
        ({"training": ["a.png"]}, "a.png has no image.*without the ending"),
        ({"train": ["a"]}, "must hold"),
        ({"training": ["a"], "validation": ["b"]}, "'validation' is no part"),
        ({"training": "a"}, "'training' must be a list"),
        ({"training": [1]}, "'training' must be a list"),
        (["a"], "must hold"),
    ],
)
def test_a_bad_split_is_refused_by_name(tmp_path, split, message):
    add(tmp_path, "a")
    add(tmp_path, "b")
    (tmp_path / "split.json").write_text(json.dumps(split))
    with pytest.raises(ValueError, match=rf"split\.json: .*{message}"):
        DataFolder(tmp_path)


def test_a_split_that_is_no_json_is_refused(tmp_path):
    add(tmp_path, "a")
    (tmp_path / "split.json").write_text('{"training": ["a"')
    with pytest.raises(ValueError, match=r"split\.json: is no JSON"):
        DataFolder(tmp_path)


def test_two_files_of_one_base_name_are_refused(tmp_path):
    add(tmp_path, "a", label=True)
    tifffile.imwrite(tmp_path / "labels" / "a.tif", np.eye(*SIZE, dtype=np.uint16))
    with pytest.raises(ValueError, match=r"labels.a\.tif: has the base name of a\.png"):
        DataFolder(tmp_path)
    (tmp_path / "labels" / "a.tif").rename(tmp_path / "images" / "a.TIFF")
    with pytest.raises(ValueError, match=r"images.a\.png: has the base name of a\.TIFF"):
        DataFolder(tmp_path)


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="images: no such folder"):
        DataFolder(tmp_path / "gone")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / ".hidden.png").write_bytes(b"")
    with pytest.raises(ValueError, match="images: holds no image"):
        DataFolder(tmp_path)


def test_files_that_are_left_aside_are_named(tmp_path, caplog):
    add(tmp_path, "a")
    (tmp_path / "images" / "slide.svs").write_bytes(b"")
    (tmp_path / "points" / "A.csv").write_text("x,y\n")
    DataFolder(tmp_path)
    assert "no PNG, TIFF or JPEG and not used: slide.svs" in caplog.text
    assert "1 points files belong to no image: points/A.csv" in caplog.text


def test_diameters_of_single_images_go_with_them(tmp_path):
    for name in "abc":
        add(tmp_path, name, label=True)
    set_split(tmp_path, training=["a", "b"], testing=["c"])
    assert DataFolder(tmp_path).diameters_path is None
    (tmp_path / "diameters.csv").write_text("image,diameter_px\nb,30\nc,20\n")
    folder = DataFolder(tmp_path)
    assert folder.diameters_path == tmp_path / "diameters.csv"
    assert ["diameter" in item for item in folder.as_dicts("training")] == [False, True]
    assert folder.as_dicts("training", ["image", "label"])[1]["diameter"] == Diameter(30, "px")
    assert folder.testing[0].diameter == Diameter(20, "px") and folder.training[0].diameter is None


def test_a_diameter_of_an_image_that_is_not_there_is_refused(tmp_path):
    add(tmp_path, "a")
    (tmp_path / "diameters.csv").write_text("image,diameter_um\na,8\nb,8\n")
    with pytest.raises(ValueError, match=r"diameters\.csv, line 3: there is no image 'b'"):
        DataFolder(tmp_path)


def set_spacing(folder: Path, name: str, mpp: float) -> None:
    (folder / "images" / f"{name}.png").unlink()
    per_cm = (round(1e7 / mpp), 1000)
    tags = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER", "photometric": "rgb"}
    tifffile.imwrite(folder / "images" / f"{name}.tif", np.zeros((*SIZE, 3), np.uint8), **tags)


def test_the_spacing_of_the_training_images(tmp_path):
    for name in "abc":
        add(tmp_path, name, label=True)
    set_split(tmp_path, training=["a", "b"], testing=["c"])
    assert DataFolder(tmp_path).spacing() is None
    assert DataFolder(tmp_path, mpp=0.4).spacing() == 0.4
    for name, mpp in {"a": 0.25, "b": 0.252, "c": 1.0}.items():
        set_spacing(tmp_path, name, mpp)
    assert DataFolder(tmp_path).spacing() == pytest.approx(0.251)
    (tmp_path / "split.json").unlink()
    with pytest.raises(ValueError, match=r"0\.25 to 1 um per px .* give the diameter in um, or .* in diameters\.csv"):
        DataFolder(tmp_path).spacing()


def test_images_stated_empty_train_beside_others_and_are_named(tmp_path, caplog):
    add(tmp_path, "a")
    add(tmp_path, "empty", points="")
    with caplog.at_level("INFO"):
        DataFolder(tmp_path).check_points()
    assert "1 training images hold no object, by their points files: empty" in caplog.text
    assert DataFolder(tmp_path).load(DataFolder(tmp_path).training[1])["points"].shape == (0, 2)


def test_a_data_set_of_empty_images_alone_trains_nothing(tmp_path):
    add(tmp_path, "a", points="")
    with pytest.raises(ValueError, match="no training image has a point: click the objects of at least one"):
        DataFolder(tmp_path).check_points()
