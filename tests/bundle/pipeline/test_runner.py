# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The pipeline on tiny stages: skipping, resuming, refusing, restarting, planning, and dying at any time."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bundle.files.manifest_file import read_manifest
from bundle.pipeline.baselines import BASELINES
from bundle.pipeline.output import hold
from bundle.pipeline.pipeline import run_pipeline
from bundle.pipeline.plan import Pace, describe_plan, estimate, rehearse
from bundle.pipeline.request import Request
from bundle.pipeline.runner import StageError, describe_seconds
from bundle.pipeline.stage_run import StageRun, StaleStageError
from bundle.pipeline.stages import METHOD, Stage

MakeRequest = Callable[..., Request]
REPOSITORY = Path(__file__).resolve().parents[3]


def updates(request: Request) -> list[int]:
    """The updates that the training stage did, in order, over all its sessions."""
    return [int(number) for number in (request.output_dir / "synthesis" / "updates.txt").read_text().split()]


def complete(folder: Path) -> bool:
    return bool((read_manifest(folder) or {}).get("complete"))


def test_run_writes_every_stage_and_the_report(make_request: MakeRequest, stages: list[Stage]) -> None:
    request = make_request()
    page = run_pipeline(request, stages)
    assert page == request.output_dir / "report" / "index.html" and page.is_file()
    assert updates(request) == [1, 2, 3]  # the preset's three, and those of the rehearsal left no trace
    seen = (request.output_dir / "predictions" / "seen.txt").read_text()
    assert seen == f"{request.output_dir / 'synthesis'} testing hello"
    assert all(complete(request.output_dir / name) for name in ("synthesis", "predictions", "report"))
    assert not (request.output_dir / "pipeline.lock").exists()


def test_manifest_says_how_the_stage_was_made(make_request: MakeRequest, stages: list[Stage]) -> None:
    request = make_request(variant="wide", seed=7, overrides={"train/updates": 2})
    run_pipeline(request, stages)
    manifest = read_manifest(request.output_dir / "synthesis")
    assert manifest is not None
    chosen = {name: manifest["settings"][name] for name in ("updates", "width", "seed", "split")}
    neutral = {"dataset_dir", "output_dir", "device", "resume"}
    assert not {*neutral, "of_another_stage"} & set(manifest["settings"])
    assert chosen == {"updates": 2, "width": 8, "seed": 7, "split": "training"}
    assert set(manifest["inputs"]) == {"images/a.png", "images/b.png", "points/a.csv", "points/b.csv"}
    assert "configs/presets/tiny.yaml" in manifest["record"]["config_files"]
    assert set(manifest["written"]) == {"count.txt", "updates.txt"}
    downstream = read_manifest(request.output_dir / "predictions")
    assert downstream is not None and "synthesis/manifest.json" in downstream["inputs"]


def test_what_is_done_is_skipped(
    make_request: MakeRequest, stages: list[Stage], caplog: pytest.LogCaptureFixture
) -> None:
    request = make_request()
    run_pipeline(request, stages)
    before = (request.output_dir / "synthesis" / "manifest.json").read_bytes()
    caplog.clear()
    with caplog.at_level("INFO"):
        run_pipeline(request, stages)
    assert (request.output_dir / "synthesis" / "manifest.json").read_bytes() == before
    assert updates(request) == [1, 2, 3]
    assert "nothing is left to do but the report" in caplog.text and "timing" not in caplog.text


def test_other_settings_are_refused_by_name_before_anything_runs(
    make_request: MakeRequest, stages: list[Stage]
) -> None:
    run_pipeline(make_request(), stages)
    with pytest.raises(
        StaleStageError, match=r"setting updates changed from 3 to 9[\s\S]*--restart synthesis"
    ) as raised:
        run_pipeline(make_request(overrides={"updates": 9}), stages)
    assert "width" not in str(raised.value)


def test_other_images_are_refused_by_name(make_request: MakeRequest, stages: list[Stage], dataset_dir: Path) -> None:
    request = make_request()
    run_pipeline(request, stages)
    (dataset_dir / "points" / "a.csv").write_text("x,y\n5,5\n")
    with pytest.raises(StaleStageError, match="input points/a.csv changed"):
        run_pipeline(request, stages)


