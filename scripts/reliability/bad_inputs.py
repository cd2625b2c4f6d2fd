# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands that are given a bad file or a bad option: each must end well, or with a message that names it."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from bundle.files.images import read_image
from PIL import Image

from .bad_files import NASTY, Spoil, any_bytes, any_json, any_text
from .children import Command, Ended, Limits, run_command_within
from .jobs import CommandUnderTest
from .stand import Stand, fresh, pipeline
from .trials import Outcome

LIMIT = 120.0  # s
MONAIS = "--config_file"  # MONAI's own option: it reads it before anything of ours
MEMORY = 12 << 30  # bytes of address space: far more than a command on such files needs

# from good to bad; those after "told" are defects
ENDS = ("works", "told", "told without its name", "traceback", "hung", "out of memory", "died")


@dataclass(frozen=True)
class Input:
    """A file that a command reads.

    Attributes:
        place: of the file, in the trial's folder.
        good: its content when it is good.
        spoil: how it is spoilt.
        command: stand and the trial's folder, which holds the file -> the command.
        prepare: fills the trial's folder with what else the command reads.
    """

    place: str
    good: Callable[[Stand], bytes]
    spoil: Spoil
    command: Callable[[Stand, Path], Command]
    prepare: Callable[[Stand, Path], object] | None = None


def inputs() -> dict[str, Input]:
    """All kinds by name."""
    found = {
        f"image .{end}": _image_input(end, kind) for end, kind in (("png", "PNG"), ("tif", "TIFF"), ("jpg", "JPEG"))
    }
    found["slide .tif"] = Input("a.tif", lambda stand: stand.slide.read_bytes(), any_bytes, _segment_spoilt_slide)
    spoil: Callable[[bytes, random.Random], tuple[str, bytes]]
    for name, spoil in (("model.pt", any_bytes), ("model.json", any_json)):
        found[name] = Input(f"model/{name}", partial(_of_model, name), spoil, _with_model, _model)
    for place, spoil in (
        ("points/simulated_000.csv", any_text),
        ("split.json", any_json),
        ("labels/simulated_003.tif", any_bytes),
        ("images/simulated_000.tif", any_bytes),
    ):
        found[f"data set, {place}"] = Input(f"data/{place}", partial(_of_data, place), spoil, _plan_pipeline, _data)
    found["data set, diameters.csv"] = Input("data/diameters.csv", _diameters, any_text, _plan_pipeline, _data)
    for end, make, spoil in CLICKS:
        found[f"clicks {end}"] = Input(f"clicks/simulated_000{end}", make, spoil, _convert_spoilt_points)
    for place, spoil in (("synthesis/manifest.json", any_json), ("segmentation/model.json", any_json)):
        found[f"results, {place}"] = Input(f"run/{place}", partial(_trained, place), spoil, _go_on, _copy_run)
    return found


def _of_model(name: str, stand: Stand) -> bytes:
    return (stand.model.parent / name).read_bytes()


def _trained(place: str, stand: Stand) -> bytes:
    return (stand.trained / place).read_bytes()


def _of_data(place: str, stand: Stand) -> bytes:
    return (stand.data / place).read_bytes()


def _image_input(end: str, kind: str) -> Input:
    def good(stand: Stand) -> bytes:
        pixels = np.moveaxis(read_image(stand.data / "images" / "simulated_000.tif").array, 0, -1)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format=kind)
        return stream.getvalue()

    def command(stand: Stand, folder: Path) -> Command:
        return _segment_with(folder / f"a.{end}", stand.shipped, folder)

    return Input(f"a.{end}", good, any_bytes, command)


def _segment_with(image: Path, model: Path, folder: Path) -> Command:
    options = ["--output", str(folder / "out"), "--model", str(model), "--device", "cpu"]
    return Command("scripts.segment", ["image", str(image), *options])


def _segment_spoilt_slide(stand: Stand, folder: Path) -> Command:
    options = ["--output", str(folder / "out"), "--model", str(stand.shipped), "--workers", "0", "--device", "cpu"]
    return Command("scripts.segment", ["slide", str(folder / "a.tif"), *options, "--window", "64"])


def _model(stand: Stand, folder: Path) -> None:
    for path in (stand.model, stand.model.with_suffix(".json")):
        shutil.copy(path, folder / "model" / path.name)


def _with_model(stand: Stand, folder: Path) -> Command:
    return _segment_with(stand.data / "images" / "simulated_000.tif", folder / "model" / "model.pt", folder)


def _data(stand: Stand, folder: Path) -> None:
    shutil.copytree(stand.data, folder / "data", dirs_exist_ok=True)


