# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Blocks on other processes: the same results, also when one of them is killed, and wherever they were started."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
import torch

from bundle.slide_segmentation.cluster import _outcome_of_future, executor_of, pack_code
from bundle.slide_segmentation.execution import InProcess, task_from
from bundle.slide_segmentation.job import SlideJob

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
CPU = torch.device("cpu")


class KillsOne:
    """An executor around another one: a worker is killed, as by `kill -9`, when two blocks are there."""

    def __init__(self, executor, kill):
        self.executor, self.kill, self.seen = executor, kill, 0

    @property
    def threads(self):
        return self.executor.threads

    def outcomes(self, tasks):
        for each in self.executor.outcomes(tasks):
            self.seen += 1
            if self.seen == 2:
                self.kill()
            yield each


@pytest.mark.slow
def test_a_local_cluster_that_loses_a_process_gives_the_same(bench, benches):
    expected = benches.results(bench.run("a", block=64, tile=64, threads=1))
    with executor_of(None, 2, CPU) as executor:
        pids = executor.client.run(os.getpid)
        assert len(set(pids.values()) | {os.getpid()}) == 3
        killing = KillsOne(executor, lambda: os.kill(min(pids.values()), signal.SIGKILL))
        folder = bench.run("b", killing, block=64, tile=64, threads=1)
        assert benches.results(folder) == expected and killing.seen == 20
        deadline = time.monotonic() + 60
        while (
            len(now := executor.client.run(os.getpid)) < 2 and time.monotonic() < deadline
        ):  # another one takes its place
            time.sleep(0.1)
        assert set(now.values()) != set(pids.values())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_so_many_processes_as_asked_for(workers):
    with executor_of(None, workers, CPU) as executor:
        assert sorted(executor.client.nthreads().values()) == [1] * workers


@pytest.fixture
def scheduler(tmp_path):
    """Address and processes of a scheduler and two workers, started in an empty folder, far from this project."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    said = elsewhere / "scheduler.json"
    commands = [["distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(said)]]
    worker = ["distributed.cli.dask_worker", "--scheduler-file", str(said), "--nthreads", "1", "--no-dashboard"]
    commands += [[*worker, "--no-nanny", "--name", name] for name in ("one", "two")]
    with ExitStack() as stack:
        processes = []
        for command in commands:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=elsewhere, env=environment, stderr=subprocess.DEVNULL
            )
            processes.append(stack.enter_context(process))
            stack.callback(process.kill)
            while command is commands[0] and not said.exists():
                time.sleep(0.1)
        yield json.loads(said.read_text())["address"], processes


@pytest.mark.slow
def test_workers_elsewhere_are_sent_the_code_and_may_be_killed(bench, benches, scheduler):
    """Several slides at once."""
    address, (_, *workers) = scheduler
    other = bench.folder / "other.tif"
    other.write_bytes(bench.slide.read_bytes())
    slides = [bench.slide, other]
    expected = benches.results(bench.run("a", threads=1))
    with executor_of(address, None, CPU) as executor:
        executor.client.wait_for_workers(2)
        killing = KillsOne(executor, workers[0].kill)
        folder = bench.run("b", killing, slides, threads=1)
    assert workers[0].wait() == -signal.SIGKILL
    assert benches.results(folder) == expected
    same = benches.results(bench.folder / "b/other")
    assert {name: same[name] for name in ("objects.csv", "overview.png")} == {
        name: expected[name] for name in ("objects.csv", "overview.png")
    }


@pytest.mark.slow
def test_a_scheduler_that_is_gone_is_told(bench, scheduler):
    address, processes = scheduler
    timeouts = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    message = "scheduler is gone .* give the same command again"
    with timeouts, pytest.raises(ConnectionError, match=message), executor_of(address, None, CPU) as executor:
        bench.run("a", KillsOne(executor, processes[0].kill), block=64, tile=64)
    assert list((bench.folder / "a/slide/blocks").iterdir())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("No module named 'torch'"), r"a worker lacks a package \(No module named 'torch'\)"),
        (KeyError("x"), "a worker stopped with KeyError: 'x'"),
    ],
)
def test_what_goes_wrong_on_a_worker_fails_the_slide_alone(error, message):
    class Ended:
        def exception(self):
            return error

    outcome = _outcome_of_future(Ended())
    assert isinstance(outcome, RuntimeError) and re.match(message, str(outcome))


def test_a_task_survives_its_way(bench):
    job = SlideJob(bench.slide, bench.folder / "a/slide", bench.request(threads=1))
    job.begin()
    for task in job.tasks():
        assert task_from(task.as_text()) == task
        assert task_from(task.as_text()).plan.windows_of(task.block) == task.plan.windows_of(task.block)


def test_code_is_packed_so_that_python_can_import_it(tmp_path):
    packed = pack_code(tmp_path)
    program = "import bundle.slide_segmentation.layout as layout; print(layout.__file__); print(layout.Layout.__name__)"
    environment = {**os.environ, "PYTHONPATH": str(packed)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(packed / "bundle/slide_segmentation/layout.py"), "Layout"]
    assert pack_code(tmp_path).name == packed.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tcp://127.0.0.1:1", None), "no Dask scheduler answers at tcp://127.0.0.1:1"),
        (("nowhere", 2), "scheduler and workers are both given"),
        ((None, -1), "workers is -1"),
        ((None, 1.5), "workers is 1.5"),
    ],
)
def test_mistakes_are_named(arguments, message, monkeypatch):
    monkeypatch.setattr("bundle.slide_segmentation.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(ValueError, match=message), executor_of(*arguments, CPU):
        pass


def test_no_dask_is_needed_in_one_process(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with executor_of(None, 0, CPU) as executor:
        assert isinstance(executor, InProcess)
    with executor_of(None, None, torch.device("cuda")) as executor:
        assert isinstance(executor, InProcess)
    with pytest.raises(ValueError, match="Dask is not installed .*--workers 0"), executor_of(None, 2, CPU):
        pass
