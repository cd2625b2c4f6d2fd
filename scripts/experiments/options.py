# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Options that the experiments share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bundle.files.images import check_mpp
from bundle.files.value_rules import listed
from bundle.networks.device import resolve_device
from bundle.pipeline.request import Request
from bundle.pipeline.settings import parse_overrides

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class TrainingOptions:
    """What is trained on, where, and at which scale.

    Attributes:
        dataset_dir: folder with images/, points/, labels/ and split.json.
        output_dir: folder for all runs: new, empty, or that of an earlier call, which is then continued.
        preset: compute scale: smoke, cpu, paper, or another file of configs/presets.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
        device: auto, cpu, cuda or cuda:N.
    """

    dataset_dir: str
    output_dir: str
    preset: str = "cpu"
    image_mpp: float | None = None
    device: str = "auto"

    def request(self, settings: str, seed: int = 0) -> Request:
        """What is asked for, as the pipeline takes it.

        Args:
            settings: by their id, "id=value; stage/id=value".
            seed: of every random draw.

        Raises:
            ValueError: a value is of no use.
        """
        return Request(
            dataset_dir=Path(self.dataset_dir),
            output_dir=Path(self.output_dir),
            bundle_root=ROOT,
            preset=self.preset,
            device=str(resolve_device(self.device)),
            seed=seed,
            image_mpp=check_mpp(self.image_mpp),
            overrides=parse_overrides(settings),
        )


@dataclass(frozen=True)
class TableOptions:
    """Where finished runs are kept and shown.

    Attributes:
        records: CSV of finished runs, such as docs/ablation.csv: those in it are not run again, new ones are entered.
        page: Markdown page to put the table into, such as docs/synthesis.md, between the marks that it has for it.
        table_only: run nothing, write the table of what is finished.
    """

    records: str = ""
    page: str = ""
    table_only: bool = False


def lengths(synthesis_epochs: int, segmentation_epochs: int) -> str:
    """Settings for the lengths of stages 1 and 3, in epochs of the preset."""
    return f"synthesis/synthesis_epochs={synthesis_epochs}; segmentation/segmentation_epochs={segmentation_epochs}"


def numbers(name: str, text: str) -> list[float]:
    """[0.5, 1.0] of "0.5,1".

    Raises:
        ValueError: one is none.
    """
    try:
        return [float(part) for part in listed(text)]
    except ValueError as error:
        raise ValueError(f"{name} is {text!r}: give numbers with commas between") from error
