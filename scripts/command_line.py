# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What command lines share: arguments taken as typed, none passed over, errors as one line instead of a traceback.

fire alone reads `--output a#b` as "a" and `--output 2018` as a number, and it runs a command before it complains about
a misspelt option. Here, parameters annotated as text stay text, and a command runs only when every argument was
understood.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import fire
from fire.decorators import SetParseFns

from bundle.files.log_lines import PlainFormatter, plain_lines


@dataclass(frozen=True)
class _Call:
    _run: Callable[[], None]


def run_command(commands: Mapping[str, Callable[..., None]], argv: list[str] | None = None) -> None:
    """Parse a command line, then run the command that it names.

    Args:
        commands: name -> function; its signature is the options, its docstring the help. Parameters whose annotation
            begins with `str` get their text unchanged.
        argv: arguments after the program's name; None: those of this process.

    Raises:
        SystemExit: with a message when the command meets bad input (ValueError, OSError), or fire's usage errors; with
            130 after Ctrl-C.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    call = fire.Fire({name: _deferred(command) for name, command in commands.items()}, argv, serialize=lambda _: None)
    if not isinstance(call, _Call):
        return  # fire has shown help
    try:
        call._run()
    except (ValueError, OSError) as error:
        logging.getLogger(__name__).debug("", exc_info=True)
        sys.exit(f"error: {plain_lines(str(error))}")
    except KeyboardInterrupt:
        logging.getLogger(__name__).warning("stopped; nothing is left half written, and the same command goes on")
        sys.exit(130)


def _deferred(command: Callable[..., None]) -> Callable[..., _Call]:
    @functools.wraps(command)
    def prepare(*args: object, **kwargs: object) -> _Call:
        return _Call(functools.partial(command, *args, **kwargs))

    parameters = inspect.signature(command).parameters.values()
    texts = {each.name: str for each in parameters if str(each.annotation).startswith(("str", "<class 'str'"))}
    return SetParseFns(**texts)(prepare)
