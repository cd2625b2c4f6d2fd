# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Every command that writes, with what it needs and where it writes, and how two of its results are compared."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bundle.files.leftovers import TEMPORARY

from .children import ROOT, Command
from .stand import Stand, pipeline

BUNDLE = "monai.bundle"
CONFIGS = ROOT / "configs"
SMOKE = "presets/smoke.yaml"
LEFT_OUT = re.compile(r"\.lock$|\.tfevents\.")
BASELINES = "voronoi,copy_paste,online,refined"


@dataclass(frozen=True)
class CommandUnderTest:
    """A command that writes.

    Attributes:
        name: as tables have it.
        first: stand and folder to write into -> the command.
        again: the command that goes on after the first was cut; None: the same.
        prepare: makes what the command changes in place, in the folder.
        changed: names of what it changes in place, where another time it finds another beginning, or dates.
    """

    name: str
    first: Callable[[Stand, Path], Command]
    again: Callable[[Stand, Path], Command] | None = None
    prepare: Callable[[Stand, Path], object] | None = None
    changed: frozenset[str] = frozenset()

    def command(self, stand: Stand, folder: Path, begun: bool) -> Command:
        """The command line, for the first time or to go on."""
        make = self.again if begun and self.again is not None else self.first
        return make(stand, folder)


def jobs() -> dict[str, CommandUnderTest]:
    """All of them by name."""
    found = [
        CommandUnderTest("pipeline run", lambda stand, out: pipeline(stand, out / "run", "--variant", "painted")),
        CommandUnderTest(
            "pipeline run, real_only", lambda stand, out: pipeline(stand, out / "run", "--variant", "real_only")
        ),
        CommandUnderTest(
            "pipeline compare",
            lambda stand, out: pipeline(stand, out / "run", "--baselines", BASELINES, command="compare"),
        ),
        *(_stage(name, *stage) for name, stage in STAGES.items()),
        CommandUnderTest(
            "segment image",
            lambda stand, out: _segment("image", stand.data / "images" / "simulated_000.tif", stand, out),
        ),
        CommandUnderTest("segment folder", lambda stand, out: _segment("folder", stand.data / "images", stand, out)),
        CommandUnderTest("segment slide", _segment_slide_in_blocks),
        CommandUnderTest("prepare_data points", _convert_points),
        CommandUnderTest("prepare_data points_from_labels", _points_from_labels),
        CommandUnderTest(
            "tune points", _tune, prepare=_copy_model, changed=frozenset(["model/model.json", "model/manifest.json"])
        ),
        CommandUnderTest("package weights", _package_weights),
        CommandUnderTest(
            "package bundle", lambda stand, out: Command("scripts.package", ["bundle", "--output", str(out / "dist")])
        ),
        CommandUnderTest(
            "report make",
            _report,
            prepare=lambda stand, out: shutil.copytree(stand.trained, out / "run"),
            changed=frozenset(["run/report/index.html"]),
        ),
    ]
    return {job.name: job for job in found}


# configuration files, what they read of the trained pipeline
STAGES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "train_synthesis.yaml": (f"train_synthesis.yaml,{SMOKE}", {}),
    "synthesize.yaml": (f"synthesize.yaml,{SMOKE}", {"synthesis_dir": "synthesis"}),
    "train.json": (f"train.json,train_on_synthetic.yaml,{SMOKE}", {"synthetic_dir": "synthetic"}),
    "evaluate.yaml": ("evaluate.yaml", {"segmentation_dir": "segmentation"}),
}


def _stage(name: str, files: str, reads: Mapping[str, str]) -> CommandUnderTest:
    def command(stand: Stand, out: Path, resume: bool = False) -> Command:
        listed = "[" + ",".join(f"'{CONFIGS / file}'" for file in files.split(",")) + "]"
        options = {"config_file": listed, "dataset_dir": stand.data, "output_dir": out / "stage", "device": "cpu"}
        options |= {option: stand.trained / folder for option, folder in reads.items()}
        options |= {"resume": "true"} if resume else {}
        return Command(BUNDLE, ["run", *(f"--{key}={value}" for key, value in options.items())])

    return CommandUnderTest(f"bundle run {name}", command, lambda stand, out: command(stand, out, resume=True))