def _plan_pipeline(stand: Stand, folder: Path) -> Command:
    return pipeline(Stand(folder), folder / "out", "--variant", "real_only", command="plan")


def _diameters(stand: Stand) -> bytes:
    return b"image,diameter_um\nsimulated_000,6\nsimulated_001,7.5\n"


def _copy_run(stand: Stand, folder: Path) -> None:
    shutil.copytree(stand.trained, folder / "run", dirs_exist_ok=True)


def _go_on(stand: Stand, folder: Path) -> Command:
    return pipeline(stand, folder / "run")


def _convert_spoilt_points(stand: Stand, folder: Path) -> Command:
    places = ["--input", str(folder / "clicks"), "--images", str(stand.data / "images" / "simulated_000.tif")]
    return Command("scripts.prepare_data", ["points", *places, "--output", str(folder / "out")])


def _geojson(stand: Stand) -> bytes:
    return (stand.clicks / "simulated_000.geojson").read_bytes()


def _points_table(stand: Stand) -> bytes:
    return (stand.data / "points" / "simulated_000.csv").read_bytes()


def _counter(stand: Stand) -> bytes:
    marker = "<Marker><MarkerX>{}</MarkerX><MarkerY>{}</MarkerY><MarkerZ>1</MarkerZ></Marker>"
    marks = "".join(marker.format(x, x + 3) for x in range(5, 80, 10))
    head = "<Image_Properties><Image_Filename>simulated_000.tif</Image_Filename></Image_Properties>"
    body = f"<Marker_Data><Marker_Type><Type>1</Type>{marks}</Marker_Type></Marker_Data>"
    return f'<?xml version="1.0"?><CellCounter_Marker_File>{head}{body}</CellCounter_Marker_File>'.encode()


def _coco(stand: Stand) -> bytes:
    images = [{"id": 1, "file_name": "simulated_000.tif", "width": 96, "height": 96}]
    marks = [{"id": x, "image_id": 1, "category_id": 1, "keypoints": [x, x, 2]} for x in range(5, 80, 10)]
    return json.dumps({"images": images, "annotations": marks, "categories": [{"id": 1, "name": "a"}]}).encode()


CLICKS: Sequence[tuple[str, Callable[[Stand], bytes], Spoil]] = (
    (".geojson", _geojson, any_json),
    (".csv", _points_table, any_text),
    (".xml", _counter, any_text),
    (".json", _coco, any_json),
)


def bad_file(kind: Input, stand: Stand, folder: Path, draw: random.Random) -> Outcome:
    """Give a command one spoilt file."""
    path = fresh(folder) / kind.place
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind.prepare is not None:
        kind.prepare(stand, folder)
    what, spoilt = kind.spoil(kind.good(stand), draw)
    path.write_bytes(spoilt)
    ended = run_command_within(kind.command(stand, folder), Limits(memory=MEMORY), LIMIT)
    return _judged(ended, [path.name, path.stem, str(path.parent)], what)


def bad_option(job: CommandUnderTest, stand: Stand, folder: Path, draw: random.Random) -> Outcome:
    """Give a command one option of a nasty value."""
    command = job.command(stand, fresh(folder), begun=False)
    if job.prepare is not None:
        job.prepare(stand, folder)
    words, new = list(command.arguments), str(draw.choice(NASTY))[:2000].replace("\x00", "")
    places = [place for place, word in enumerate(words) if word.startswith("--") and not word.startswith(MONAIS)]
    place = draw.choice(places)
    name, equals, _ = words[place].partition("=")
    if equals:
        words[place] = f"{name}={new}"
    else:
        words[place + 1] = new
    inside = folder / "a" / "b"  # names such as ../../x stay in the trial's folder
    inside.mkdir(parents=True)
    ended = run_command_within(Command(command.module, words, inside), Limits(memory=MEMORY), LIMIT)
    known_by = [name.removeprefix("--").removesuffix("s"), new[:20].strip() or "''", " ".join(new.split())[:20]]
    first = new.split(",")[0].strip()  # where an option lists several
    return _judged(ended, [*known_by, *([first] if first else [])], f"{name} {new[:30]!r}")


def _judged(ended: Ended, names: Sequence[str], what: str) -> Outcome:
    detail = f"{what}: {ended.last}"
    if ended.hung:
        return Outcome("hung", detail)
    if ended.traceback:
        return Outcome("out of memory" if "MemoryError" in ended.said else "traceback", detail)
    if ended.code < 0:
        return Outcome("died", f"{detail} (signal {-ended.code})")
    if ended.code == 0:
        return Outcome("works", detail)
    said = " ".join(ended.said.split())
    return Outcome("told" if any(name and name in said for name in names) else "told without its name", detail)
