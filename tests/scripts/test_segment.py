# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line of the segmenter: what it writes, what it keeps, and how it fails."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage.draw import disk

from bundle.inference.model import ModelCard, save_model
from bundle.networks.compact import Compact
from scripts import segment
from scripts.command_line import run_command

ARGUMENTS = {"channels": [4, 8], "norm": "none"}
DISCS = [(20, 25), (50, 70), (60, 30)]  # row, column


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A network of the real kind whose weights are set by hand: what is dark is foreground."""
    network = Compact(**ARGUMENTS)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        network.stem.weight[0, :, 1, 1] = -1.0  # feature 0: darkness, -3 to 3
        network.exit[-1].weight[2, 0, 1, 1] = 20.0
        network.exit[-1].bias[2] = -10.0  # the logit of m
    path = tmp_path_factory.mktemp("model") / "model.pt"
    save_model(path, network, ModelCard({"_target_": "bundle.networks.compact.Compact", **ARGUMENTS}, mpp=0.5))
    return path


def picture(discs=DISCS):
    """Dark discs of radius 8 px on white, uint8 (80, 100, 3)."""
    image = np.full((80, 100, 3), 240, np.uint8)
    for centre in discs:
        image[disk(centre, 8, shape=image.shape[:2])] = 40
    return image


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "my #1 images"  # names that configs could not hold
    folder.mkdir()
    Image.fromarray(picture()).save(folder / "a.png")
    tifffile.imwrite(
        folder / "b 100%.tif", picture(DISCS[:1]), photometric="rgb", resolution=(2e4, 2e4), resolutionunit=3
    )
    return folder


def run(*arguments):
    """Exit code of the command line; a message instead of a code is returned as it is."""
    try:
        run_command({"image": segment.image, "folder": segment.folder}, [str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code
    return 0


def content(output):
    """Relative path -> bytes of every file but the record of the runs."""
    files = [path for path in output.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {str(path.relative_to(output)): path.read_bytes() for path in files}


def test_an_image_gives_label_overlay_and_table(images, model, tmp_path):
    assert run("image", images / "a.png", "--output", tmp_path / "out", "--model", model, "--mpp", 0.5) == 0
    out = tmp_path / "out"
    assert set(content(out)) == {"labels/a.tif", "overlays/a.png", "objects/a.csv"}
    label = tifffile.imread(out / "labels/a.tif")
    assert label.dtype == np.uint16 and label.shape == (80, 100)
    assert np.array_equal(label > 0, picture()[..., 0] < 100)
    rows = list(csv.DictReader((out / "objects/a.csv").open()))
    found = [(float(row["y"]), float(row["x"])) for row in rows]
    assert np.allclose(found, DISCS, atol=0.5)
    assert [float(row["area_um2"]) for row in rows] == [0.25 * int(row["area_px"]) for row in rows]
    assert all(float(row["confidence"]) > 0.99 for row in rows)
    assert np.asarray(Image.open(out / "overlays/a.png")).shape == (80, 100, 3)


def test_a_stated_diameter_shows_the_image_at_the_models_size(model, tmp_path):
    """Discs of 16 px that are said to measure 8 px look to the model as at twice their um per px."""
    sized = tmp_path / "sized.pt"
    sized.write_bytes(model.read_bytes())
    card = json.loads(model.with_suffix(".json").read_text())
    sized.with_suffix(".json").write_text(json.dumps({**card, "diameter": 6.0}))
    Image.fromarray(picture()).save(tmp_path / "a.png")
    labels = {}
    for name, options in (("px", ["--diameter", "24px"]), ("um", ["--diameter", "12", "--mpp", 0.5]), ("mpp", [])):
        options = options or ["--mpp", 0.25]
        assert run("image", tmp_path / "a.png", "--output", tmp_path / name, "--model", sized, *options) == 0
        labels[name] = tifffile.imread(tmp_path / name / "labels/a.tif")
    assert labels["mpp"].max() == len(DISCS)
    np.testing.assert_array_equal(labels["px"], labels["mpp"])  # 6 um / 24 px
    np.testing.assert_array_equal(labels["um"], labels["mpp"])  # 0.5 * 6 / 12
    areas = {}
    for name in labels:
        rows = csv.DictReader((tmp_path / name / "objects/a.csv").open())
        areas[name] = [row["area_um2"] for row in rows]
    assert areas["px"] == [""] * len(DISCS)
    assert float(areas["um"][0]) == pytest.approx(4 * float(areas["mpp"][0]), abs=0.03)
    message = str(run("image", tmp_path / "a.png", "--output", tmp_path / "no", "--model", model, "--diameter", "24px"))
    assert "does not say for what diameter" in message


def test_a_picture_and_its_16_bit_twin_have_equal_labels_and_glass_has_no_object(model, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    glass = np.random.default_rng(0).integers(60_275, 61_595, (80, 100, 3)).astype(np.uint16)
    for name, pixels in (("eight", picture()), ("twin", picture().astype(np.uint16) * 257), ("glass", glass)):
        tifffile.imwrite(folder / f"{name}.tif", pixels, photometric="rgb")
    assert run("folder", folder, "--output", tmp_path / "out", "--model", model, "--mpp", 0.5) == 0
    found = {name: tifffile.imread(tmp_path / f"out/labels/{name}.tif") for name in ("eight", "twin", "glass")}
    assert found["eight"].max() == len(DISCS) and not found["glass"].any()
    np.testing.assert_array_equal(found["eight"], found["twin"])


def test_a_stated_range_of_intensities_holds_for_all(model, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    tifffile.imwrite(folder / "dark.tif", picture().astype(np.uint16) * 4, photometric="rgb")
    options = ["--output", tmp_path / "out", "--model", model, "--mpp", 0.5, "--intensity", "0,1020"]
    assert run("folder", folder, *options) == 0
    assert tifffile.imread(tmp_path / "out/labels/dark.tif").max() == len(DISCS)


def test_three_channels_are_read_as_colours_and_planes_chosen_where_that_is_said(model, tmp_path, caplog):
    stack = np.stack([np.full((3, 80, 100), 240, np.uint8), picture().transpose(2, 0, 1)])  # (Z, C, H, W)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", imagej=True, metadata={"axes": "ZCYX"})
    options = ["image", tmp_path / "a.tif", "--output", tmp_path / "out", "--model", model, "--mpp", 0.5]
    assert run(*options) == 1 and "a stack of 2 images" in caplog.text
    assert run(*options, "--plane", 1) == 1 and "--channel rgb takes the first three" in caplog.text
    assert run(*options, "--plane", 1, "--channel", "rgb") == 0
    assert tifffile.imread(tmp_path / "out/labels/a.tif").max() == len(DISCS)


def test_files_that_are_passed_over_are_named(images, model, tmp_path, caplog):
    others = ["b.bmp", "c.webp", "e.gif", "f.jp2", "g.czi", "h.heic"]
    for name in others:
        (images / name).write_bytes(b"x")
    assert run("folder", images, "--output", tmp_path / "out", "--model", model, "--mpp", 0.5) == 0
    assert f"6 files are no PNG, TIFF or JPEG and not used: {', '.join(others)}" in caplog.text


def test_directories_in_a_loop_do_not_stop_the_others(images, model, tmp_path, caplog):
    (images / "loop.tif").write_bytes(b"II*\0\x08\0\0\0\0\0\x08\0\0\0")
    assert run("folder", images, "--output", tmp_path / "out", "--model", model, "--mpp", 0.5) == 1
    assert caplog.text.count("loop.tif: its directories form a loop") == 1
    assert {path.stem for path in (tmp_path / "out/labels").iterdir()} == {"a", "b 100%"}


def test_further_formats_are_written_where_they_are_asked_for(images, model, tmp_path):
    command = ["folder", images, "--output", tmp_path / "out", "--model", model]
    run(*command)
    first = content(tmp_path / "out")
    assert run(*command, "--formats", "geojson,asap", "--simplify", 1) == 0
    further = content(tmp_path / "out")
    names = {
        f"{part}/{name}{end}" for part, end in (("geojson", ".geojson"), ("asap", ".xml")) for name in ("a", "b 100%")
    }
    assert set(further) == set(first) | names and {name: further[name] for name in first} == first
    features = json.loads(further["geojson/a.geojson"])["features"]
    middles = [np.mean(feature["geometry"]["coordinates"][0][:-1], axis=0)[::-1] - 0.5 for feature in features]
    assert np.allclose(middles, DISCS, atol=1)  # row, column, as pixel centres count
    assert run(*command, "--formats", "geojson,asap") == 0  # nothing is missing
    assert content(tmp_path / "out") == further


def test_a_full_disk_ends_the_run_and_the_same_command_goes_on(images, model, tmp_path, full_after):
    command = ["folder", images, "--output", tmp_path / "out", "--model", model]
    with full_after(300):
        said = run(*command)
    assert said.startswith("error: ") and "the same command goes on" in said and "\n" not in said
    assert f"{tmp_path / 'out'}" in said and ".writing" not in said
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != ".run.lock"]
    assert run(*command) == 0 and len(content(tmp_path / "out")) == 6


def test_no_name_forges_a_line_of_the_log(images, model, tmp_path):
    Image.fromarray(picture()).save(images / "c\nINFO all is well\x1b[2J.png")
    root = Path(segment.__file__).parents[1]
    command = [sys.executable, "-m", "scripts.segment", "folder", images, "--output", tmp_path / "out"]
    done = subprocess.run([*command, "--model", model], cwd=root, capture_output=True, text=True, check=True)
    assert "\n    INFO all is well\\x1b[2J.png: 3 objects" in done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("INFO all is well")]


def test_a_folder_takes_each_files_own_spacing(images, model, tmp_path, caplog):
    assert run("folder", images, "--output", tmp_path / "out", "--model", model) == 0
    rows = {name: list(csv.DictReader((tmp_path / f"out/objects/{name}.csv").open())) for name in ("a", "b 100%")}
    assert [len(rows[name]) for name in rows] == [3, 1]
    assert {row["area_um2"] for row in rows["a"]} == {""}  # a PNG says nothing
    assert float(rows["b 100%"][0]["area_um2"]) == 0.25 * int(rows["b 100%"][0]["area_px"])
    assert "a.png: um per px unknown" in caplog.text


def test_what_is_there_is_kept_unless_overwriting_is_asked_for(images, model, tmp_path, caplog):
    command = ["folder", images, "--output", tmp_path / "out", "--model", model]
    run(*command)
    first = content(tmp_path / "out")
    (tmp_path / "out/labels/a.tif").write_text("edited by hand")
    (tmp_path / "out/objects/a.csv").unlink()  # as after a cut
    caplog.clear()
    assert run(*command) == 0
    assert "labels/a.tif has other bytes than were written, and is kept as it is" in caplog.text
    assert content(tmp_path / "out") == first | {"labels/a.tif": b"edited by hand"}
    assert run(*command, "--overwrite") == 0
    assert content(tmp_path / "out") == first


def test_finished_images_are_not_read_again(images, model, tmp_path):
    command = ["folder", images, "--output", tmp_path / "out", "--model", model]
    run(*command)
    (images / "a.png").write_bytes(b"no image any more")
    assert run(*command) == 0


def test_a_corrupt_file_is_reported_and_the_others_are_done(images, model, tmp_path):
    """Run as a program, from another directory."""
    (images / "c.png").write_bytes((images / "a.png").read_bytes()[:60])
    command = [
        sys.executable,
        "-m",
        "scripts.segment",
        "folder",
        images,
        "--output",
        "out",
        "--model",
        model,
        "--device",
        "cpu",
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(segment.__file__).parents[1])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "c.png" in done.stderr and "2 segmented, 0 already there, 1 failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in (tmp_path / "out/labels").iterdir()} == {"a.tif", "b 100%.tif"}


@pytest.mark.parametrize("augmentation", ["flips", "eight"])
def test_more_views_find_the_same_in_an_easy_image(images, model, tmp_path, augmentation):
    command = [
        "image",
        images / "a.png",
        "--output",
        tmp_path / "out",
        "--model",
        model,
        "--augmentation",
        augmentation,
    ]
    assert run(*command) == 0
    assert np.array_equal(tifffile.imread(tmp_path / "out/labels/a.tif") > 0, picture()[..., 0] < 100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["image", "{images}/none.png"], "none.png: no such file"),
        (["image", "{images}"], "use `folder`"),
        (["folder", "{images}/a.png"], "no such folder"),
        (["folder", "{model}"], "holds no image"),
        (["image", "{images}/a.png", "--model", "{images}/m.pt"], "m.pt: no such model"),
        (["image", "{images}/a.png", "--mpp", "0"], "mpp is 0"),
        (["image", "{images}/a.png", "--mpp", "fine"], "mpp is 'fine'"),
        (["image", "{images}/a.png", "--device", "cuda:99"], "device is 'cuda:99'"),
        (["image", "{images}/a.png", "--augmentation", "nine"], "augmentation is 'nine'"),
        (["image", "{images}/a.png", "--formats", "geojson,shp"], "formats holds 'shp'"),
        (["image", "{images}/a.png", "--simplify", "-1"], "simplify is -1"),
        (["folder", "{images}", "--output", "{images}"], "name another"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(images, model, tmp_path, arguments, message):
    filled = [argument.format(images=images, model=model.parent) for argument in arguments]
    before = content(tmp_path)
    for option, value in (("--output", tmp_path / "out"), ("--model", model)):
        filled += [] if option in filled else [option, value]
    assert message in str(run(*filled))
    assert content(tmp_path) == before


def test_two_images_of_one_base_name_are_refused(images, model, tmp_path):
    Image.fromarray(picture()).save(images / "a.jpg")
    assert "has the base name of" in run("folder", images, "--output", tmp_path / "out", "--model", model)


def test_help_names_every_option(monkeypatch, capsys):
    monkeypatch.setenv("PAGER", "cat")
    assert run("folder", "--help") == 0
    text = "".join(capsys.readouterr())
    for option in ("input", "output", "model", "mpp", "device", "augmentation", "overwrite", "formats", "simplify"):
        assert f"--{option}" in text or option.upper() in text
