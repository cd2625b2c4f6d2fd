# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One stage of one request: its configuration, settings, inputs and state, each worked out once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow

from ..files.manifest import StageManifest, differences, stage_state
from ..files.manifest_file import MANIFEST
from ..files.provenance import hash_files, sha256
from ..files.value_rules import listed
from ..inference.model import model_path
from ..networks.device import PrecisionChoice, choose_precision, resolve_device
from .request import Request
from .settings import flatten, load_config, overrides_of, path_expression, reachable
from .stages import DATASET, PAINTED, Stage

# top-level ids that do not decide the result: where, with how much caution, and how the configuration is put together
NEUTRAL = {"bundle_root", "device", "compute_device", "output_dir", "resume", "num_workers", "checkpoint_seconds"}
NEUTRAL |= {"_desc_", "imports", "check_path", "manifest", "initialize", "finalize"}
WEIGHTS = ("init_weights", "pretrained")  # settings that name a model from elsewhere
MOST_SHOWN = 8  # changes that a message names
PAINTS = "paints"  # in a preset or variant: whether synthetic images are painted, where it says so


class StaleStageError(ValueError):
    """A stage's folder was made with other settings or from other inputs than the ones asked for now."""


@dataclass(frozen=True)
class StageRun:
    """What a request asks of one stage.

    Args:
        request: one call of the pipeline.
        stage: the stage.
        files: name and path of the files of the data set that the stage reads.
    """

    request: Request
    stage: Stage
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the stage writes."""
        return self.request.output_dir / self.stage.folder

    @cached_property
    def variants(self) -> list[str]:
        """The preset's own variants, the user's, then the stage's own."""
        preset = load_config([self.request.bundle_root / "configs" / "presets" / f"{self.request.preset}.yaml"])
        return [*listed(preset.get("with_variants", "")), *self.request.variants, *listed(self.stage.variant)]

    @cached_property
    def config_files(self) -> list[Path]:
        """The stage's configuration, the preset, the preset's own variants, the user's, then the stage's own."""
        configs = self.request.bundle_root / "configs"
        layers = [configs / "presets" / f"{self.request.preset}.yaml"]
        layers += [configs / "variants" / f"{name}.yaml" for name in self.variants]
        return [*(configs / name for name in self.stage.config_files), *layers]

    @cached_property
    def plain_config(self) -> dict[str, Any]:
        """The content of the stage's files, without any override."""
        return load_config(self.config_files)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Overrides that decide the stage's result; the user's own come last."""
        values: dict[str, Any] = {"seed": self.request.seed, "image_mpp": self.request.image_mpp}
        if self.request.intensity is not None:
            values["intensity"] = list(self.request.intensity)
        values |= {"split": self.stage.images[0]} if self.stage.images else {}
        return values | overrides_of(self.stage.name, self.request.overrides, self.plain_config)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The stage's configuration as it runs, nothing evaluated, without paths and device."""
        parser = ConfigParser(dict(self.plain_config))
        parser.update(self.values)
        return parser.get()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Id -> value of all that decides the stage's result; a manifest keeps and compares it.

        What presets and variants say to other stages is not among it.
        """
        left_out = {*NEUTRAL, *self.stage.reads, ConfigParser.meta_key}
        chosen = {name: value for name, value in self.config.items() if name in self._used and name not in left_out}
        return flatten(chosen)

    @cached_property
    def _used(self) -> set[str]:
        """Ids that decide the result: the stage's own, and all that these refer to."""
        own = load_config([self.request.bundle_root / "configs" / name for name in self.stage.config_files])
        return reachable(self.config, {*own, *self.values})

    @cached_property
    def precision(self) -> PrecisionChoice | None:
        """What a training stage computes in on this machine; None: it does not train.

        Raises:
            ValueError: the configuration names a precision or device that is not there.
        """
        asked = self.config.get("precision")
        if not self.stage.trainers or asked is None:
            return None
        return choose_precision(resolve_device(self.request.device), asked)

    def inputs(self) -> dict[str, str]:
        """Name -> SHA-256 of all that the stage reads now: files of the data set, manifests of earlier stages."""
        root = self.request.output_dir
        manifests = {f"{folder}/{MANIFEST}": root / folder / MANIFEST for folder in self.stage.upstream}
        return hash_files({**self.files, **manifests, **self._weights()})

    def _weights(self) -> dict[str, Path]:
        """Setting -> file of the weights from elsewhere that the stage begins with."""
        parser = ConfigParser({**self.config, "bundle_root": path_expression(self.request.bundle_root)})
        named = [name for name in WEIGHTS if name in self._used and self.config.get(name)]
        return {name: model_path(parser.get_parsed_content(name)) for name in named}

    def state(self) -> str:
        """The state of the stage's folder now: "absent", "partial" or "done".

        Raises:
            StaleStageError: names what changed and how to go on.
        """
        inputs = self.inputs()
        state = stage_state(self.folder, self.settings, inputs)
        if state == "stale":
            changes = differences(self.folder, self.settings, inputs)
            more = len(changes) - MOST_SHOWN
            shown = "\n  ".join(changes[:MOST_SHOWN] + [f"and {more} more"] * (more > 0))
            raise StaleStageError(
                f"{self.folder} does not fit what is asked for now:\n  {shown}\n"
                f"Either go back to what it was made with, or name another output folder, or add --restart "
                f"{self.stage.folder}, which moves this stage and all "
                f"that read it to {self.request.output_dir / 'replaced'} and makes them anew"
            )
        return state

    def manifest(self) -> StageManifest:
        """The manifest that the stage writes, with how it was started."""
        return StageManifest(self.folder, self.stage.name, self.settings, self.inputs(), self._record())

    def _record(self) -> dict[str, Any]:
        request, root = self.request, self.request.bundle_root
        return {
            "preset": request.preset,
            "variants": self.variants,
            "seed": request.seed,
            "device": request.device,
            "precision": None if self.precision is None else self.precision.name,
            "overrides": dict(request.overrides),
            "dataset_dir": str(request.dataset_dir.resolve()),
            "arguments": request.arguments() | self._as_painted(),
            "decision": dict(request.decision),
            "config_files": {str(path.relative_to(root)): sha256(path) for path in self.config_files},
        }

    def _as_painted(self) -> dict[str, str]:
        """The option without which the command line would decide by the clicks what this request left unsaid."""
        return {} if PAINTS in self.plain_config else {"variant": ",".join([PAINTED, *self.request.variants])}

    def workflow(self, output_dir: Path, resume: bool = False, **more: Any) -> ConfigWorkflow:
        """The stage's MONAI workflow, not initialized, writing to `output_dir`; `more` are overrides too."""
        overrides = self.values | {"resume": resume, "device": self.request.device, **more}
        overrides |= {
            "bundle_root": path_expression(self.request.bundle_root),
            "output_dir": path_expression(output_dir),
            "check_path": "$str",  # in place of the check that `bundle run` needs: an expression keeps any name
        }
        overrides |= {name: path_expression(self._source(folder)) for name, folder in self.stage.reads.items()}
        files = [str(file) for file in self.config_files]
        with _fewer_warnings():
            return ConfigWorkflow(files, logging_file=False, workflow_type=self.stage.workflow_type, **overrides)

    def _source(self, folder: str) -> Path:
        return self.request.dataset_dir if folder == DATASET else self.request.output_dir / folder


@contextmanager
def _fewer_warnings() -> Iterator[None]:
    """MONAI's parser warns of presets in a folder of their own, and that logging stays as it is."""
    parser_log = logging.getLogger("monai.bundle.workflows")
    level = parser_log.level
    parser_log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        parser_log.setLevel(level)