def test_device_and_place_do_not_matter(make_request: MakeRequest, stages: list[Stage], tmp_path: Path) -> None:
    run_pipeline(make_request(), stages)
    (tmp_path / "out").rename(tmp_path / "moved")
    request = make_request(output_dir=tmp_path / "moved")
    run_pipeline(request, stages)
    assert updates(request) == [1, 2, 3]


def test_a_result_that_was_deleted_is_missed(make_request: MakeRequest, stages: list[Stage]) -> None:
    request = make_request()
    run_pipeline(request, stages)
    (request.output_dir / "synthesis" / "count.txt").unlink()
    with pytest.raises(StaleStageError, match="count.txt is gone"):
        run_pipeline(request, stages)


def test_restart_moves_a_stage_and_its_readers_aside(make_request: MakeRequest, stages: list[Stage]) -> None:
    run_pipeline(make_request(), stages)
    request = make_request(overrides={"updates": 2})
    run_pipeline(request, stages, restart="synthesis")
    assert updates(request) == [1, 2]
    replaced = request.output_dir / "replaced"
    assert (replaced / "synthesis-1" / "updates.txt").read_text() == "1 2 3 "
    assert complete(replaced / "predictions-1")
    with pytest.raises(ValueError, match="'training', which is not in this run: choose one of synthesis, predictions"):
        run_pipeline(request, stages, restart="training")


def test_plan_only_runs_nothing(make_request: MakeRequest, stages: list[Stage]) -> None:
    request = make_request()
    assert run_pipeline(request, stages, plan_only=True) is None
    assert not list(request.output_dir.iterdir())


