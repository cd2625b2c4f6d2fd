# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Errors as a user meets them: one line that says what is wrong and the mend, in place of a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType

from .log_lines import plain_lines

LEVEL = "LOG_LEVEL"  # environment variable; DEBUG shows where in the code an error was raised


def root_cause(error: BaseException) -> BaseException:
    """The first of a chain of errors that says something: the parser of configurations wraps what a stage raises.

    A look-up of the parser that failed says less than the error about the configuration that follows from it.
    """
    while (cause := error.__cause__) is not None and _raised_in(cause) != "look_up_option":
        error = cause
    return error


def explain(error: BaseException) -> str:
    """A message of one line for any error; one that this project did not raise itself is said to be unexpected."""
    text = plain_lines(str(error))
    if isinstance(error, (ValueError, OSError)):
        return text
    text = " ".join(text.split()) or "no message"
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text.lower():
        return f"not enough memory ({text}): use smaller images, a coarser um per px or another machine"
    if isinstance(error, RecursionError):
        return "a file is nested too deeply to be read: use another one"
    return f"{type(error).__name__}: {text} (unexpected; {LEVEL}=DEBUG shows where: please report it)"


def end_in_one_line() -> None:
    """From now on let an error that nobody catches end this process in one line, as commands of ours end.

    For programs that are not ours and run a configuration of ours; a debugger that has set its own hook keeps it.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _print_uncaught


def _print_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if os.environ.get(LEVEL, "").upper() == "DEBUG":
        sys.__excepthook__(kind, error, trace)
    elif issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("stopped; nothing is left half written, and the same command with --resume True goes on\n")
    else:
        sys.stderr.write(f"error: {explain(root_cause(error))}\n")


def _raised_in(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].name if frames else ""
