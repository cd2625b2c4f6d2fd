# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The changes of the segmenter's training recipe, as data: each row is the recipe of train.json but for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLIPS: dict[str, Any] = {"_target_": "transforms.augment.RandFlips", "keys": ["image", "label", "weight"]}
BLUR, NOISE, COLOURS, STAINS, STAIN_COLOURS, GREY = (
    {"_target_": f"transforms.{name}"}
    for name in (
        "augment.GaussianBlur",
        "augment.GaussianNoise",
        "augment.ColourJitter",
        "augment.StainJitter",
        "stain_colours.StainColourJitter",
        "stain_colours.RandGrey",
    )
)
COSINE = {"schedule": {"_target_": "bundle.engines.schedules.WarmUpCosine", "optimizers": ["@optimizer"]}}
AVERAGE = {
    "export": {
        "_target_": "bundle.engines.average.AverageWeights",
        "network": "@network",
        "path": "$@output_dir + '/model.pt'",
    }
}
VIEWS = {
    "views": [{"_target_": "transforms.zoom_rotation.RandZoomRotation", "size": "@crop_size"}],
    "stream_size": "$@views::0.source_size",
    "stream_images": {
        "_target_": "bundle.data.framed_training_images.FramedTrainingImages",
        "training_images": "@train::dataset",
        "crop_size": "@crop_size",
        "view_size": "@stream_size",
    },
}


@dataclass(frozen=True)
class RecipeRow:
    """One recipe.

    Attributes:
        name: short; names its folder.
        says: what is special about it, a few words for the table.
        variant: file of `configs/variants/` that its training takes; "" for none.
        training: settings of its training, laid over train.json.
        measuring: settings of the stage that segments.
        times: as many epochs as the other rows, this often.
        trained_by: row whose training it shares; "": it has its own.
        newest: whether it has the newest weights of that training, not the averaged ones.
    """

    name: str
    says: str
    variant: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    measuring: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1
    trained_by: str = ""
    newest: bool = False

    def folder(self, root: Path, seed: int) -> Path:
        """Where the pipeline writes for one of its seeds, below the folder of a fold."""
        return root / f"{self.name}_seed{seed}"


def with_augmentations(*augmentations: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a training with these in place of the mild colours, between flips and blur."""
    return {"augmentations": [FLIPS, *augmentations, BLUR, NOISE]}


def compact_of(*channels: int) -> dict[str, Any]:
    """Settings of a training of `compact` with so many channels at each level."""
    network = {"_target_": "bundle.networks.compact.Compact", "image_channels": "@channels", "channels": list(channels)}
    return {"network_def": network}


BASELINE = "baseline"
ROWS = (
    RecipeRow(BASELINE, "the recipe of `train.json`", trained_by="averaged", newest=True),
    RecipeRow("averaged", "averaged weights", training=AVERAGE),
    RecipeRow(
        "averaged_rising",
        "averaged weights, the reach rising with the updates",
        training={"export": {**AVERAGE["export"], "rise": 10}},
    ),
    RecipeRow("cosine", "warm-up and cosine", trained_by="cosine_averaged", newest=True),
    RecipeRow("cosine_averaged", "warm-up, cosine and averaged weights", training={**COSINE, **AVERAGE}),
    RecipeRow("zoom", "zoom .7 to 1.4 and any rotation", training=VIEWS),
    RecipeRow(
        "stain", "strong stain augmentation: colours and amounts", training=with_augmentations(STAIN_COLOURS, COLOURS)
    ),
    RecipeRow("grey", "one crop of ten in grey", training=with_augmentations(COLOURS, STAINS, GREY)),
    RecipeRow("strong", "everything: `strong.yaml`", "strong"),
    RecipeRow("strong_newest", "everything but the average", trained_by="strong", newest=True),
    RecipeRow("batch4", "4 crops, twice as many updates", training={"segmentation_batch_size": 4}, times=2),
    RecipeRow("narrow", "`compact` of 0.3 M parameters", training=compact_of(8, 24, 40, 72)),
    RecipeRow("wide", "`compact` of 3 M parameters", training=compact_of(24, 56, 112, 240)),
    RecipeRow("lite", "`lite`: an encoder that knows ImageNet", "lite"),
    RecipeRow("lite_cosine", "`lite` with warm-up and cosine", "lite", training=COSINE),
    RecipeRow("lite_strong", "`lite` and everything", "lite,strong"),
    RecipeRow("longer", "three times as many updates", times=3),
    RecipeRow(
        "symmetries",
        "eight symmetries at test time",
        measuring={"augmentation": "$EIGHT_FOLD"},
        trained_by="averaged",
        newest=True,
    ),
)
