# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""`split.json`: which images of a data folder train and which are held out for testing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..files.untrusted_text import composed, parse_json

PARTS = ("training", "testing")
Split = dict[str, list[str]]


def read_split(path: Path, images: Collection[str] | None) -> Split:
    """Read {"training": [names], "testing": [names]}, names being base names of images; other text in it is ignored.

    Args:
        path: the JSON file; "testing" may be left out.
        images: base names of the images that are there; None: not known yet, and so not compared.

    Returns:
        Both parts, in the file's order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not such a file; an unknown part; a name twice, in both parts, or without an image.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        content = parse_json(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error}): correct it, or remove it to train on every image") from error
    if not isinstance(content, dict) or "training" not in content:
        raise ValueError(f'{path}: must hold {{"training": [names], "testing": [names]}}')
    unknown = [key for key, value in content.items() if isinstance(value, list) and key not in PARTS]
    if unknown:
        raise ValueError(f"{path}: {unknown[0]!r} is no part: the parts are {' and '.join(PARTS)}; rename or remove it")
    split = {part: _read_names(path, part, content.get(part, [])) for part in PARTS}
    problems = [f"{name} is named {times} times" for name, times in _repeated(split)]
    problems += [
        f"{name} has no image" for part in PARTS for name in split[part] if images is not None and name not in images
    ]
    if problems:
        raise ValueError(
            f"{path}: {'; '.join(problems[:20])}: name each image once, in one part, by its file name without the"
            " ending (.png, ...)"
        )
    return split


def _read_names(path: Path, part: str, names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f'{path}: {part!r} must be a list of names, such as ["image_1", "image_2"]')
    return [composed(name) for name in names]


def _repeated(split: Split) -> list[tuple[str, int]]:
    counts = Counter(name for part in PARTS for name in split[part])
    return [(name, count) for name, count in counts.items() if count > 1]
