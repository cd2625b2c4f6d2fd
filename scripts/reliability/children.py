# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands as processes of their own that can be killed at any moment, started in milliseconds.

A child is a fork of this process, which has imported what commands import; it runs the command's module as `python -m`
does. Nothing of a command runs in this process.
"""

from __future__ import annotations

import contextlib
import os
import resource
import runpy
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 600.0  # s after which a command hangs
TURN = 0.005  # s between two looks at a child
SHOWN = 400  # characters of the end of what a command said


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes:
        module: that `python -m` would run.
        arguments: after it.
        folder: in which it runs.
    """

    module: str
    arguments: Sequence[str]
    folder: Path = ROOT

    def __str__(self) -> str:
        return " ".join(["python -m", self.module, *self.arguments])


@dataclass(frozen=True)
class Limits:
    """What is done to a command while it runs.

    Attributes:
        file_bytes: no file may become larger, as if the disk were full; None: any size.
        memory: bytes of address space; None: any.
        signals: seconds after its start -> signal to its processes.
    """

    file_bytes: int | None = None
    memory: int | None = None
    signals: Mapping[float, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code; minus a signal's number.
        seconds: that it took.
        said: all that it wrote to its terminal.
        hung: whether it was stopped because it did not end.
    """

    code: int
    seconds: float
    said: str
    hung: bool = False

    @property
    def traceback(self) -> bool:
        """Whether it ended, or went on, with a traceback."""
        return "Traceback (most recent call last)" in self.said

    @property
    def last(self) -> str:
        """The end of what it said, in one line."""
        return " ".join(self.said.split())[-SHOWN:]


class Child:
    """A running command.

    Args:
        command: what to run.
        limits: what is done to it.
    """

    def __init__(self, command: Command, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.started, self._due = time.monotonic(), sorted(limits.signals.items())
        self._said, self._reader = bytearray(), -1
        self._reader, writer = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            _become(command, writer, limits)
        os.close(writer)
        os.set_blocking(self._reader, False)

    def wait(self, limit: float = LIMIT) -> Ended:
        """Give it its signals and wait for its end; stop it when it hangs."""
        hung = False
        while True:
            process, status = os.waitpid(self.process, os.WNOHANG)
            passed = time.monotonic() - self.started
            self._read()
            if process:
                self._signal(signal.SIGKILL)  # what it left running
                os.close(self._reader)
                return Ended(os.waitstatus_to_exitcode(status), passed, self._said.decode(errors="replace"), hung)
            while self._due and self._due[0][0] <= passed:
                self._signal(self._due.pop(0)[1])
            if passed > limit and not hung:
                hung = True
                self._signal(signal.SIGKILL)
            time.sleep(TURN)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._reader, 1 << 16):
                self._said += part

    def _signal(self, number: int) -> None:
        for send in (os.killpg, os.kill):  # the group does not exist in the child's first moments
            try:
                send(self.process, number)
                return
            except (ProcessLookupError, PermissionError):
                continue


def run_command_within(command: Command, limits: Limits | None = None, limit: float = LIMIT) -> Ended:
    """Run a command to its end."""
    return Child(command, limits).wait(limit)


def _become(command: Command, writer: int, limits: Limits) -> NoReturn:
    """In the child: run the command, and end."""
    code = 1
    try:
        os.setsid()
        _redirect(writer)
        os.chdir(command.folder)
        for kind, value in ((resource.RLIMIT_FSIZE, limits.file_bytes), (resource.RLIMIT_AS, limits.memory)):
            if value is not None:
                resource.setrlimit(kind, (value, value))
        code = _exit_code(lambda: runpy.run_module(command.module, run_name="__main__", alter_sys=True), command)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _redirect(writer: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, writer), (2, writer)):
        os.dup2(source, target)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False, errors="replace") for number in (1, 2))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.excepthook = sys.__excepthook__  # as in a new process


def _exit_code(main: Callable[[], object], command: Command) -> int:
    """As Python makes it of how a program ends."""
    sys.argv = [command.module, *command.arguments]
    sys.modules.pop(command.module, None)  # it is run anew, as the main module
    try:
        main()
    except SystemExit as stop:
        if isinstance(stop.code, int) or stop.code is None:
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0