def test_without_held_out_images_the_training_images_are_segmented(
    make_request: MakeRequest, stages: list[Stage], dataset_dir: Path
) -> None:
    (dataset_dir / "split.json").unlink()
    request = make_request()
    run_pipeline(request, stages)
    assert "training" in (request.output_dir / "predictions" / "seen.txt").read_text()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"preset": "huge"}, "preset is 'huge': choose one of tiny"),
        ({"variant": "narrow"}, "variant is 'narrow': choose one of wide"),
        ({"overrides": {"widht": 1}}, "did you mean width"),
    ],
)
def test_unknown_names_are_refused(make_request: MakeRequest, stages: list[Stage], fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run_pipeline(make_request(**fields), stages)


def test_bad_data_is_refused_before_anything_is_written(
    make_request: MakeRequest, stages: list[Stage], dataset_dir: Path
) -> None:
    (dataset_dir / "points" / "b.csv").write_text("x,y\n99,4\n")
    request = make_request()
    with pytest.raises(ValueError, match="b.csv"):
        run_pipeline(request, stages)
    assert not request.output_dir.exists()


def test_a_failing_stage_names_the_cause_and_stays_unfinished(make_request: MakeRequest, stages: list[Stage]) -> None:
    request = make_request()
    with pytest.raises(StageError, match=r"predictions stopped: invalid literal for int\(\) with base 10: 'seven'"):
        run_pipeline(request, [stages[0], replace(stages[1], config_files=("refuse.yaml",))])
    assert complete(request.output_dir / "synthesis") and not complete(request.output_dir / "predictions")


def test_a_mistake_in_a_configuration_is_named(make_request: MakeRequest, stages: list[Stage]) -> None:
    with pytest.raises(StageError, match="`@height` is not defined in the config"):
        run_pipeline(make_request(), [stages[0], replace(stages[1], config_files=("undefined.yaml",))])


def start_process(request: Request, stages: list[Stage]) -> subprocess.Popen[bytes]:
    """The same run in a process of its own; both arguments are written as Python."""
    lines = ["import sys", f"sys.path[:0] = [{str(REPOSITORY)!r}, {str(request.bundle_root)!r}]"]
    lines += ["from pathlib import Path, PosixPath, WindowsPath", "from bundle.pipeline.pipeline import run_pipeline"]
    lines += ["from bundle.pipeline.request import Request", "from bundle.pipeline.stages import Stage"]
    lines += [f"run_pipeline({request!r}, {stages!r})"]
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not path.is_file():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_run_goes_on_and_holds_the_folder_until_then(
    make_request: MakeRequest, stages: list[Stage], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "block").touch()
    request = make_request(overrides={"block": str(tmp_path / "block")}, output_dir=tmp_path / "out #1 $HOME")
    process = start_process(request, stages)
    try:
        wait_for(request.output_dir / "synthesis" / "updates.txt", process)  # it hangs in update 2 now
        with pytest.raises(BlockingIOError, match=f"process {process.pid} on"), hold(request.output_dir, seconds=0.1):
            pass
    finally:
        process.kill()
        process.wait()
    assert not complete(request.output_dir / "synthesis")
    (tmp_path / "block").unlink()
    with caplog.at_level("INFO"):
        run_pipeline(request, stages)
    assert updates(request) == [1, 2, 3]
    assert "an earlier run was cut" in caplog.text and "going on from where it was cut" in caplog.text
    manifest = read_manifest(request.output_dir / "synthesis")
    assert manifest is not None and manifest["complete"]
    assert [session["seconds"] is None for session in manifest["sessions"]] == [True, False]


def test_rehearsal_measures_updates_and_leaves_nothing(make_request: MakeRequest, stages: list[Stage]) -> None:
    request = make_request(overrides={"updates": 50})
    [pace] = rehearse(StageRun(request, stages[0]))
    assert pace.updates == 50 and pace.pixels == 2 * 8 * 8 and 0 < pace.seconds < 10
    assert not request.output_dir.exists()


def test_stages_leave_the_logging_alone(make_request: MakeRequest, stages: list[Stage]) -> None:
    handlers, level = list(logging.root.handlers), logging.root.level
    rehearse(StageRun(make_request(), stages[0]))
    run_pipeline(make_request(), stages)
    assert logging.root.handlers == handlers and logging.root.level == level


def test_estimates_by_hand(stages: list[Stage]) -> None:
    paces = (Pace(seconds=1.0, updates=7, pixels=50), Pace(seconds=2.0, updates=30, pixels=100))
    seconds = estimate(stages, {"synthesis": paces}, {"predictions": 1000})
    assert seconds == {"synthesis": 67.0, "predictions": 0.5 * 2.0 * 1000 / 100}


def test_plan_says_what_is_done_what_was_cut_and_how_long(stages: list[Stage]) -> None:
    paces = {"synthesis": (Pace(seconds=0.5, updates=20, pixels=50), Pace(seconds=2.0, updates=3000, pixels=100))}
    seconds = {"synthesis": 6000.0, "predictions": 600.0}
    first, second, total = describe_plan(stages, {"synthesis": "partial", "predictions": "absent"}, paces, seconds)
    work = "20 updates of 0.5 s, then 3000 updates of 2 s, about 1 h 40 min"
    assert first == f"1. synthesis: counts; was cut, goes on: at most {work}"
    assert second == "2. predictions: writes; about 10 min" and total.startswith("in all at most about 1 h 50 min")
    first, _, total = describe_plan(stages, dict.fromkeys(seconds, "done"), {}, {})
    assert first == "1. synthesis: counts; done already" and total == "nothing is left to do but the report"


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.4, "8 s"), (89, "89 s"), (100, "2 min"), (3599, "1 h 00 min"), (12000, "3 h 20 min")]
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert describe_seconds(seconds) == text


def test_the_real_stages_read_only_what_earlier_ones_write() -> None:
    for number, stages in enumerate((METHOD, *(each.stages for each in BASELINES.values()))):
        written = {stage.folder for stage in METHOD} if number else set()  # which baselines may read
        for stage in stages:
            assert set(stage.upstream) <= written and stage.folder not in written
            assert bool(stage.trainers) != bool(stage.paced_by)
            written.add(stage.folder)
    folders = [stage.folder for stages in (METHOD, *(each.stages for each in BASELINES.values())) for stage in stages]
    assert len(set(folders)) == len(folders)
