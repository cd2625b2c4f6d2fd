# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of post-processing chosen by points alone: a small grid, and the detection F1 that each choice gives.

The network runs once over every image; what is tried is only how its maps become objects. Detection F1 punishes objects
that are merged, split, missed or invented, and that is what post-processing decides; of outlines points know nothing.
Labels are never opened. See `bundle.inference.outputs` for what the parameters mean.

By default only the threshold is chosen: how sure a network is depends on what it was trained on, and lengths do not.
docs/appendix/results.md says what that gained and lost: much clicked tissue of a kind that the network has not seen
helps, a few images of it can harm, and images that it has learnt from tell nothing.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor
from tqdm import tqdm
from transforms.resample import resample_image, working_size

from ..data.folder import DataFolder
from ..data.items import Item, scan, some
from ..files.atomic import write_json
from ..files.manifest_file import MANIFEST, read_manifest, written_file
from ..metrics.detection import detection_f1, object_centres
from .model import Model, card_path, describe_output, read_card, segmenter_of, smallest_object, write_card
from .outputs import Output
from .segmenter import Segmenter, at_size

logger = logging.getLogger(__name__)

GRID = {
    "threshold": (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7),
    "smoothing": (0.0, 0.25, 0.5),  # um
    "reach": (0.5, 0.75, 1.0, 1.25, 1.5),  # um
    "smallest": (1 / 14, 1 / 7, 2 / 7),  # of the area of a typical object; 1/7 is the area law's own
}


class Seen(NamedTuple):
    """What the network saw in one image, and the truth about it."""

    map: Tensor  # (3, h, w), at the model's spacing
    size: tuple[int, int]  # H, W of the image, px
    points: Tensor  # (N, 2), x and y in its px
    radius: float  # px


@dataclass(frozen=True)
class Tuning:
    """Which parameters were chosen, and by what."""

    output: Output
    score: float  # detection F1, mean over images
    score_before: float
    names: Sequence[str]  # of the images
    radius: float  # um


def tune(
    model: Model, folder: DataFolder, names: Sequence[str], radius: float = 3.0, vary: Sequence[str] = ("threshold",)
) -> Tuning:
    """Try all candidates and choose the one of highest detection F1, the model's own parameters where none is higher.

    Args:
        model: the network and its card; nothing is written.
        folder: the data set.
        names: images of it to choose by, see `validation_items`.
        radius: how far a found centre may lie from a point, um.
        vary: the parameters to choose; the others stay as they are.

    Raises:
        ValueError, OSError: as `validation_items`, `candidates` and `DataFolder.load`.
    """
    items = validation_items(folder, names)
    segmenter, diameter = segmenter_of(model), model.card.diameter
    outputs = list(candidates(segmenter.output, vary, diameter))
    views = [look(segmenter, folder, item, radius) for item in tqdm(items, unit="image", disable=None)]
    smallest = 10 if diameter is None else smallest_object(diameter, model.card.mpp)
    scores = [score(views, output, smallest) for output in tqdm(outputs, unit="choice", disable=None)]
    best = int(np.argmax(scores))  # the first of equals
    return Tuning(outputs[best], scores[best], scores[0], [item.name for item in items], radius)


def validation_items(folder: DataFolder, names: Sequence[str]) -> list[Item]:
    """Images of a data set by name: of the training part, or of none, so that nothing was trained on them.

    Raises:
        ValueError: no name, an unknown one, one named twice, one of the testing part, or one without points.
    """
    known, testing = scan(folder.dataset_dir), {item.name for item in folder.testing}
    unknown = [name for name in names if name not in known]
    if unknown or not names or len(set(names)) < len(names):
        raise ValueError(
            f"{folder.dataset_dir}: names are {some(list(names))}: name some of its images, each once"
            + (f"; it has no {some(unknown)}" if unknown else "")
        )
    if wrong := [name for name in names if name in testing]:
        raise ValueError(f"{some(wrong)}: testing images measure what was chosen by others: name images that train")
    if wrong := [name for name in names if known[name].points_path is None]:
        raise ValueError(f"{some(wrong)}: no points file, so that there is nothing to choose by: name other images")
    return [known[name] for name in names]


def look(segmenter: Segmenter, folder: DataFolder, item: Item, radius: float) -> Seen:
    """Run the network over one image; arguments as `tune`'s."""
    sample = folder.load(item)
    image, mpp = sample["image"], sample["mpp"]
    size = (image.shape[1], image.shape[2])
    seen = segmenter.hover_map(resample_image(image, working_size(size, mpp, segmenter.mpp))).cpu()
    return Seen(seen, size, sample["points"], radius / (mpp or segmenter.mpp))


def candidates(output: Output, vary: Sequence[str], diameter: float | None) -> Iterator[Output]:
    """The output as it is, then with all combinations of the grid.

    Args:
        output: with the parameters of now.
        vary: names of parameters in `GRID`.
        diameter: typical object, um, that "smallest" needs.

    Raises:
        ValueError: no parameter, or one that this output does not have, or "smallest" without a diameter.
    """
    known = [name for name in GRID if hasattr(output, name) and (name != "smallest" or diameter is not None)]
    if not vary or not set(vary) <= set(known):
        raise ValueError(f"vary is {', '.join(vary)!r}: choose of {', '.join(known)}")
    grid = {name: GRID[name] for name in vary}
    if diameter is not None and "smallest" in grid:
        grid["smallest"] = tuple(round(share * math.pi * diameter**2 / 4, 2) for share in GRID["smallest"])  # um2
    yield output
    for values in itertools.product(*grid.values()):
        yield replace(output, **dict(zip(grid, values, strict=True)))  # type: ignore[type-var]


def score(views: Sequence[Seen], output: Output, smallest: int) -> float:
    """Detection F1, mean over the images that count; `smallest` px holds where the output says nothing."""
    labeller = output.labeller(smallest)
    found = [
        detection_f1(object_centres(at_size(view.map, view.size, labeller, output).label), view.points, view.radius)
        for view in views
    ]
    counted = [value for value in found if not math.isnan(value)]
    return float(np.mean(counted)) if counted else 0.0


def write_tuning(weights: str | Path, tuning: Tuning) -> None:
    """Write the chosen parameters into the description beside the weights, where every segmenter made of it finds them.

    The description's notes and the folder's manifest say so too.
    """
    card = read_card(weights)
    tuned = {
        "images": list(tuning.names),
        "radius": tuning.radius,
        "detection_f1": {"before": round(tuning.score_before, 6), "after": round(tuning.score, 6)},
    }
    folder, name = Path(weights).parent, card_path(weights).name
    manifest = read_manifest(folder)
    listed = bool(manifest and manifest.get("complete"))
    if manifest and listed:  # a run that is killed now leaves a description that no manifest contradicts
        others = {file: what for file, what in manifest.get("written", {}).items() if file != name}
        write_json(folder / MANIFEST, {**manifest, "written": others})
    write_card(weights, replace(card, output=describe_output(tuning.output), notes={**card.notes, "tuned": tuned}))
    if manifest and listed:
        notes = {**manifest.get("notes", {}), "tuned": tuned}
        written = {**others, name: written_file(folder / name)}  # of the rest, the manifest still says what was written
        write_json(folder / MANIFEST, {**manifest, "notes": notes, "written": written})
