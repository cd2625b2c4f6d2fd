# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command `points-to-nuclei`, which pip installs: `points-to-nuclei NAME ...` is `python -m scripts.NAME ...`."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence

COMMANDS = {  # modules of scripts/, and what they do
    "click": "click nuclei on a page in the browser",
    "segment": "segment images and whole slides with a trained model",
    "pipeline": "from images and points to a segmenter and a report",
    "prepare_data": "turn clicks or published data sets into a data folder",
    "tune": "adjust a trained model to other images by clicks",
    "report": "write the report of a run anew",
    "synthesize": "paint a data set of synthetic images with labels",
    "image_quality": "measure synthetic images beside real ones",
    "package": "hand a trained model on: bundle, weights, ONNX",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one of the commands.

    Args:
        argv: its name and its arguments; None: those of this process.

    Raises:
        SystemExit: as the command ends; with code 0 after help, 2 where there is no such command.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        sys.exit(0)
    name = words[0].replace("-", "_")
    if name not in COMMANDS:
        sys.stderr.write(f"error: {words[0]!r} is no command\n{usage()}")
        sys.exit(2)
    sys.argv = [f"points-to-nuclei {name}", *words[1:]]
    runpy.run_module(f"scripts.{name}", run_name="__main__")


def usage() -> str:
    """What commands there are, a line for each."""
    lines = [f"  {name:<14}{says}" for name, says in COMMANDS.items()]
    return "\n".join(["usage: points-to-nuclei COMMAND ...", "", *lines, "", "COMMAND --help explains each.", ""])
