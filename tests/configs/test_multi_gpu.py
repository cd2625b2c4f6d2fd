# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1 in two processes, as torchrun starts them: the losses of one process, and what happens when one is killed."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import ignite.distributed as idist
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from bundle.engines.checkpoint import latest_checkpoint, list_checkpoints, step_of
from bundle.files.manifest_file import read_manifest
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("train_synthesis.yaml", "presets/smoke.yaml")
OVERLAY = "multi_gpu_synthesis.yaml"
LONG = {"synthesis_epochs": 500, "checkpoint_seconds": 0, "train::trainer::log_every": 3}  # epochs of 3 updates


def paths(*names):
    return [str(ROOT / "configs" / name) for name in names]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two training images, 80 x 80 px."""
    return write_dataset(tmp_path_factory.mktemp("multi_gpu") / "data", images=2, size=(80, 80), seed=1, testing=0)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def alone(dataset, folder, **overrides):
    """Stage 1 in this process."""
    folders = {"dataset_dir": str(dataset), "output_dir": str(folder), "bundle_root": str(ROOT)}
    workflow = ConfigWorkflow(paths(*LAYERS), workflow_type="train", logging_file=False, **folders, **overrides)
    workflow.initialize()
    workflow.run()
    workflow.finalize()


def start(dataset, folder, *variants, processes=2, **overrides):
    """Stage 1 in several processes; their output goes to a file beside the folder."""
    layers = paths(*LAYERS, *variants, OVERLAY)
    options = {"dataset_dir": dataset, "output_dir": folder, "bundle_root": ROOT, **overrides}
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [*torchrun, "-m", "monai.bundle", "run", "--config_file", str(layers)]
    words = [word for name, value in options.items() for word in (f"--{name.replace('::', '#')}", str(value))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    with open(said_by(folder), "a") as file:
        return subprocess.Popen(
            [sys.executable, *command, *words], cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT
        )


def said_by(folder):
    return folder.with_suffix(".out")


def worker(launcher, rank):
    """The id of a process that torchrun started."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    [found] = [int(pid) for pid in children if f"\0RANK={rank}\0" in Path(f"/proc/{pid}/environ").read_text()]
    return found


def rows(folder):
    """Rows of the table of losses by update, without the seconds."""
    with open(folder / "losses.csv", newline="") as file:
        table = {int(row["step"]): row for row in csv.DictReader(file)}
    return {step: {k: float(v) for k, v in row.items() if k not in ("step", "seconds")} for step, row in table.items()}


@pytest.fixture(scope="module")
def killed(dataset):
    """A run whose process 1 was killed in the cycle, after the checkpoint at update 6, and how it ended."""
    folder = dataset.parent / "killed"
    launcher = start(dataset, folder, **LONG)
    try:
        while not (saved := list_checkpoints(folder)) or step_of(saved[-1]) < 6:
            assert launcher.poll() is None, said_by(folder).read_text()[-5000:]
            time.sleep(0.05)
        pid, since = worker(launcher, 1), time.monotonic()
        os.kill(pid, signal.SIGKILL)
        code = launcher.wait(60)
        return {"folder": folder, "pid": pid, "code": code, "seconds": time.monotonic() - since}
    finally:
        launcher.kill()


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the process to kill in /proc")


@pytest.mark.slow
@needs_proc
def test_the_losses_are_those_of_one_process(dataset, killed):
    """Of the warm start and of the cycle, as far as it came; the learning rates fall only in the last quarter."""
    folder = dataset.parent / "alone"
    alone(dataset, folder, **{**LONG, "synthesis_epochs": 3})
    for stage in ("warm_start", ""):
        expected, found = rows(folder / stage), rows(killed["folder"] / stage)
        for step in (3, 6) if stage == "" else (6,):
            assert found[step] == pytest.approx(expected[step], abs=1e-5, rel=1e-5)


