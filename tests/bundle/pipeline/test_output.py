# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The output folder: what is refused, and that nothing is ever deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.pipeline.baselines import BASELINES
from bundle.pipeline.output import check_output_dir, hold, set_aside
from bundle.pipeline.stages import METHOD


def test_new_empty_and_own_folders_are_taken(tmp_path: Path) -> None:
    check_output_dir(tmp_path / "new")
    check_output_dir(tmp_path)
    for name in (*(stage.folder for stage in METHOD), "baselines", "replaced", "examples"):
        (tmp_path / name).mkdir()
    (tmp_path / ".DS_Store").touch()
    with hold(tmp_path):
        check_output_dir(tmp_path)


def test_other_contents_are_refused_and_stay(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(FileExistsError, match="holds 'thesis.docx', which no stage wrote"):
        check_output_dir(tmp_path)
    assert (tmp_path / "thesis.docx").read_text() == "mine"
    with pytest.raises(NotADirectoryError, match="is a file"):
        check_output_dir(tmp_path / "thesis.docx")


def test_a_foreign_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "mine.html").touch()
    with pytest.raises(FileExistsError, match="report was not written by the pipeline"):
        check_output_dir(tmp_path)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with hold(tmp_path), pytest.raises(BlockingIOError, match="another run writes there"), hold(tmp_path, seconds=0.05):
        pass
    with hold(tmp_path, seconds=0.05):
        pass


def test_an_error_lets_go_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyError), hold(tmp_path):
        raise KeyError
    with hold(tmp_path, seconds=0.05):
        assert "process" in (tmp_path / "pipeline.lock").read_text()
    assert not list(tmp_path.iterdir())


def make_folders(output: Path) -> list:
    stages = [*METHOD, *BASELINES["dense"].stages]
    for stage in stages:
        (output / stage.folder).mkdir(parents=True)
        (output / stage.folder / "result").touch()
    return stages


def test_set_aside_moves_all_that_was_made_from_it(tmp_path: Path) -> None:
    moved = set_aside(tmp_path, make_folders(tmp_path), "synthetic")
    assert [path.name for path in moved] == ["synthetic-1", "segmentation-1", "predictions-1"]
    assert all((path / "result").is_file() for path in moved)
    assert (tmp_path / "synthesis").is_dir() and (tmp_path / "baselines/dense/segmentation").is_dir()


def test_set_aside_by_folder_leaves_stages_of_the_same_name(tmp_path: Path) -> None:
    moved = set_aside(tmp_path, make_folders(tmp_path), "baselines/dense/segmentation")
    assert [path.name for path in moved] == ["dense-segmentation-1", "dense-predictions-1"]
    assert (tmp_path / "segmentation").is_dir()


def test_set_aside_twice_keeps_both(tmp_path: Path) -> None:
    stages = make_folders(tmp_path)
    set_aside(tmp_path, stages, "predictions")
    (tmp_path / "predictions").mkdir()
    assert [path.name for path in set_aside(tmp_path, stages, "predictions")] == ["predictions-2"]
    assert (tmp_path / "replaced" / "predictions-1" / "result").is_file()
