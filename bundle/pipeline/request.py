# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the user asked for, and what follows from it for one stage: files, overrides, settings and inputs."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow

from ..data.diameters import Diameter
from ..files.manifest import MANIFEST
from ..files.provenance import hash_files, sha256
from ..networks.device import AUTO, PrecisionChoice, choose_precision, resolve_device
from .settings import flatten, load_config, overrides_of, path_expression, reachable
from .stages import DATASET, Stage

# top-level ids that do not decide the result: where, with how much caution, and how the configuration is put together
NEUTRAL = {"bundle_root", "device", "compute_device", "output_dir", "resume", "num_workers", "checkpoint_seconds"}
NEUTRAL |= {"_desc_", "imports", "check_path", "manifest", "initialize", "finalize"}


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
        variant: names of files in `configs/variants/`, separated by commas, later ones laid over earlier ones; "" for
            none.
        overrides: as `parse_overrides` returns them.
        diameter: typical of an object; None: the configuration's. `with_diameter` makes an override of it.
    """

    dataset_dir: Path
    output_dir: Path
    bundle_root: Path
    preset: str
    device: str = AUTO
    seed: int = 0
    image_mpp: float | None = None
    variant: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    diameter: Diameter | None = None

    @property
    def variants(self) -> list[str]:
        """The names in `variant`."""
        return listed(self.variant)

    def folder(self, stage: Stage) -> Path:
        """Where the stage writes."""
        return self.output_dir / stage.folder

    def config_files(self, stage: Stage) -> list[Path]:
        """The stage's configuration, then the preset, then the user's variants, then the stage's own."""
        configs = self.bundle_root / "configs"
        layers = [configs / "presets" / f"{self.preset}.yaml"]
        layers += [configs / "variants" / f"{name}.yaml" for name in self._variants(stage)]
        return [*(configs / name for name in stage.config_files), *layers]

    def _variants(self, stage: Stage) -> list[str]:
        return [*self.variants, *listed(stage.variant)]

    def plain_config(self, stage: Stage) -> dict[str, Any]:
        """The content of the stage's files, without any override."""
        return load_config(self.config_files(stage))

    def config(self, stage: Stage) -> dict[str, Any]:
        """The stage's configuration as it runs, nothing evaluated, without paths and device."""
        parser = ConfigParser(self.plain_config(stage))
        parser.update(self.values(stage))
        return parser.get()

    def values(self, stage: Stage) -> dict[str, Any]:
        """Overrides that decide the stage's result; the user's own come last."""
        values: dict[str, Any] = {"seed": self.seed, "image_mpp": self.image_mpp}
        values |= {"split": stage.images[0]} if stage.images else {}
        return values | overrides_of(stage.name, self.overrides, self.plain_config(stage))

    def settings(self, stage: Stage) -> dict[str, Any]:
        """Id -> value of all that decides the stage's result; a manifest keeps and compares it.

        What presets and variants say to other stages is not among it.
        """
        left_out = {*NEUTRAL, *stage.reads, ConfigParser.meta_key}
        own = load_config([self.bundle_root / "configs" / name for name in stage.config_files])
        config = self.config(stage)
        used = reachable(config, {*own, *self.values(stage)})
        return flatten({name: config[name] for name in config if name in used and name not in left_out})

    def precision(self, stage: Stage) -> PrecisionChoice | None:
        """What a training stage computes in on this machine; None: it does not train.

        Raises:
            ValueError: the configuration names a precision or device that is not there.
        """
        asked = self.config(stage).get("precision")
        return choose_precision(resolve_device(self.device), asked) if stage.trainers and asked is not None else None

    def inputs(self, stage: Stage, files: Mapping[str, Path]) -> dict[str, str]:
        """Name -> SHA-256 of all that the stage reads: files of the data set, manifests of earlier stages."""
        manifests = {f"{folder}/{MANIFEST}": self.output_dir / folder / MANIFEST for folder in stage.upstream}
        return hash_files({**files, **manifests})

    def record(self, stage: Stage) -> dict[str, Any]:
        """What a manifest keeps beside settings and inputs: how the stage was started."""
        return {
            "preset": self.preset,
            "variants": self._variants(stage),
            "seed": self.seed,
            "device": self.device,
            "precision": None if (precision := self.precision(stage)) is None else precision.name,
            "overrides": dict(self.overrides),
            "dataset_dir": str(self.dataset_dir.resolve()),
            "arguments": self.arguments(),
            "config_files": {
                str(path.relative_to(self.bundle_root)): sha256(path) for path in self.config_files(stage)
            },
        }

    def arguments(self) -> dict[str, Any]:
        """The command line's options that make this request anew, beside the folders."""
        options = {"preset": self.preset, "variant": self.variant, "mpp": self.image_mpp, "seed": self.seed}
        options |= {
            "device": self.device,
            "set": "; ".join(f"{name}={json.dumps(value)}" for name, value in self.overrides.items()),
        }
        return {name: value for name, value in options.items() if value not in ("", None)}

    def workflow(self, stage: Stage, output_dir: Path, resume: bool = False, **more: Any) -> ConfigWorkflow:
        """The stage's MONAI workflow, not initialized, writing to `output_dir`; `more` are overrides too."""
        overrides = self.values(stage) | {"resume": resume, "device": self.device, **more}
        overrides |= {"bundle_root": path_expression(self.bundle_root), "output_dir": path_expression(output_dir)}
        overrides |= {name: path_expression(self.source(folder)) for name, folder in stage.reads.items()}
        overrides |= {
            "check_path": "$str"
        }  # in place of the check that `bundle run` needs: an expression keeps any name
        files = [str(file) for file in self.config_files(stage)]
        parser_log = logging.getLogger("monai.bundle.workflows")
        level = parser_log.level
        parser_log.setLevel(
            logging.ERROR
        )  # it warns of presets in a folder of their own, and that logging stays as it is
        try:
            return ConfigWorkflow(files, logging_file=False, workflow_type=stage.workflow_type, **overrides)
        finally:
            parser_log.setLevel(level)

    def source(self, folder: str) -> Path:
        """The path of a folder that a stage reads."""
        return self.dataset_dir if folder == DATASET else self.output_dir / folder


def listed(names: str) -> list[str]:
    """Names that a text holds, separated by commas."""
    return [name.strip() for name in names.split(",") if name.strip()]
