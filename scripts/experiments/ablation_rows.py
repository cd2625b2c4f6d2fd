# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The rows of the experiments, as data: what each lays over the configuration, and which seeds it is run with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class AblationRow:
    """One configuration of an experiment.

    Args:
        name: short; names its folder.
        says: what is special about it, a few words for the table.
        variant: files of `configs/variants/`, separated by commas, as `Request` takes them.
        seeds: of its runs.
        overrides: settings of its own, as `parse_overrides` returns them.
        image_generator: the row whose trained networks it uses instead of training its own, at the same seed; "": none.
        paired: whether its synthetic images have real counterparts to be compared with.
    """

    name: str
    says: str
    variant: str
    seeds: tuple[int, ...] = (0,)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    image_generator: str = ""
    paired: bool = True

    def folder(self, root: Path, seed: int) -> Path:
        """Where the pipeline writes for one of its seeds."""
        return root / "rows" / f"{self.name}_seed{seed}"

    def quality_path(self, root: Path, seed: int) -> Path:
        """The file with the image metrics of one of its seeds."""
        return root / "quality" / f"{self.name}_seed{seed}.json"


PAINTER = "published,pairs,pretrained_pairs,real_shapes"


def ablation_rows() -> list[AblationRow]:
    """The paper's ablation (METHOD section 5), its parts one at a time, and what is ours."""
    return [
        AblationRow("a", "plain CycleGAN", "published,plain_cyclegan", (0, 1)),
        AblationRow("b1", "(a) with noise at the input", "published,plain_cyclegan,cyclegan_noise"),
        AblationRow("b2", "(c) without both point losses", "published,no_point_losses", (0, 1)),
        AblationRow("c", "the method as published", "published", (0, 1)),
        AblationRow("no_global_noise", "(c) without global noise", "published,no_global_noise"),
        AblationRow("no_local_noise", "(c) without local noise", "published,no_local_noise"),
        AblationRow("no_point_synthetic", "(c) without the point loss on F(G(s))", "published,no_point_loss_synthetic"),
        AblationRow("no_point_real", "(c) without the point loss on F(x)", "published,no_point_loss_real"),
        AblationRow("resnet_generator", "(c) with a ResNet for SPADE", "published,resnet_generator"),
        AblationRow("resnet_mapper", "(c) with a ResNet for F, L1 for the instance loss", "published,resnet_mapper"),
        AblationRow("no_pool", "(c) without image pools", "published,no_pool"),
        AblationRow("average", "(c) painted with averaged weights", "published,average", image_generator="c"),
        AblationRow("warm_start", "(c) after a warm start of F", "published,warm_start"),
        AblationRow("style", "(c) with a style code per image", "published,style"),
        AblationRow("blobs", "(c) with shapes that are no ellipses", "published,blobs"),
        AblationRow("pairs", "warm start, style, labelled real images", "published,warm_start,pairs"),
        AblationRow("real_shapes", "(pairs) with shapes of real objects", "published,warm_start,pairs,real_shapes"),
        AblationRow("pretrained_pairs", "labels and judge of a trained segmenter", PAINTER),
        AblationRow("unet", "(pretrained_pairs) with a UNet for SPADE", f"{PAINTER},unet_generator"),
        AblationRow("real_background", "nuclei painted into real tissue", f"{PAINTER},real_background"),
    ]


PAIRS = (23, 46, 69, 92)  # numbers of synthetic pairs in the paper's Table 3
USUAL = 46  # of them, with which the configuration's epochs are trained


def pairs_rows(image_generator: str, epochs: int, seed: int = 0) -> list[AblationRow]:
    """The paper's Table 3: segmenters trained on more and more images over fully synthetic points.

    Args:
        image_generator: row of the ablation whose generator paints them.
        epochs: of the configuration, for the segmenter with 46 pairs; at equal epochs over the pairs the others have
            them in proportion, at equal updates the same. With 46 pairs both are one run.
        seed: of the run whose generator paints, and of these.
    """
    rows = []
    for pairs in PAIRS:
        lengths = {"updates": epochs, "epochs": max(round(epochs * pairs / USUAL), 1)}
        for name, length in ({"updates and epochs": epochs} if pairs == USUAL else lengths).items():
            overrides = {"synthetic/synthetic_images": pairs, "segmentation/segmentation_epochs": length}
            key, says = f"pairs_{pairs}_{name.split()[0]}", f"{pairs} pairs, equal {name}"
            rows.append(
                AblationRow(key, says, "published,synthetic_points", (seed,), overrides, image_generator, paired=False)
            )
    return rows
