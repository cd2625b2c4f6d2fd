# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What pip installs works away from the repository, with the configurations and weights that it has put beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from skimage.data import immunohistochemistry

from bundle.files.bundle_root import INSTALLED, find_root
from bundle.files.labels import read_label
from bundle.files.writers import write_png
from scripts.console import COMMANDS, main, usage

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `pip install .` has written to, without dependencies and without the network."""
    pytest.importorskip("setuptools", minversion="77")
    copy, target = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("installed")
    for name in ("pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)  # a copy, since pip writes into the folder that it builds from
    for name in ("bundle", "transforms", "scripts", "configs", "models"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(copy)], check=True)
    return target


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the console command as installed, from a folder that is none of ours."""
    command = [sys.executable, str(installed / "bin" / "points-to-nuclei"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_it_segments_with_the_weights_that_it_brings(installed: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", immunohistochemistry()[:160, :160])
    ended = run(installed, tmp_path, "segment", "image", "a.png", "--output", "found", "--mpp", "0.5")
    assert ended.returncode == 0, ended.stderr
    assert str(installed / "bundle" / INSTALLED) in ended.stderr
    assert read_label(tmp_path / "found" / "labels" / "a.tif").max() > 5


@pytest.mark.slow
def test_it_finds_its_configurations(installed: Path, tmp_path: Path) -> None:
    code = "from bundle.simulation.dataset import write_dataset; write_dataset('data', 3, (64, 64), testing=1)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    options = ["--dataset_dir", "data", "--output_dir", "out", "--preset", "smoke", "--variant", "real_only"]
    ended = run(installed, tmp_path, "pipeline", "plan", *options)
    assert ended.returncode == 0 and "2 training images" in ended.stderr, ended.stderr


def test_it_holds_what_it_needs_and_no_weights_of_other_terms(installed: Path) -> None:
    assert sorted(path.name for path in installed.iterdir() if "." not in path.name) == [
        "bin",
        "bundle",
        "scripts",
        "transforms",
    ]
    copied = {part: installed / "bundle" / INSTALLED / part for part in ("configs", "models")}
    assert {p.relative_to(ROOT / "configs") for p in (ROOT / "configs").rglob("*.*")} == {
        p.relative_to(copied["configs"]) for p in copied["configs"].rglob("*.*")
    }
    assert (copied["models"] / "model.pt").read_bytes() == (ROOT / "models" / "model.pt").read_bytes()
    assert [path.name for path in copied["models"].iterdir() if "noncommercial" in path.name] == []
    assert (installed / "bundle" / "report" / "page.css").is_file()
    assert not (installed / "scripts" / "experiments").exists()


def test_its_version_is_the_one_place_has(installed: Path) -> None:
    version = json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]
    assert (installed / f"points_to_nuclei-{version}.dist-info").is_dir()


def test_a_checkout_is_its_own_root_and_a_bare_package_has_one_inside(tmp_path: Path) -> None:
    assert find_root(ROOT / "bundle") == ROOT
    assert find_root(tmp_path / "bundle") == tmp_path / "bundle" / INSTALLED


def test_the_console_names_every_command_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    internal = {"__init__", "command_line", "console", "segment_options", "segment_slides", "typed_options"}
    assert set(COMMANDS) == {path.stem for path in (ROOT / "scripts").glob("*.py")} - internal
    with pytest.raises(SystemExit) as ended:
        main(["sgment", "image"])
    assert ended.value.code == 2 and "'sgment' is no command" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0 and capsys.readouterr().out == usage()


def test_the_console_passes_arguments_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["points-to-nuclei"])
    with pytest.raises(SystemExit) as ended:
        main(["prepare-data", "points", "--input", "nowhere", "--images", "nowhere", "--output", "nothing"])
    assert str(ended.value.code).startswith("error: nowhere")
