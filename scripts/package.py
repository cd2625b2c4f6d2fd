# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Hand a trained model on: the bundle as a zip file for MONAI's Model Zoo, weights to ship, or the network as ONNX.

python -m scripts.package bundle  --model OUT/segmentation/model.pt
python -m scripts.package weights --model OUT/segmentation/model.pt --output model.pt --dataset_dir DATA --licence "..."
python -m scripts.package onnx    --model OUT/segmentation/model.pt --output model.onnx
"""

from __future__ import annotations

import logging
from pathlib import Path

from bundle.data.folder import DataFolder
from bundle.files import bundle_root
from bundle.files.images import check_mpp
from bundle.files.sole_run import lock_beside, lock_in, sole_run
from bundle.inference.model import load_network, model_path, read_card
from bundle.release.onnx_file import write_onnx
from bundle.release.weights import write_release
from bundle.release.zip_file import write_package
from scripts.command_line import run_command

logger = logging.getLogger(__name__)

ROOT = bundle_root.ROOT
MODEL = str(bundle_root.MODEL)


def bundle(model: str = MODEL, output: str = "dist", url: str | None = None) -> None:
    """Write OUTPUT/NAME_vVERSION.zip: code, configurations, documents and weights, checked to fit together.

    Args:
        model: trained weights, with their .json beside them, or their folder.
        output: folder to write into.
        url: where weights of more than 25 MB can be downloaded directly; they are then not in the zip, but named in its
            large_files.yml.
    """
    with sole_run(lock_in(Path(output)), Path(output), seconds=0):
        path = write_package(ROOT, _weights_file(model), output, url)
    logger.info("wrote %s (%.1f MB)", path, path.stat().st_size / 1e6)


def weights(
    model: str, output: str, dataset_dir: str, licence: str, trained_on: str = "", image_mpp: float | None = None
) -> None:
    """Write weights as they ship: float16, with a description of what they are and measure on the testing images.

    Args:
        model: trained weights, with their .json beside them, or their folder.
        output: the file to write, such as my_model.pt; one that is there is not replaced.
        dataset_dir: data folder that it was trained on, whose testing images have labels.
        licence: terms of the weights, a few words.
        trained_on: which data, a few words.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
    """
    source = model_path(model)
    trained = read_card(source)
    folder = DataFolder(dataset_dir, check_mpp(image_mpp), trained.channels, intensity=trained.intensity)
    with sole_run(lock_beside(Path(output)), Path(output), seconds=0):
        card = write_release(source, output, folder, {"trained_on": trained_on, "licence": licence})
    aji = card.notes["measured"]["aji"]["mean"]
    said = "not defined" if aji is None else f"{aji:.3f}"
    logger.info("wrote %s (%.1f MB): AJI %s", output, Path(output).stat().st_size / 1e6, said)


def onnx(output: str, model: str = MODEL) -> None:
    """Write the network as ONNX: `image` (B, C, H, W) in [0, 1] to `pred` (B, 3, H, W), any B, H and W.

    Args:
        output: the file, such as model.onnx.
        model: trained weights, with their .json beside them, or their folder.
    """
    with sole_run(lock_beside(Path(output)), Path(output), seconds=0):
        write_onnx(output, load_network(_weights_file(model)))
    logger.info("wrote %s (%.1f MB)", output, Path(output).stat().st_size / 1e6)


def _weights_file(model: str) -> Path:
    return Path(model) / "model.pt" if Path(model).is_dir() else Path(model)


if __name__ == "__main__":
    run_command({"bundle": bundle, "weights": weights, "onnx": onnx})
