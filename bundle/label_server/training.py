# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A client's request to train, checked, and what it is for the pipeline.

Clients choose among presets, variants and numbers. They cannot set other ids of a configuration, since an expression
there is code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..annotations.choice import Choice, parse_classes
from ..annotations.regions import REGION
from ..annotations.tile_set import TILES, TileSettings
from ..data.diameters import Diameter
from ..files.provenance import sha256
from ..files.view import View, Window, window_text
from ..pipeline.pipeline import check_request, decided
from ..pipeline.request import Request
from ..pipeline.stage_run import StageRun
from ..pipeline.stages import METHOD, method_with
from . import fields

EPOCHS = ("warm_start_epochs", "synthesis_epochs", "segmentation_epochs")  # what a client may shorten or lengthen


@dataclass(frozen=True)
class Training:
    """What a client asks for.

    Attributes:
        preset: name of a file in configs/presets.
        variant: names of files in configs/variants, separated by commas.
        mpp: um per px of the images, as the client states it; None: as they say.
        diameter: typical of an object, um; None: the configuration's.
        intensity: stored intensities of 16-bit images that become 0 and 1; None: each image by itself.
        epochs: of `EPOCHS`, those that the client sets.
        choice: which marks are clicks.
        init_weights: a model to go on from; None: from random weights.
    """

    preset: str = "cpu"
    variant: str = ""
    mpp: float | None = None
    diameter: float | None = None
    intensity: Window | None = None
    epochs: Mapping[str, int] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    init_weights: Path | None = None

    @classmethod
    def of(cls, request: fields.Request, defaults: Mapping[str, str], model: Path | None = None) -> Training:
        """The training that a request means.

        Args:
            request: of a client.
            defaults: of the server: preset, diameter and intensity, where it has them.
            model: what it serves, for clients that go on from it.

        Raises:
            ValueError: a field is of no use, or there is no model to go on from.
        """
        go_on = fields.flag(request, "continue_from_model")
        if go_on and model is None:
            raise ValueError("continue_from_model is true, and there is no model yet: train one without it first")
        return cls(
            preset=fields.text(request, "preset", defaults.get("preset", "cpu")),
            variant=fields.text(request, "variant"),
            mpp=fields.positive_number(request, "mpp"),
            diameter=fields.positive_number(request, "diameter") or fields.positive_number(defaults, "diameter"),
            intensity=fields.window(request, "intensity") or fields.window(defaults, "intensity"),
            epochs={name: value for name in EPOCHS if (value := fields.count(request, name)) is not None},
            choice=Choice(parse_classes(fields.text(request, "classes") or None), fields.flag(request, "centroids")),
            init_weights=model if go_on else None,
        )

    def as_pipeline(self, bundle_root: Path) -> Request:
        """The request as the pipeline takes it, its folders not named yet.

        Raises:
            ValueError: there is no such preset or variant.
        """
        request = Request(
            Path(),
            Path(),
            bundle_root,
            self.preset,
            variant=self.variant,
            overrides=dict(self.epochs),
            intensity=self.intensity,
        )
        check_request(request, method_with(request.variants))
        return request

    def decided(self, data: Path, results: Path, bundle_root: Path) -> Training:
        """The training with a variant that says whether synthetic images are painted, by its clicks where none does.

        Args:
            data: the data set.
            results: the output folder; what was decided for it stays.
            bundle_root: the folder that holds `configs/`.

        Raises:
            FileNotFoundError, ValueError: as the pipeline, before it trains.
        """
        diameter = None if self.diameter is None else Diameter(self.diameter)
        asked = replace(self.as_pipeline(bundle_root), dataset_dir=data, output_dir=results, diameter=diameter)
        return replace(self, variant=decided(replace(asked, image_mpp=self._image_mpp(data))).variant)

    def tiles(self, request: Request) -> TileSettings:
        """How tiles are cut: at the spacing of training, no side shorter than its crops.

        Args:
            request: as `as_pipeline` gives it.
        """
        config = StageRun(request, METHOD[0]).config
        size = config["model_mpp"], max(config["crop_size"])
        return TileSettings(*size, REGION, self.mpp, config["channels"], View(intensity=self.intensity))

    def settings(self) -> dict[str, Any]:
        """All that decides the result beside the data set and the code."""
        named = {"preset": self.preset, "variant": self.variant, "mpp": self.mpp, "diameter": self.diameter}
        weights = {"init_weights": sha256(self.init_weights)} if self.init_weights else {}
        range_ = {"intensity": list(self.intensity)} if self.intensity else {}
        return {**named, "epochs": dict(self.epochs), **weights, **range_}

    def arguments(self, data: Path, results: Path, device: str) -> list[str]:
        """Of `scripts.pipeline run`; tiles say their um per px, which is another than the slide's.

        Args:
            data: the data set.
            results: the output folder.
            device: auto, cpu, cuda or cuda:N.
        """
        mpp = self._image_mpp(data)
        options: dict[str, Any] = {"dataset_dir": data, "output_dir": results, "preset": self.preset, "device": device}
        options |= {"variant": self.variant, "mpp": mpp, "diameter": self.diameter, "init_weights": self.init_weights}
        options["intensity"] = window_text(self.intensity)
        options["set"] = "; ".join(f"{name}={value}" for name, value in self.epochs.items())
        return [f"--{name}={value}" for name, value in options.items() if value not in ("", None)]

    def _image_mpp(self, data: Path) -> float | None:
        return None if (data / TILES).is_file() else self.mpp
