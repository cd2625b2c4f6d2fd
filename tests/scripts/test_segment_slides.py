# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line for whole slides: what it writes, how it fails, and that a killed run goes on."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.files.image_kinds import raster
from scripts import segment
from scripts.command_line import run_command

ROOT = Path(segment.__file__).parents[1]
SMALL = ["--window", 64, "--tile", 96, "--block", 96, "--largest", 12, "--tissue", "none"]


@pytest.fixture(scope="module")
def helpers():
    """The module with the helpers of the tests of `bundle` (tests are no package)."""
    path = ROOT / "tests/bundle/conftest.py"
    spec = importlib.util.spec_from_file_location("slides_helpers", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bench(helpers, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield helpers.make_bench(tmp_path, blur=0.02)
    torch.set_num_threads(threads)


def run(*arguments):
    """Exit code of the command line; a message instead of a code is returned as it is."""
    try:
        run_command({"slide": segment.slide}, [str(argument) for argument in ("slide", *arguments)])
    except SystemExit as stop:
        return stop.code
    return 0


def arguments(bench, output, *more, slide=None):
    """Of a run in this process, or of another one."""
    return [
        slide or bench.slide,
        "--output",
        bench.folder / output,
        "--model",
        bench.model,
        "--workers",
        0,
        *SMALL,
        *more,
    ]


def test_a_slide_gives_table_polygons_and_overview(bench, helpers):
    assert run(*arguments(bench, "a", "--labels")) == 0
    folder = bench.folder / "a/slide"
    assert {path.name for path in folder.iterdir()} == {
        *("blocks", "manifest.json", "objects.csv", "objects.geojson", "overview.png", "labels.tif", "plan.json")
    }
    assert helpers.results(folder) == helpers.results(bench.run("b", labels=True))
    notes = json.loads((folder / "manifest.json").read_text())["notes"]
    assert notes["objects"] == len((folder / "objects.csv").read_text().splitlines()) - 1 > 60
    assert set(notes["seconds"]) == {"reading", "network", "processing", "collecting"}
    assert notes["mm2"] == pytest.approx(0.152 * 0.128, abs=1e-4)


def test_a_folder_of_slides_is_gone_through_and_a_bad_one_is_reported(bench, caplog):
    caplog.set_level("INFO")
    slides = bench.folder / "slides"
    slides.mkdir()
    for name in ("a", "b"):
        (slides / f"{name}.tif").write_bytes(bench.slide.read_bytes())
    (slides / "d.tif").mkdir()  # no slide
    (slides / "c.tif").write_bytes(bench.slide.read_bytes()[:5000])
    assert run(*arguments(bench, "out", slide=slides)) == 1
    assert "c.tif" in caplog.text and "2 segmented, 0 already there, 1 failed" in caplog.text
    assert all((bench.folder / "out" / name / "objects.csv").is_file() for name in ("a", "b"))
    (slides / "c.tif").unlink()
    assert run(*arguments(bench, "out", slide=slides)) == 0
    assert "0 segmented, 2 already there, 0 failed" in caplog.text


def test_a_tiff_too_large_to_be_held_whole_is_segmented_by_the_command_that_its_message_names(
    bench, helpers, monkeypatch, caplog
):
    monkeypatch.setattr(raster, "MOST_PIXELS", 300_000)  # the slide has 311,296
    images = bench.folder / "my images"
    images.mkdir()
    large = images / "large.tif"
    large.write_bytes(bench.slide.read_bytes())
    Image.fromarray(np.full((40, 50, 3), 240, np.uint8)).save(images / "small.png")
    with pytest.raises(SystemExit) as stop:
        run_command(
            {"folder": segment.folder},
            ["folder", str(images), "--output", str(bench.folder / "labels"), "--model", str(bench.model)],
        )
    assert stop.value.code == 1 and (bench.folder / "labels/labels/small.tif").is_file()  # the others are done
    assert f"{large}: an image of 608 x 512 px would take 311,296 px, and at most 300,000 are allowed" in caplog.text
    (named,) = set(re.findall("`python -m scripts.segment (.*?)`", caplog.text))
    words = [str(bench.folder / "out") if word == "OUT" else word for word in shlex.split(named)]
    assert words[:2] == ["slide", str(large)]
    assert run(*words[1:], "--model", bench.model, "--workers", 0, *SMALL) == 0
    assert len((bench.folder / "out/large/objects.csv").read_text().splitlines()) > 60


@pytest.mark.slow
def test_a_run_killed_in_the_middle_goes_on(bench, helpers):
    command = [sys.executable, "-m", "scripts.segment", "slide", *map(str, arguments(bench, "a"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    blocks = bench.folder / "a/slide/blocks"
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and len(list(blocks.glob("[0-9]*.npz"))) < 2:
            time.sleep(0.002)
        assert run(*arguments(bench, "a")) == 1  # meanwhile nobody else may write there
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in blocks.glob("[0-9]*.npz")}
    assert 2 <= len(done) < 12 and not (bench.folder / "a/slide/objects.csv").exists()
    assert run(*arguments(bench, "a")) == 0
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    assert helpers.results(bench.folder / "a/slide") == helpers.results(bench.run("b"))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_ctrl_c_stops_all_processes_in_one_line(bench, workers):
    """A terminal sends it to all of them."""
    command = [*map(str, arguments(bench, "a")), "--workers", str(workers), "--augmentation", "eight"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.segment", "slide", *command],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests run in the background inherit SIG_IGN
    )
    with process:
        while process.poll() is None and not list((bench.folder / "a/slide/blocks").glob("[0-9]*.npz")):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "Traceback" not in said
    assert f"stopped; the same command goes on with the blocks that are missing in {bench.folder}/a" in said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["{folder}/none.svs"], "none.svs: no such slide, and no such folder"),
        (["{folder}/empty"], "empty: holds no slide"),
        (["{folder}/links"], "a.tif and {folder}/links/b.tif are the same file: remove one of the links"),
        (["{slide}", "--model", "{folder}/m.pt"], "m.pt: no such model"),
        (["{slide}", "--mpp", "-1"], "mpp is -1"),
        (["{slide}", "--device", "cuda:99"], "device is 'cuda:99'"),
        (["{slide}", "--augmentation", "nine"], "augmentation is 'nine'"),
        (["{slide}", "--tile", "0"], "tile is 0"),
        (["{slide}", "--block", "1e3"], "block is '1e3'"),
        (["{slide}", "--largest", "big"], "largest is 'big'"),
        (["{slide}", "--channel", "-1"], "channel is -1"),
        (["{slide}", "--tissue", "most"], "tissue is 'most'"),
        (["{folder}", "--output", "{folder}"], "is the folder of the slides"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(bench, given, message):
    (bench.folder / "empty").mkdir()
    (bench.folder / "links").mkdir()
    for name in ("a", "b"):
        (bench.folder / f"links/{name}.tif").symlink_to(bench.slide)
    before = sorted(bench.folder.rglob("*"))
    filled = [each.format(folder=bench.folder, slide=bench.slide) for each in given]
    for option, value in (("--output", bench.folder / "out"), ("--model", bench.model), ("--workers", 0)):
        filled += [] if option in filled else [option, value]
    assert message.format(folder=bench.folder) in str(run(*filled))
    assert sorted(bench.folder.rglob("*")) == before


def test_a_slide_without_spacing_is_refused_until_it_is_given(bench, helpers, caplog):
    helpers.write_svs(bench.slide, helpers.noise(200, 240, 3), None)
    assert run(*arguments(bench, "a")) == 1
    assert "slide.tif: does not say its um per px: give --mpp" in caplog.text
    assert run(*arguments(bench, "a", "--mpp", 0.25)) == 0


def test_help_names_every_option(monkeypatch, capsys):
    monkeypatch.setenv("PAGER", "cat")
    assert run("--help") == 0
    text = "".join(capsys.readouterr())
    for option in (
        "input",
        "output",
        "model",
        "tissue",
        "channel",
        "labels",
        "largest",
        "block",
        "workers",
        "scheduler",
    ):
        assert f"--{option}" in text or option.upper() in text
