# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of images and labels: MONAI Label's own, for more kinds of files, and with names checked.

MONAI Label joins names of images and tags that clients send to paths as they come; here those that would leave the
folder are refused. Files of clicks are looked for among the labels only, so that a table beside an image is no image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bundle.annotations.clicks import Clicks
from bundle.annotations.formats.registry import READERS
from bundle.data.items import files_by_name
from bundle.files.images import IMAGE_SUFFIXES
from bundle.label_server.clicked import check_within, read_label_file
from bundle.label_server.images import pixel_size
from bundle.label_server.names import plain_name
from bundle.slides.listing import IMAGE_OR_SLIDE_SUFFIXES
from monailabel.config import settings
from monailabel.datastore.local import LocalDatastore
from monailabel.interfaces.datastore import DefaultLabelTag
from nuclei_errors import told_to_client

IMAGES = [f"*{suffix}" for suffix in IMAGE_OR_SLIDE_SUFFIXES]
MASKS = ["*.nrrd", "*.nii", "*.nii.gz"]
LABELS = [*(f"*{suffix}" for suffix in READERS), *MASKS]
FINAL = DefaultLabelTag.FINAL.value


class NucleiStore(LocalDatastore):
    """Images directly in a folder, labels in its folder labels/TAG.

    Args:
        studies: the folder.

    Raises:
        ValueError: two images have one base name, which is all that clients say.
    """

    def __init__(self, studies: str) -> None:
        files_by_name(Path(studies), IMAGE_OR_SLIDE_SUFFIXES)
        super().__init__(
            studies,
            extensions=list(dict.fromkeys([*IMAGES, *LABELS])),
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            read_only=settings.MONAI_LABEL_DATASTORE_READ_ONLY,
        )

    def _list_files(self, path: str, patterns: Sequence[str]) -> dict[str, str]:
        is_image_folder = Path(path).resolve() == Path(self._datastore.image_path()).resolve()
        found: dict[str, str] = super()._list_files(path, IMAGES if is_image_folder else LABELS)
        return {name: file for name, file in found.items() if not name.startswith(".")}

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Keep an image that a client sent; one of this name is replaced."""
        with told_to_client():
            plain_name(image_id, "the name of the image")
            if Path(image_filename).suffix.lower() not in IMAGE_OR_SLIDE_SUFFIXES:
                raise ValueError(f"image {image_id}: its ending is none of {', '.join(IMAGE_SUFFIXES)}, nor a slide's")
        return str(super().add_image(image_id, image_filename, image_info))

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        """Keep a label that a client sent; clicks that cannot be read are refused now, not when training starts.

        Clicks take the place of those before, also where these have another ending: left behind, they would count again
        as soon as the new ones are removed. A mask leaves them where they are.
        """
        with told_to_client():
            plain_name(image_id, "the name of the image")
            tag = plain_name(getattr(label_tag, "value", label_tag), "the tag")
            if not self.get_image_uri(image_id):
                raise FileNotFoundError(f"there is no image {image_id!r} on this server")
            if tag == FINAL and Path(label_filename).suffix.lower() in READERS:
                self._check(Path(label_filename), image_id)
        before = Path(self.get_label_uri(image_id, tag))
        label_id = str(super().save_label(image_id, label_filename, tag, label_info))
        now = Path(self.get_label_uri(label_id, tag))
        if before != now and all(path.suffix.lower() in READERS for path in (before, now)):
            before.unlink(missing_ok=True)
        return label_id

    def _check(self, path: Path, image_id: str) -> None:
        try:
            clicks = read_label_file(path, image_id)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), f"label of {image_id}")) from error
        check_within(clicks, image_id, pixel_size(Path(self.get_image_uri(image_id))))

    def final_labels(self) -> dict[str, Path]:
        """Image -> the file that was last sent for it with the tag final."""
        labelled = [name for name in self.list_images() if self.get_label_by_image_id(name, FINAL)]
        return {name: Path(self.get_label_uri(name, FINAL)) for name in labelled}

    def image_files(self) -> dict[str, Path]:
        """Image -> its file."""
        return {name: Path(self.get_image_uri(name)) for name in self.list_images()}

    def clicks(self, image_id: str) -> Clicks | None:
        """The clicks of an image; None where its label holds none."""
        path = self.final_labels().get(image_id)
        return read_label_file(path, image_id) if path and path.suffix.lower() in READERS else None
