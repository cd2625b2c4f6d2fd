# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The app: which models and trainers there are, and how requests reach them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from bundle.label_server.images import NUCLEI
from bundle.label_server.names import is_upload
from bundle.label_server.query import Query
from bundle.label_server.runs import TrainingRuns
from bundle.networks.device import resolve_device
from fastapi import HTTPException
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import DefaultLabelTag
from monailabel.tasks.activelearning.first import First
from monailabel.tasks.activelearning.random import Random
from monailabel.utils.others.generic import strtobool
from monailabel.utils.others.pathology import create_asap_annotations_xml, create_dsa_annotations_json
from nuclei_doubt import MostDoubtful
from nuclei_errors import told_to_client
from nuclei_infer import NucleiInfer
from nuclei_options import ROOT, Options
from nuclei_store import NucleiStore
from nuclei_train import NucleiTrain

logger = logging.getLogger(__name__)

GIVEN, TRAINED = "nuclei", "nuclei_from_clicks"  # the model that the server was given, and the one it trained
Request = dict[str, Any]
WRITERS = {"asap": create_asap_annotations_xml, "dsa": create_dsa_annotations_json}


class NucleiApp(MONAILabelApp):
    """Serves this bundle.

    Args:
        app_dir: this folder.
        studies: folder of the images.
        conf: as `Options.of` takes it.
    """

    def __init__(self, app_dir: str, studies: str, conf: Mapping[str, str]) -> None:
        if studies.startswith(("http://", "https://")):
            raise ValueError(f"--studies {studies}: give a folder of images; a remote archive is not supported")
        self.options = Options.of(conf, studies)
        self.runs = TrainingRuns(self.options.training_dir)
        metadata = json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))
        super().__init__(
            app_dir=app_dir,
            studies=studies,
            conf=dict(conf),
            name=metadata["name"],
            description="Finds nuclei in microscopy images, and learns to from clicks",
            version=metadata["version"],
            labels=[NUCLEI],
        )

    def init_datastore(self) -> NucleiStore:
        """The folder of images."""
        return NucleiStore(self.studies)

    def init_infers(self) -> dict[str, NucleiInfer]:
        """The model that was given, and the one that training from clicks makes."""
        return {
            GIVEN: NucleiInfer(self._given, "Nuclei, one instance each", self.options),
            TRAINED: NucleiInfer(self.runs.served, "Nuclei, by the model trained from clicks here", self.options),
        }

    def init_trainers(self) -> dict[str, NucleiTrain]:
        """One: what it makes is served under the same name."""
        return {TRAINED: NucleiTrain(self.runs, lambda: self.runs.served() or self._given(), self.options)}

    def init_strategies(self) -> dict[str, Any]:
        """Which image to click next."""
        return {"doubt": MostDoubtful(self._query), "random": Random(), "first": First()}

    def _query(self) -> Query | None:
        """A question to the model trained here, to the given one before there is any."""
        model = self.runs.served() or self._given()
        return (
            Query(model, default_mpp=self.options.mpp, device=str(resolve_device(self.options.device)))
            if model
            else None
        )

    def infer(self, request: Request, datastore: NucleiStore | None = None) -> Request:
        """A label mask of an image."""
        with told_to_client():
            task = self._task(request)
            name = request.get("image")
            path, is_kept = self._image(name)
            file, facts = task({**request, "image": str(path)})
            label, tag = file, request.get("label_tag", DefaultLabelTag.ORIGINAL.value)
            if is_kept and strtobool(request.get("save_label")):
                kept = {"model": request["model"], "params": facts}
                label = (datastore or self.datastore()).save_label(name, file, tag, kept)
            return {"label": label, "tag": tag, "file": file, "params": facts}

    def infer_wsi(self, request: Request, datastore: NucleiStore | None = None) -> Request:
        """Polygons of an image or of regions of it, as ASAP XML, DSA JSON or plain JSON."""
        with told_to_client():
            task = self._task(request)
            path, _ = self._image(request.get("image"))
            result = task.polygons({**request, "image": str(path)})
            location, size = result["annotation"]["location"], result["annotation"]["size"]
            whole = {
                "name": f"{request['model']} in {location + size}",
                "description": task.description,
                "model": request["model"],
                "location": location,
                "size": size,
                "annotations": [result],
                "latencies": result["latencies"],
            }
            writer = WRITERS.get(str(request.get("output")))
            return {"file": writer(whole, "WARNING")[0] if writer else None, "params": whole}

    def batch_infer(self, request: Request, datastore: NucleiStore | None = None) -> Request:
        """Label masks of many images; {} for one that has none, such as a slide, so that the others get theirs."""
        with told_to_client():
            self._task(request)  # what would fail for all of them fails at once
        many = {} if torch.cuda.is_available() else {"multi_gpu": False}  # else MONAI Label divides by no GPU
        return dict(self._batch_infer({**request, **many}, datastore or self.datastore(), self._infer_one_of_many))

    def _infer_one_of_many(self, request: Request, datastore: NucleiStore) -> Request:
        try:
            return self.infer(request, datastore)
        except HTTPException:  # the log has its message
            return {}

    def train(self, request: Request) -> Request:
        """Train from clicks; where this is a process of its own, an error is its last line."""
        with told_to_client():
            task = self._trainers.get(request.get("model"))
            if task is None:
                raise ValueError(f"model is {request.get('model')!r}: the trainers are {', '.join(self._trainers)}")
            if self._server_mode:
                return dict(task(request, self.datastore()))
        try:
            return dict(task(request, self.datastore()))
        except (ValueError, OSError) as error:
            sys.exit(f"error: {error}")

    def on_save_label(self, image_id: str, label_id: str) -> Request:
        """Tell the client how its label was understood."""
        clicks = self.datastore().clicks(image_id)
        return {} if clicks is None else {"points": len(clicks.points), "outlines": len(clicks.outlines)}

    def model_file(self, model: str, validate: bool = True) -> None:
        """None: weights are neither sent, replaced nor removed by clients."""
        return None

    def _given(self) -> Path | None:
        return self.options.model if self.options.model.is_file() else None

    def _task(self, request: Request) -> NucleiInfer:
        task = self._infers.get(request.get("model"))
        if task is None or not task.is_valid():
            ready = ", ".join(name for name, each in self._infers.items() if each.is_valid())
            raise ValueError(
                f"model is {request.get('model')!r}: choose among {ready or 'none, since none is trained'}"
            )
        return task

    def _image(self, name: object) -> tuple[Path, bool]:
        """The file of an image of this server, or of one that was just sent, and whether it is of this server.

        Raises:
            FileNotFoundError: it is neither; no other path is opened.
        """
        known = self.datastore().get_image_uri(name) if isinstance(name, str) else ""
        if known:
            return Path(known), True
        sessions = self.sessions()
        if isinstance(name, str) and (is_upload(name) or any(name == each.image for each in (sessions or {}).values())):
            return Path(name), False
        raise FileNotFoundError(
            f"there is no image {name!r} on this server: name one of its folder, without the ending, or send the file"
        )
