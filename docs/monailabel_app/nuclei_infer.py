# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Inference: label masks and polygons of the nuclei in an image, or in regions of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bundle.inference.test_time_augmentation import TEST_TIME_AUGMENTATIONS
from bundle.label_server import fields
from bundle.label_server.annotation import as_annotation
from bundle.label_server.images import NUCLEI, objects_of_label, segment_image, whole_label
from bundle.label_server.masks import mask_suffix, write_mask
from bundle.label_server.query import Query
from bundle.label_server.slides import objects_of_slide
from bundle.networks.device import resolve_device
from bundle.slides.listing import is_slide
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.utils.others.generic import device_list, name_to_device
from nuclei_options import Options

Result = dict[str, Any]


class NucleiInfer(InferTask):
    """A model that finds nuclei.

    Args:
        model: where its weights are now; None before there are any, and then clients are not offered it.
        description: for clients.
        options: of the server.
    """

    def __init__(self, model: Callable[[], Path | None], description: str, options: Options) -> None:
        config = {
            "device": device_list(),
            "augmentation": list(TEST_TIME_AUGMENTATIONS),
            "mpp": "",
            "intensity": "",
            "simplify": 0.0,
        }
        super().__init__(InferType.SEGMENTATION, {NUCLEI: 1}, 2, description, config)
        self.model, self.options = model, options

    def info(self) -> dict[str, Any]:
        """What clients ask first; QuPath offers models of pathology."""
        return {**super().info(), "pathology": True, "nuclick": False}

    def is_valid(self) -> bool:
        """Whether there is a model."""
        return self.model() is not None

    def __call__(self, request: Mapping[str, Any]) -> tuple[str, Result]:
        """The mask of a whole image, instance ids: its file, which the caller removes, and facts.

        Raises:
            FileNotFoundError, ValueError: as `whole_label` and `mask_suffix`.
        """
        started, path = time.perf_counter(), Path(request["image"])
        label, mpp = whole_label(path, self.query(request))
        suffix = mask_suffix(fields.text(request, "result_extension"), path, int(label.max()))
        with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file:
            write_mask(Path(file.name), label, mpp)
        return file.name, self._facts(int(label.max()), mpp, started)

    def polygons(self, request: Mapping[str, Any]) -> Result:
        """The objects of an image, or those whose centre lies in the regions of a request, as MONAI Label's annotation.

        Raises:
            FileNotFoundError, ValueError: the image or the model is of no use, or a field of the request is.
        """
        started, path, regions = time.perf_counter(), Path(request["image"]), fields.regions(request)
        tolerance = fields.positive_number(request, "simplify") if request.get("simplify") else None
        query = self.query(request)
        mpp: float | None
        if is_slide(path):
            objects, mpp = objects_of_slide(path, query, regions)
        else:
            found, mpp = segment_image(path, query)
            objects = list(objects_of_label(found, mpp, regions))
        annotation = as_annotation(objects, regions, tolerance or 0.0)
        return {"annotation": annotation, **self._facts(len(objects), mpp, started)}

    def query(self, request: Mapping[str, Any]) -> Query:
        """What a request asks of the model; ValueError where a field is of no use, or there is no model."""
        model = self.model()
        if model is None:
            raise ValueError("this model is not trained yet")
        return Query(
            model,
            fields.positive_number(request, "mpp"),
            self.options.mpp,
            fields.text(request, "augmentation", "none"),
            device_of(request, self.options),
            fields.window(request, "intensity") or self.options.intensity,
        )

    def _facts(self, count: int, mpp: float | None, started: float) -> Result:
        latencies = {"total": round(time.perf_counter() - started, 2)}
        return {"label_names": self.labels, "objects": count, "mpp": mpp, "latencies": latencies}


def device_of(request: Mapping[str, Any], options: Options) -> str:
    """Where to compute: as the client says, by torch's name or by the GPU's, else as the server was told."""
    asked = fields.text(request, "device")
    if not asked or asked == "auto":
        return str(resolve_device(options.device))
    offered = asked in device_list()  # by the GPU's name
    return str(resolve_device(name_to_device(asked) if offered else asked))
