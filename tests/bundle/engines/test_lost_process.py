# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is said of a process that is gone, by whom, and that SIGTERM is heard while the main thread waits."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import ignite.distributed as idist
import pytest

from bundle.engines import lost_process
from bundle.engines.lost_process import LostProcessError, Others, on_sigterm, watch_processes


@pytest.fixture(scope="module")
def dead():
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def among(monkeypatch):
    """Let this process be number `rank` of processes on this machine with these ids."""

    def place(rank, *ids):
        machine = socket.gethostname()
        monkeypatch.setattr(idist, "get_rank", lambda: rank)
        monkeypatch.setattr(idist, "get_world_size", lambda: len(ids))
        monkeypatch.setattr(idist, "all_gather", lambda own: [(machine, pid) for pid in ids])
        monkeypatch.setattr(idist, "barrier", lambda: None)
        monkeypatch.setattr(lost_process, "PATIENCE", 0.3)

    return place


def test_a_lost_process_is_named_with_the_way_on_and_logged_once(among, dead, caplog):
    among(0, os.getpid(), dead, os.getpid())
    others = Others()
    with caplog.at_level(logging.ERROR):
        message = others.report()
        others.report()
    assert f"process 1 of 3 (pid {dead}) ended" in message and "--resume True goes on" in message
    assert caplog.messages == [message]


def test_a_broken_connection_becomes_an_error_that_names_the_process(among, dead):
    among(0, os.getpid(), dead)
    with pytest.raises(LostProcessError, match=f"pid {dead}") as error, watch_processes():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:537] Connection reset by peer")
    assert "Connection reset" in str(error.value.__cause__)


def test_a_connection_that_times_out_blames_nobody_by_name(among):
    among(0, os.getpid(), os.getpid())
    with pytest.raises(LostProcessError, match="cut off from another process"), watch_processes():
        raise RuntimeError("[gloo/transport/tcp/unbound_buffer.cc] Timed out waiting 600000ms")


@pytest.mark.parametrize("ids", [1, 2])
def test_other_errors_pass(among, ids):
    among(0, *[os.getpid()] * ids)
    with pytest.raises(RuntimeError, match="out of memory"), watch_processes():
        raise RuntimeError("CUDA out of memory")


@pytest.mark.parametrize(("rank", "reports"), [(0, 1), (2, 0)])
def test_the_first_one_left_reports_before_it_ends(among, dead, caplog, monkeypatch, rank, reports):
    among(rank, os.getpid(), dead, os.getpid())
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    Others().end()
    assert codes == [143] and len(caplog.messages) == reports


def test_the_next_one_reports_when_the_first_is_lost(among, dead, caplog, monkeypatch):
    among(1, dead, os.getpid())
    monkeypatch.setattr(os, "_exit", lambda code: None)
    Others().end()
    assert "process 0 of 2" in caplog.text


def test_sigterm_is_heard_while_the_main_thread_waits():
    before, heard, waiting = signal.getsignal(signal.SIGTERM), threading.Event(), threading.Lock()
    waiting.acquire()
    with on_sigterm(heard.set):
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard.wait(5)
        heard.clear()
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        threading.Timer(1.0, waiting.release).start()
        waiting.acquire()  # as deaf to handlers as a collective operation is: Python goes on waiting after them
        assert heard.is_set()
    assert signal.getsignal(signal.SIGTERM) is before and signal.set_wakeup_fd(-1) == -1
