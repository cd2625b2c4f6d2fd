# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees: progress, the loss table, the log file."""

from __future__ import annotations

import io
import json
import logging

import pytest
import torch
from ignite.engine import Events

from bundle.engines.handlers import LossTable, Progress
from bundle.engines.log_file import LogFile


class Terminal(io.StringIO):
    def isatty(self):
        return True


def rows(path):
    return [line.split(",") for line in path.read_text().splitlines()]


def test_the_table_has_one_row_per_reading(tiny, tmp_path):
    path = tmp_path / "new" / "losses.csv"
    means = []
    trainer = tiny.segmentation_trainer(log_every=5, handlers=[LossTable(path)])
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda e: means.append(e.state.output["dice"].item()))
    trainer.run()
    header, *table = rows(path)
    assert header == ["step", "seconds", "offset", "gradient", "dice", "cross_entropy", "total"]
    assert [row[0] for row in table] == ["5", "10", "12"]
    assert float(table[0][4]) == pytest.approx(sum(means[:5]) / 5, rel=1e-4)
    assert float(table[2][4]) == pytest.approx(sum(means[10:]) / 2, rel=1e-4)
    assert [float(row[1]) for row in table] == sorted(float(row[1]) for row in table)


def test_a_resumed_run_drops_later_and_broken_rows(tiny, tmp_path):
    path = tmp_path / "losses.csv"
    tiny.segmentation_trainer(log_every=2, handlers=[LossTable(path)]).run()
    whole = rows(path)
    path.write_text(path.read_text()[:-20])  # the kill came while the last row was written
    trainer = tiny.segmentation_trainer(log_every=2, handlers=[LossTable(path)])
    trainer.load_state_dict({"iteration": 6, "epoch_length": 4, "seconds": 1})
    trainer.run()
    assert [row[0] for row in rows(path)] == [row[0] for row in whole]
    assert rows(path)[:4] == whole[:4]


def test_a_fresh_run_begins_a_fresh_table(tiny, tmp_path):
    path = tmp_path / "losses.csv"
    for _ in range(2):
        tiny.segmentation_trainer(max_epochs=1, log_every=2, handlers=[LossTable(path)]).run()
    assert [row[0] for row in rows(path)] == ["step", "2", "4"]


def test_no_bar_but_log_lines_where_there_is_no_terminal(tiny, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    tiny.segmentation_trainer(log_every=2, handlers=[Progress(every_seconds=0)]).run()
    assert "update/s" not in stream.getvalue() and "%|" not in stream.getvalue()
    lines = [record.getMessage() for record in caplog.records if record.name == "bundle.engines.handlers"]
    assert len(lines) == 6
    assert lines[1].startswith("epoch 1/3, update 4/12, ") and "s each, 0:00:0" in lines[1] and "total " in lines[1]


def test_log_lines_come_seldom_but_the_first_and_the_last_always(tiny, caplog):
    caplog.set_level(logging.INFO)
    tiny.segmentation_trainer(log_every=2, handlers=[Progress(every_seconds=1e6)]).run()
    lines = [record.getMessage() for record in caplog.records if record.name == "bundle.engines.handlers"]
    assert [line.split(",")[1] for line in lines] == [" update 2/12", " update 12/12"]


def test_the_bar_of_a_resumed_run_counts_all_updates(tiny, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    trainer = tiny.segmentation_trainer(log_every=2)
    trainer.load_state_dict({"iteration": 6, "epoch_length": 4, "seconds": 1})
    Progress().attach(trainer)
    trainer.run()
    assert " 6/12 " in terminal.getvalue() and "| 12/12 [" in terminal.getvalue()
    assert "epoch 3/3" in terminal.getvalue() and "loss=" in terminal.getvalue()


def test_an_error_at_the_start_is_not_hidden_by_handlers_that_never_began(tiny, tmp_path):
    class Fails:
        def attach(self, engine):
            engine.add_event_handler(Events.STARTED, self)

        def __call__(self):
            raise ValueError("the cause")

    trainer = tiny.segmentation_trainer(
        handlers=[Fails(), Progress(), LossTable(tmp_path / "losses.csv"), LogFile(tmp_path / "train.log")]
    )
    with pytest.raises(ValueError, match="the cause"):
        trainer.run()


def test_the_log_file_begins_with_versions_device_and_settings(tiny, tmp_path):
    path = tmp_path / "train.log"
    handlers = [LogFile(path, {"lr": 0.01, "width": 4}), Progress()]
    tiny.segmentation_trainer(handlers=handlers).run()
    lines = path.read_text().splitlines()
    assert "versions: python 3." in lines[0] and f"torch {torch.__version__}" in lines[0] and "monai" in lines[0]
    assert lines[1].endswith("device: cpu (1 threads), precision float32 (as asked)")
    assert json.loads(lines[2].split("settings: ")[1]) == {"lr": 0.01, "width": 4}
    assert "network 231" in lines[3]  # 4 (27 + 1), 2 x 4, 3 (36 + 1)
    assert lines[4].endswith("run: 3 epochs of 4 updates")
    assert "update 12/12" in lines[-1]


def test_a_full_disk_ends_the_log_file_and_not_the_training(tiny, tmp_path, full_after, caplog, capsys):
    path = tmp_path / "train.log"
    path.write_bytes(bytes(1000))
    with full_after(1000):
        trainer = tiny.segmentation_trainer(handlers=[LogFile(path), Progress()])
        trainer.run()
    assert trainer.state.iteration == 12 and "Traceback" not in capsys.readouterr().err
    assert caplog.text.count("the log goes on without this file") == 1


def test_the_log_file_adds_up_over_runs_keeps_errors_and_lets_go(tiny, tmp_path):
    path = tmp_path / "train.log"
    before = list(logging.getLogger().handlers)
    tiny.segmentation_trainer(max_epochs=1, handlers=[LogFile(path)]).run()
    broken = tiny.segmentation_trainer(max_epochs=1, handlers=[LogFile(path)])
    broken.loss_function = None
    with pytest.raises(TypeError):
        broken.run()
    assert path.read_text().count("versions:") == 2 and "'NoneType' object is not callable" in path.read_text()
    assert logging.getLogger().handlers == before