@pytest.mark.slow
@needs_proc
def test_a_killed_process_ends_the_run_with_its_number_and_the_way_on(killed):
    assert killed["code"] != 0 and killed["seconds"] < 20
    message = f"training stopped: process 1 of 2 (pid {killed['pid']}) ended"
    for text in (said_by(killed["folder"]).read_text(), (killed["folder"] / "train.log").read_text()):
        assert text.count(message) == 1 and "--resume True goes on from the newest checkpoint" in text
    assert not read_manifest(killed["folder"])["complete"]


@pytest.mark.slow
@needs_proc
def test_the_killed_run_goes_on_in_one_process_and_in_two(dataset, killed):
    for place, processes in enumerate(("one", "two")):
        folder = Path(shutil.copytree(killed["folder"], dataset.parent / f"resumed_by_{processes}"))
        step = step_of(latest_checkpoint(folder))
        options = {**LONG, "synthesis_epochs": step // 3 + 2, "resume": True}
        if processes == "one":
            alone(dataset, folder, **options)
        else:
            assert start(dataset, folder, **options).wait(300) == 0, said_by(folder).read_text()[-5000:]
        log = (folder / "train.log").read_text()
        assert re.search(rf"resumed from .*{step:08d}.pt at update {step} of {step + 6}", log)
        assert log.count("versions:") == 2 and ("in 2 processes" in log.split("versions:")[2]) == (place == 1)
        assert [step_of(path) for path in list_checkpoints(folder)] == [step + 6]
        assert sorted(rows(folder))[-2:] == [step + 3, step + 6]
        written = {"generator.pt", "generator.json", "generator_average.pt", "generator_average.json", "segmenter.pt"}
        assert read_manifest(folder)["complete"] and written <= set(read_manifest(folder)["written"])


# the overlay without other processes


@pytest.fixture
def pretend(monkeypatch):
    """Let this process believe that it is the first of two."""
    monkeypatch.setattr(idist, "initialize", lambda backend, timeout: None)
    monkeypatch.setattr(idist, "get_world_size", lambda: 2)
    for name, value in (("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "2"), ("CUDA_VISIBLE_DEVICES", "")):
        monkeypatch.setenv(name, value)


def overlaid(dataset, *variants, **overrides):
    """The workflow, initialized."""
    layers, folder = paths(*LAYERS, *variants, OVERLAY), str(dataset)
    workflow = ConfigWorkflow(layers, workflow_type="train", logging_file=False, dataset_dir=folder, **overrides)
    workflow.initialize()
    return workflow


@pytest.mark.parametrize("name", ["synthesis_batch_size", "warm_start_batch_size"])
def test_a_batch_that_cannot_be_shared_is_refused_before_anything_is_written(dataset, pretend, name):
    folder = dataset.parent / "odd"
    with pytest.raises(RuntimeError) as error:
        overlaid(dataset, output_dir=str(folder), **{name: 3}).run()
    cause = error.value
    while cause.__cause__ is not None:
        cause = cause.__cause__
    assert f"{name} is 3, the whole batch, and 2 processes cannot share it evenly" in str(cause)
    assert not folder.exists()


def config(*names):
    return ConfigParser.load_config_files(paths(*names))


def test_the_overlay_runs_what_the_configuration_runs():
    """The same steps in the same order; those that write are left to the first process."""
    plain, shared = config("train_synthesis.yaml"), config("train_synthesis.yaml", OVERLAY)
    for name, added in (("run", 2), ("cycle", 0), ("finalize", 1)):
        steps = [step.replace("$is_first_process() and ", "$") for step in shared[name]]
        assert [step for step in steps if step in plain[name]] == plain[name]
        assert len(steps) == len(plain[name]) + added


@pytest.mark.parametrize("variant", ["published", "plain_cyclegan"])
def test_all_streams_of_a_variant_cut_their_share_of_the_batch(dataset, pretend, variant):
    parser = overlaid(dataset, f"variants/{variant}.yaml").parser
    stream = parser.get_parsed_content("synthesis_stream")
    streams = [stream.masks, stream.images] if variant == "plain_cyclegan" else [stream]
    streams.append(parser.get_parsed_content("warm_start::dataloader"))
    assert [part.batch_size for part in streams] == [1] * len(streams)  # 2 in the smoke preset