def _segment(what: str, source: Path, stand: Stand, out: Path) -> Command:
    options = ["--output", str(out / "labels"), "--model", str(stand.shipped), "--formats", "geojson,asap,nrrd"]
    return Command("scripts.segment", [what, str(source), *options, "--device", "cpu"])


def _segment_slide_in_blocks(stand: Stand, out: Path) -> Command:
    options = ["--output", str(out / "slides"), "--model", str(stand.shipped), "--workers", "0", "--device", "cpu"]
    sizes = ["--block", "256", "--tile", "256", "--window", "64", "--tissue", "none", "--labels", "True"]
    return Command("scripts.segment", ["slide", str(stand.slide), *options, *sizes])


def _convert_points(stand: Stand, out: Path) -> Command:
    places = ["--input", str(stand.clicks), "--images", str(stand.data / "images"), "--output", str(out / "data")]
    return Command("scripts.prepare_data", ["points", *places])


def _points_from_labels(stand: Stand, out: Path) -> Command:
    places = ["--labels", str(stand.data / "labels"), "--output", str(out / "points")]
    return Command("scripts.prepare_data", ["points_from_labels", *places])


def _copy_model(stand: Stand, out: Path) -> None:
    shutil.copytree(stand.trained / "segmentation", out / "model")


def _tune(stand: Stand, out: Path) -> Command:
    names = "simulated_000,simulated_001"
    places = ["--model", str(out / "model"), "--dataset_dir", str(stand.data), "--names", names]
    return Command("scripts.tune", ["points", *places, "--device", "cpu"])


def _package_weights(stand: Stand, out: Path) -> Command:
    places = ["--model", str(stand.model), "--output", str(out / "ships.pt"), "--dataset_dir", str(stand.data)]
    return Command("scripts.package", ["weights", *places, "--licence", "Apache-2.0"])


def _report(stand: Stand, out: Path) -> Command:
    return Command("scripts.report", ["make", "--output_dir", str(out / "run"), "--dataset_dir", str(stand.data)])


def content(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of every file in a folder, but for locks and curves, whose names tell when they were begun.

    Of losses.csv without its column of seconds.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not LEFT_OUT.search(path.name)]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(_lasting(path)).hexdigest() for path in files}


def _lasting(path: Path) -> bytes:
    """The content of a file that another run can be expected to write again."""
    data = path.read_bytes()
    if path.name != "losses.csv":
        return data
    rows = [line.split(b",") for line in data.splitlines()]
    timed = rows[0].index(b"seconds") if rows and b"seconds" in rows[0] else -1
    return data if timed < 0 else b"\n".join(b",".join([*row[:timed], *row[timed + 1 :]]) for row in rows)


def unfinished(folder: Path) -> list[str]:
    """What is left that nobody finished."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob(f".*{TEMPORARY}")]


@dataclass(frozen=True)
class Reference:
    """What a command writes when nothing disturbs it.

    Attributes:
        names: of all files.
        equal: name -> digest of the files that two such runs write alike; the others hold times.
        seconds: that it takes.
        largest: bytes of its largest file.
    """

    names: frozenset[str]
    equal: Mapping[str, str]
    seconds: float
    largest: int

    def differences(self, folder: Path) -> list[str]:
        """What a folder holds otherwise."""
        found = content(folder)
        lines = [f"{name} is missing" for name in sorted(self.names - set(found))]
        lines += [f"{name} is too many" for name in sorted(set(found) - self.names)]
        return lines + [f"{name} differs" for name, digest in self.equal.items() if found.get(name, digest) != digest]
