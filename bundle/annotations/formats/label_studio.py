# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""JSON of Label Studio ("JSON" and "JSON-MIN"): one file for many images, each a task with its results.

Coordinates are percent of the image's width and height from its corner, and each result says the size in px, so places
are exact; half a pixel is taken off. Key points are clicks; rectangles, ellipses and polygons are areas. The class is
the first label. Masks of the brush are left out: they are packed in a way of Label Studio's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import unquote

from ...files.untrusted_text import load_json
from ..clicks import Clicks
from ..marks import MarkCollector

Record = dict[str, Any]
LABELS = "labels"  # ends the key of the labels, such as keypointlabels


def is_label_studio(content: Any) -> bool:
    """Whether the content of a JSON file is a list of tasks."""
    if not isinstance(content, list) or not content or not all(isinstance(each, dict) for each in content):
        return False
    return all("annotations" in each and isinstance(each.get("data"), dict) for each in content) or all(
        isinstance(each.get("image"), str) and "annotation_id" in each for each in content
    )


def read_label_studio(path: Path) -> list[Clicks]:
    """Read one file, which is for the images that it lists.

    Raises:
        ValueError: no such JSON; a task that several people annotated; an image that was turned; coordinates that are
            no numbers.
    """
    content = load_json(path)
    if not is_label_studio(content):
        raise ValueError(f"{path}: is no list of tasks: export the project of Label Studio as JSON")
    return [_clicks(path, task) for task in content]


def _clicks(path: Path, task: Record) -> Clicks:
    results = list(_results(path, task))
    marks = MarkCollector(path, _image_name(task), next((_size(path, each) for each in results), None))
    for result in results:
        _add(marks, result)
    return marks.as_clicks()


def _results(path: Path, task: Record) -> Iterator[Record]:
    """Each mark with its value and its size; of JSON-MIN, whose values lie side by side, too."""
    if "annotations" not in task:
        values = [each for value in task.values() if isinstance(value, list) for each in value]
        yield from ({**each, "value": each} for each in values if isinstance(each, dict))
        return
    whole = [each for each in task["annotations"] if not each.get("was_cancelled")]
    if len(whole) > 1:
        raise ValueError(
            f"{path}: task {task.get('id')} has {len(whole)} annotations, which would give a nucleus several points:"
            " delete all but one of each task, and export again"
        )
    for annotation in whole:
        yield from (each for each in annotation["result"] if "value" in each and "original_width" in each)


def _image_name(task: Record) -> str | None:
    """From the address: /data/upload/1/a.png, or /data/local-files/?d=folder/a.png."""
    data = task.get("data") or {}
    texts = [task.get("image"), data.get("image"), *data.values()]
    address = next((text for text in texts if isinstance(text, str) and text), "")
    return PureWindowsPath(unquote(address).rpartition("?d=")[2].partition("?")[0]).stem or None


def _size(path: Path, result: Record) -> tuple[int, int]:
    if result.get("image_rotation"):
        turned = result["image_rotation"]
        raise ValueError(f"{path}: an image was turned by {turned} degrees: turn it back and export again")
    return int(result["original_height"]), int(result["original_width"])


def _add(marks: MarkCollector, result: Record) -> None:
    height, width = _size(marks.path, result)
    value, across, down = result["value"], width / 100, height / 100  # px per percent
    name = next((str(each[0]) for key, each in value.items() if key.endswith(LABELS) and each), None)
    if "points" in value:
        marks.add_polygon([(x * across, y * down) for x, y in value["points"]], name)
    elif "radiusX" in value:
        x, y, turned = value["x"] * across, value["y"] * down, value.get("rotation", 0)
        marks.add_ellipse(x, y, value["radiusX"] * across, value["radiusY"] * down, name, turned)
    elif "height" in value and "x" in value:
        box = value["x"] * across, value["y"] * down, value["width"] * across, value["height"] * down
        marks.add_box(*box, name, value.get("rotation", 0))
    elif "x" in value and "y" in value:
        marks.add_point(value["x"] * across, value["y"] * down, name)
    elif "rle" in value or "format" in value:
        marks.leave_out("brush mask")
