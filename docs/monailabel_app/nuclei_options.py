# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What `--conf NAME VALUE` sets, checked when the server starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bundle.files.view import Window
from bundle.label_server import fields
from bundle.networks.device import resolve_device

ROOT = Path(__file__).resolve().parents[2]
KNOWN = ("model", "mpp", "intensity", "diameter", "preset", "device", "training_dir")
IGNORED = ("server_mode",)  # MONAI Label's own


@dataclass(frozen=True)
class Options:
    """Settings of the server.

    Attributes:
        model: weights, with their description beside them.
        mpp: um per px of images that say nothing.
        diameter: typical of an object, um, to train with; None: the configuration's.
        preset: to train with, where a client names none.
        device: auto, cpu, cuda or cuda:N, where a client names none.
        training_dir: where trainings from clicks lie.
        intensity: stored intensities of 16-bit images that become 0 and 1, where a client says nothing; None: as the
            model says, and in training each image by itself.
    """

    model: Path
    mpp: float | None
    diameter: float | None
    preset: str
    device: str
    training_dir: Path
    intensity: Window | None = None

    @classmethod
    def of(cls, conf: Mapping[str, str], studies: str) -> Options:
        """Read the settings.

        Args:
            conf: as MONAI Label collects them.
            studies: folder of the images.

        Raises:
            ValueError: there is no such setting, or its value is of no use.
            FileNotFoundError: the model that is named is not there.
        """
        unknown = [name for name in conf if name not in (*KNOWN, *IGNORED)]
        if unknown:
            raise ValueError(f"--conf {unknown[0]}: there is no such setting; choose among {', '.join(KNOWN)}")
        model = Path(fields.text(conf, "model", str(ROOT / "models" / "model.pt"))).resolve()
        if "model" in conf and not model.is_file():  # without one, training from clicks makes the first
            raise FileNotFoundError(f"--conf model {conf['model']}: there is no such file")
        device = fields.text(conf, "device", "auto")
        try:
            resolve_device(device)
        except ValueError as error:
            raise ValueError(f"--conf device {device}: {error}") from error
        return cls(
            model=model,
            mpp=fields.positive_number(conf, "mpp"),
            intensity=fields.window(conf, "intensity"),
            diameter=fields.positive_number(conf, "diameter"),
            preset=fields.text(conf, "preset", "cpu"),
            device=device,
            training_dir=Path(fields.text(conf, "training_dir", str(Path(studies) / "nuclei_training"))).resolve(),
        )
