# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What command lines share: options typed once, none passed over, errors as one line instead of a traceback.

fire alone reads `--output a#b` as "a", `--output 2018` as a number and `--overwrite no` as true, and it runs a command
before it complains about a misspelt option. Here every option is read as its annotation says, and a command runs only
when every word was understood.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import fire
from bundle.files.error_lines import LEVEL, explain
from bundle.files.log_lines import PlainFormatter
from fire.decorators import SetParseFns
from scripts.typed_options import Options, UsageError

logger = logging.getLogger(__name__)

fire.decorators.FIRE_METADATA = "_fire_metadata"  # what begins with an underscore, help does not list as a group
MISUSED = 2  # exit code of a command line that was not understood
INTERRUPTED = 130  # exit code after Ctrl-C, as shells have it


@dataclass(frozen=True)
class _Call:
    run: Callable[[], None]


def run_command(commands: Mapping[str, Callable[..., None]], argv: list[str] | None = None) -> None:
    """Parse a command line, then run the command that it names.

    Args:
        commands: name -> function; its signature is the options, as `Options` takes them, its docstring the help.
        argv: arguments after the program's name; None: those of this process.

    Raises:
        SystemExit: with a message when the command meets bad input or another error, and with code 2, after a message,
            where the command line was not understood.
    """
    level = logging.getLevelNamesMapping().get(os.environ.get(LEVEL, "INFO").upper(), logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    options = {name: Options(command) for name, command in commands.items()}
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words and words[0] in options:
            words = [words[0], *options[words[0]].read(words[1:])]
        call = fire.Fire({name: _deferred(each) for name, each in options.items()}, words, serialize=lambda _: None)
    except UsageError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(MISUSED)
    except ValueError as error:  # an option out of its range
        sys.exit(f"error: {error}")
    if isinstance(call, _Call):  # else fire has shown help
        run_reporting(call.run)


def run_reporting(run: Callable[[], None]) -> None:
    """Run, and turn an error into a message of one line.

    Raises:
        SystemExit: with the message; with 130 after Ctrl-C.
    """
    try:
        run()
    except KeyboardInterrupt:
        logger.warning("stopped; nothing is left half written, and the same command goes on")
        sys.exit(INTERRUPTED)
    except Exception as error:  # nothing that a file holds may end in a traceback
        logger.debug("", exc_info=True)
        sys.exit(f"error: {explain(error)}")


def _deferred(options: Options) -> Callable[..., _Call]:
    @functools.wraps(options.command)
    def prepare(*args: object, **kwargs: object) -> _Call:
        return _Call(options.call(*args, **kwargs))

    prepare.__doc__ = options.doc()
    prepare.__signature__ = inspect.Signature(list(options.parameters.values()))  # type: ignore[attr-defined]
    return SetParseFns(**options.readers)(prepare)
