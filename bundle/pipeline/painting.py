# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether synthetic images are painted, where no variant says it: decided once, by the number of images and the clicks.

Painting takes half of the time. With exact clicks, or few images, it cost accuracy; with rough clicks it gained. The
decision stands in the manifests of the stages, so that a run that goes on does not change its mind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from ..annotations.click_check import check_clicks
from ..data.folder import DataFolder
from ..files.manifest_file import read_manifest
from .dataset import DIAMETER, MODEL_MPP
from .request import Request
from .stage_run import PAINTS, StageRun
from .stages import LABELS_ALONE, METHOD, PAINTED, WITHOUT_GENERATOR, Stage

FEW = 5  # images; with so many or fewer, painting cost accuracy
ROUGH = 0.25  # typical diameters beside the centres, 1.5 um for nuclei of 6 um; with rougher clicks it gained accuracy


def with_painting(request: Request, dataset: DataFolder, beside: Sequence[Stage] = (), restart: str = "") -> Request:
    """The request with the variant that says whether synthetic images are painted; as it is, where it says so already.

    Args:
        request: what the user asked for; its diameter is a setting.
        dataset: images and points, checked.
        beside: stages of baselines; some need synthetic images.
        restart: the stage to make anew; with the first one, what was decided for the output folder falls.
    """
    if PAINTS in StageRun(request, METHOD[0]).plain_config:
        return request
    earlier = None if restart in (METHOD[0].name, METHOD[0].folder) else _earlier(request)
    decision = earlier or _decide(request, dataset, beside)
    return replace(request, variant=",".join([decision["variant"], *request.variants]), decision=decision)


def describe_decision(decision: Mapping[str, Any]) -> str:
    """One line: what was decided, why, and how to have it otherwise."""
    made, other = ("", LABELS_ALONE) if decision["variant"] == PAINTED else ("no ", PAINTED)
    return f"{made}synthetic images are painted: {decision['why']} (otherwise: --variant {other})"


def _earlier(request: Request) -> dict[str, Any] | None:
    """What was decided, or said, for the output folder; None where no stage has begun in it."""
    for stage in METHOD:
        record = (read_manifest(request.output_dir / stage.folder) or {}).get("record")
        if record is not None:
            without = [name for name in WITHOUT_GENERATOR if name in record.get("variants", ())]
            variant = (without or [PAINTED])[0]  # the word of a file chooses among these alone
            decision = record.get("decision") or {}
            return {**decision, "variant": variant, "why": str(decision.get("why", "so this output was begun"))}
    return None


def _decide(request: Request, dataset: DataFolder, beside: Sequence[Stage]) -> dict[str, Any]:
    images, config = len(dataset.training), StageRun(request, METHOD[0]).config
    if needing := [stage.folder for stage in beside if _reads_paintings(stage)]:
        return {"variant": PAINTED, "why": f"{needing[0]} needs them"}
    if images <= FEW:
        return {"variant": LABELS_ALONE, "why": f"they did not pay with {FEW} clicked images or fewer, here {images}"}
    found = check_clicks(dataset, config[DIAMETER], config[MODEL_MPP])
    if found is None:
        return {"variant": LABELS_ALONE, "why": "the clicks could not be checked, as nothing shows where objects are"}
    why = (
        f"clicks lie about {found.diameters * config[DIAMETER]:.1f} um beside the centres, {found.diameters:.2f} of a"
        f" diameter ({found.clicks} clicks in {found.images} images), and painting pays above {ROUGH:g}"
    )
    return {"variant": PAINTED if found.diameters > ROUGH else LABELS_ALONE, "why": why, "click_check": asdict(found)}


def _reads_paintings(stage: Stage) -> bool:
    return stage.name == "synthesis" or not {"synthesis_dir", "synthetic_dir"}.isdisjoint(stage.reads)
