# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the user asked for, for all stages; `stage_run` says what follows from it for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.diameters import Diameter
from ..files.value_rules import listed
from ..files.view import Window, window_text
from ..networks.device import AUTO


@dataclass(frozen=True)
class Request:
    """One call of the pipeline.

    Args:
        dataset_dir: the user's data set.
        output_dir: where all stages write.
        bundle_root: the folder that holds `configs/`.
        preset: name of a file in `configs/presets/`.
        device: "auto", "cpu", "cuda", "cuda:1", ...
        seed: of every random draw.
        image_mpp: um per px of the data set's images; None: as their tags say.
        intensity: stored intensities of 16-bit images that become 0 and 1; None: each image by itself.
        variant: names of files in `configs/variants/`, separated by commas, later ones laid over earlier ones; "" for
            none.
        overrides: as `parse_overrides` returns them.
        diameter: typical of an object; None: the configuration's. `with_diameter` makes an override of it.
        decision: whether synthetic images are painted and why, where nobody said it; manifests keep it.
    """

    dataset_dir: Path
    output_dir: Path
    bundle_root: Path
    preset: str
    device: str = AUTO
    seed: int = 0
    image_mpp: float | None = None
    intensity: Window | None = None
    variant: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    diameter: Diameter | None = None
    decision: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variants(self) -> list[str]:
        """The names in `variant`."""
        return listed(self.variant)

    def arguments(self) -> dict[str, Any]:
        """The command line's options that make this request anew, beside the folders."""
        options = {"preset": self.preset, "variant": self.variant, "mpp": self.image_mpp, "seed": self.seed}
        options |= {"intensity": window_text(self.intensity)}
        options |= {
            "device": self.device,
            "set": "; ".join(f"{name}={json.dumps(value)}" for name, value in self.overrides.items()),
        }
        return {name: value for name, value in options.items() if value not in ("", None)}
