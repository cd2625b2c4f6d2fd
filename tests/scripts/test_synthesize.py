# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets that nobody has taken: as many images as asked for, of a size, density and style, the same for one seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.data.folder import DataFolder
from bundle.files.images import load_image
from bundle.files.writers import write_png
from bundle.inference.model import ModelCard, describe_network, save_model
from bundle.networks.spade import SPADEGenerator
from bundle.networks.unet_generator import UNetGenerator
from bundle.networks.weights import save
from scripts.command_line import run_command
from scripts.synthesize import images as synthesize
from transforms.shapes.draw import draw_label
from transforms.shapes.real_shapes import measure_shapes

MPP = 0.5
SIZE = ("--size", "96,128")


def generator(folder, **options):
    """An untrained generator where stage 1 would have written it."""
    torch.manual_seed(0)
    network = SPADEGenerator(width=2, hidden=4, multipliers=[2, 2, 1], **options)
    folder.mkdir()
    save_model(folder / "generator.pt", network, ModelCard(describe_network(network), MPP, 6.0))
    return folder


def run(*arguments):
    """Exit code of the command line; a message instead of a code is returned as it is."""
    try:
        run_command({"images": synthesize}, ["images", *(str(argument) for argument in arguments)])
    except SystemExit as stop:
        return stop.code
    return 0


@pytest.fixture
def plain(tmp_path):
    return generator(tmp_path / "synthesis")


def test_it_writes_a_data_set_of_so_many_images_of_a_size_and_density(plain, tmp_path):
    output = tmp_path / "pairs"
    assert run("--generator", plain, "--output_dir", output, "--images", 5, *SIZE, "--density", 5000) == 0
    folder = DataFolder(output)
    assert len(folder.training) == 5 and not folder.testing
    counts = []
    for item in folder.training:
        loaded = folder.load(item)
        assert loaded["image"].shape == (3, 96, 128) and loaded["mpp"] == pytest.approx(MPP, rel=1e-4)
        label = folder.load_label(item)
        assert label.shape == (1, 96, 128) and int(label.max()) == len(loaded["points"])
        counts.append(len(loaded["points"]))
    area = 96 * 128 * (MPP / 1000) ** 2  # mm^2
    assert sum(counts) / 5 / area == pytest.approx(5000, rel=0.35)  # Poisson: 15 in an image
    sheet = np.asarray(Image.open(output / "contact_sheet.png"))
    assert sheet.shape == (2 * (192 + 4), 4 * (512 + 4), 3)


def test_a_seed_makes_the_same_images_and_more_of_them_begin_with_the_fewer(plain, tmp_path):
    for name, seed, count in (("one", 3, 2), ("again", 3, 3), ("other", 4, 2)):
        arguments = ["--generator", plain, "--output_dir", tmp_path / name, "--images", count, *SIZE, "--seed", seed]
        assert run(*arguments) == 0
    first, again, other = (tmp_path / name / "images" / "synthetic_0001_000.tif" for name in ("one", "again", "other"))
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    points = [tmp_path / name / "points" / "synthetic_0002_000.csv" for name in ("one", "again")]
    assert points[0].read_text() == points[1].read_text()


def test_a_cut_run_goes_on_and_other_options_are_refused(plain, tmp_path):
    arguments = ["--generator", plain, "--output_dir", tmp_path / "pairs", "--images", 2, *SIZE]
    assert run(*arguments) == 0
    kept, lost = (tmp_path / "pairs" / "images" / f"synthetic_000{number}_000.tif" for number in (1, 2))
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    manifest = tmp_path / "pairs" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"complete": true', '"complete": false'))
    lost.unlink()
    assert run(*arguments) == 0
    assert kept.stat().st_mtime_ns == before and lost.read_bytes() == content
    assert "density" in str(run(*arguments, "--density", 4000))


def test_images_are_in_the_style_of_the_reference(tmp_path):
    told = generator(tmp_path / "told", style_channels=6)
    outputs = []
    for name, colour in (("pink", (230, 180, 200)), ("dark", (90, 60, 120))):
        reference = np.full((64, 64, 3), colour, np.uint8)
        write_png(tmp_path / f"{name}.png", reference)
        output = tmp_path / name
        arguments = ["--generator", told, "--output_dir", output, "--images", 1, *SIZE]
        assert run(*arguments, "--style", tmp_path / f"{name}.png") == 0
        outputs.append(load_image(output / "images" / "synthetic_0001_000.tif").image)
    assert not torch.equal(*outputs)
    assert "with --style" in str(run("--generator", told, "--output_dir", tmp_path / "none"))


def test_a_generator_that_paints_into_real_tissue_is_refused(tmp_path):
    network = UNetGenerator(tissue_reach=2, channels=(4, 8))
    (tmp_path / "synthesis").mkdir()
    save_model(tmp_path / "synthesis" / "generator.pt", network, ModelCard(describe_network(network), MPP, 6.0))
    said = str(run("--generator", tmp_path / "synthesis", "--output_dir", tmp_path / "out"))
    assert "real tissue" in said and not (tmp_path / "out").exists()


def test_shapes_of_real_objects_beside_the_generator_are_used(plain, tmp_path):
    wave = [0, 0.4, 0, 0, 0, 0, 0, 0]  # of order 3
    triangles = [[50.0 * (1 + index % 3), 50.0 * (1 + index // 3), 14, 14, 0, *wave] for index in range(9)]
    bank = measure_shapes(draw_label(torch.tensor(triangles), (220, 220)), 12.0)
    assert run("--generator", plain, "--output_dir", tmp_path / "ellipses", "--images", 1, *SIZE) == 0
    save(bank, plain / "shapes.pt")
    assert run("--generator", plain, "--output_dir", tmp_path / "triangles", "--images", 1, *SIZE) == 0
    folders = [DataFolder(tmp_path / name) for name in ("ellipses", "triangles")]
    labels = [folder.load_label(folder.training[0]) for folder in folders]
    amplitudes = [measure_shapes(label, 12.0)[:, 4].median() for label in labels]
    assert amplitudes[1] > 2 * amplitudes[0]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--density", "90000"], "find at most 53"),
        (["--density", "0"], "density is 0"),
        (["--images", "0"], "images is 0"),
        (["--size", "512"], "size is '512'"),
        (["--size", "0,9"], "size is"),
        (["--style", "none.png"], "this generator takes none"),
    ],
)
def test_what_cannot_be_painted_is_refused_before_anything_is_written(plain, tmp_path, arguments, says):
    assert says in str(run("--generator", plain, "--output_dir", tmp_path / "pairs", *arguments))
    assert not (tmp_path / "pairs").exists()


def test_a_reference_of_another_kind_is_refused(tmp_path):
    told = generator(tmp_path / "told", style_channels=6)
    (tmp_path / "text.png").write_text("no image")
    for path in ("text.png", "gone.png"):
        assert path in str(run("--generator", told, "--output_dir", tmp_path / "pairs", "--style", tmp_path / path))
    assert "generator.pt" in str(run("--generator", tmp_path, "--output_dir", tmp_path / "pairs"))


def test_a_run_that_painted_nothing_has_no_generator_and_says_how_to_get_one(tmp_path):
    message = run("--generator", tmp_path, "--output_dir", tmp_path / "pairs", "--images", 1, "--density", 5000)
    assert "generator.pt: no such generator" in message and "--variant painted" in message
    assert not (tmp_path / "pairs").exists()
