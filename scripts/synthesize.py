# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Paint a data set of synthetic images with labels: any number, size and density, in the style of one reference image.

    python -m scripts.synthesize images --generator OUT/synthesis --output_dir PAIRS --images 20 --density 6000

The generator is what stage 1 of the pipeline wrote. What comes out is a data folder: images/, labels/, points/,
split.json, and contact_sheet.png to look at.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bundle.files.images import check_mpp
from bundle.files.manifest import StageManifest
from bundle.files.provenance import sha256
from bundle.files.value_rules import listed
from bundle.inference.model import read_card
from bundle.inference.painting import load_image_generator
from bundle.inference.synthetic_dataset import (
    Tissue,
    check_style,
    imagined_images,
    no_style,
    shapes_beside,
    style_of,
    write_synthetic_dataset,
)
from bundle.networks.device import resolve_device
from scripts.command_line import run_command

logger = logging.getLogger(__name__)

STAGE = "synthesize"
WEIGHTS = "generator.pt"
KEPT_APART = 0.6  # typical diameters between two centres, where nothing else is said


@dataclass(frozen=True)
class TissueOptions:
    """What the images are to show.

    Attributes:
        images: how many.
        size: height and width, px at the generator's spacing.
        density: objects per mm^2, on average.
        diameter: typical of an object, um; without it what the generator was trained with.
        spacing: smallest distance between two centres, um; without it 0.6 diameters.
        unevenness: how much the density varies inside an image; 0: evenly.
        style: an image that says how the others are to look, for a generator of --variant style or pairs.
        image_mpp: (or --mpp) micrometres per pixel of that image; without it its TIFF tags are asked.
        seed: image i depends on it, i and these options alone.
    """

    images: int = 10
    size: str = "512,512"
    density: float = 6000.0
    diameter: float | None = None
    spacing: float | None = None
    unevenness: float = 0.5
    style: str = ""
    image_mpp: float | None = None
    seed: int = 0

    def tissue(self, diameter: float) -> Tissue:
        """What the generator, trained with this diameter in um, is asked for."""
        typical = self.diameter or diameter
        size = listed(self.size)
        if len(size) != 2 or not all(side.isdigit() for side in size):
            raise ValueError(f"size is {self.size!r}: give height and width in px, such as 512,512")
        return Tissue(
            images=self.images,
            size=(int(size[0]), int(size[1])),
            density=self.density,
            diameter=typical,
            spacing=KEPT_APART * typical if self.spacing is None else self.spacing,
            unevenness=self.unevenness,
            seed=self.seed,
        )


def images(generator: str, output_dir: str, options: TissueOptions, device: str = "auto") -> None:
    """Paint images with labels.

    Args:
        generator: the folder of stage 1 (OUT/synthesis), or a file of its weights such as generator_average.pt.
        output_dir: the data folder to write: new, or that of the same command, which then goes on.
        options: what the images are to show.
        device: auto, cpu, cuda or cuda:N.
    """
    weights = Path(generator) / WEIGHTS if Path(generator).is_dir() else Path(generator)
    if not weights.is_file():
        raise FileNotFoundError(
            f"{weights}: no such generator; a run trains one where it paints: scripts.pipeline run --variant painted"
        )
    card = read_card(weights)
    paint = load_image_generator(weights, resolve_device(device), options.seed)
    check_style(paint, options.style)
    tissue = options.tissue(card.diameter or 0.0)
    style = style_of(options.style, card, check_mpp(options.image_mpp)) if options.style else no_style(card.channels)
    shapes = shapes_beside(weights)
    drawn = imagined_images(tissue, card.mpp, style, shapes)  # a density that is out of reach fails here
    settings = asdict(replace(options, style=""))
    inputs = {"generator": sha256(weights)} | ({"style": sha256(options.style)} if options.style else {})
    with StageManifest(output_dir, STAGE, settings, inputs).claimed():
        write_synthetic_dataset(paint, drawn, output_dir, card.mpp)
    count = sum(len(image.points) for image in drawn)
    kind = "ellipses" if shapes is None else "shapes of real objects"
    logger.info("%d images with %d objects (%s) in %s", len(drawn), count, kind, Path(output_dir).resolve())


if __name__ == "__main__":
    run_command({"images": images})
