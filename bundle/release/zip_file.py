# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The bundle as one zip file, as MONAI's Model Zoo takes it: code, configurations, documents and trained weights.

Nothing is written before everything in it fits together: the version is in the changelog, both configurations define
the network that the weights belong to, read it as the weights' description says, and it turns into TorchScript. A file
beyond the Zoo's limit is left out and named in large_files.yml instead, with where to get it and its hash.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
import yaml
from monai.bundle import ConfigParser

from ..files.atomic import write_whole
from ..files.provenance import sha256
from ..files.running_config import described
from ..inference.model import ModelCard, card_path, describe_output, read_card
from ..inference.network_contract import complete
from ..networks.weights import load_weights
from . import pages

NAME = "pathology_nuclei_points_segmentation"  # MONAI Label reads the kind of task from it
FOLDERS = ("bundle", "configs", "docs", "scripts", "transforms")
STAY = ("scripts/benchmarks", "scripts/experiments", "scripts/reliability", *pages.STAY)  # in the repository
FILES = ("LICENSE", "CITATION.cff", "requirements.txt", "constraints.txt")
CONFIGS = ("inference.json", "train.json")  # both are asked for a network: `verify_net_in_out`, `monai.bundle.load`
LARGEST = 25 * 10**6  # bytes: the Model Zoo's limit for a file
EPOCH = (1980, 1, 1, 0, 0, 0)  # date of every file in the zip, so that the same content gives the same zip


def write_package(
    root: str | os.PathLike[str],
    weights: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    url: str | None = None,
) -> Path:
    """Check the bundle with its weights, then write NAME_vVERSION.zip, whose one folder is NAME.

    Args:
        root: of the bundle.
        weights: a flat state dict, with its description (.json) beside it; models/model.pt in the package.
        folder: where to; made if need be.
        url: where weights beyond the limit can be downloaded directly.

    Returns:
        The zip file; one that was there is replaced.

    Raises:
        FileNotFoundError: a part of the bundle is missing; says which.
        ValueError: parts do not fit together, or a file is too large.
    """
    root, weights = Path(root), Path(weights)
    version = check_version(root)
    check_packaged_weights(root, weights)
    content: dict[str, Path | bytes] = {f"models/{name}": path for name, path in model_files(weights).items()}
    if weights.stat().st_size > LARGEST:
        content["large_files.yml"] = large_files(weights, url)
        del content["models/model.pt"]
    content |= with_pages(dict(bundle_files(root)))
    check_sizes(content)
    path = Path(folder) / f"{NAME}_v{version}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda stream: _zip(stream, content))
    return path


def check_version(root: Path) -> str:
    """The version that configs/metadata.json states.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no JSON, states no version, or one that is not in its changelog.
    """
    path = root / "configs" / "metadata.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, and a bundle needs it")
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: no readable JSON ({error})") from error
    version = metadata.get("version")
    if not version or version not in metadata.get("changelog", {}):
        raise ValueError(f"{path}: version {version!r} is not in its changelog: add what has changed")
    return str(version)


def check_packaged_weights(root: Path, weights: Path) -> None:
    """Whether weights, their description and the configurations belong together.

    Raises:
        FileNotFoundError: weights or description are not there.
        ValueError: they differ; names the configuration and both values.
    """
    if not weights.is_file():
        raise FileNotFoundError(
            f"{weights}: no such weights: train first (scripts.pipeline run), then name the model with --model"
        )
    card = read_card(weights)
    for name in CONFIGS:
        path = root / "configs" / name
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file, and a bundle needs it")
        parser = ConfigParser(ConfigParser.load_config_file(str(path)))
        for what, (stated, trained) in _stated_and_trained(parser, card).items():
            if stated != trained:
                raise ValueError(
                    f"{path} has {what} {stated}, but {weights} was trained with {trained}: change the configuration,"
                    " or package other weights"
                )
        network = parser.get_parsed_content("network_def")
        load_weights(network, weights)
        torch.jit.script(network.eval())


def _stated_and_trained(parser: ConfigParser, card: ModelCard) -> dict[str, tuple[Any, Any]]:
    """What a configuration states, and what the weights were made with."""
    trained = {"model_mpp": card.mpp, "channels": card.channels, "diameter": card.diameter}
    pairs: dict[str, tuple[Any, Any]] = {
        name: (parser.get_parsed_content(name), value) for name, value in trained.items() if value is not None
    }
    pairs["network_def"] = complete(described(parser, "network_def")), complete(card.network)
    output = parser.get_parsed_content("network_output")
    pairs["network_output"] = describe_output(output), describe_output(card.build_output())
    return pairs


def model_files(weights: Path) -> dict[str, Path]:
    """Name in models/ -> file: the weights and their description."""
    return {"model.pt": weights, "model.json": card_path(weights)}


def large_files(weights: Path, url: str | None) -> bytes:
    """The content of large_files.yml for weights beyond the limit.

    Raises:
        ValueError: no address is given.
    """
    if url is None:
        size = weights.stat().st_size / 1e6
        raise ValueError(
            f"{weights} has {size:.0f} MB, and a file of a bundle at most {LARGEST / 1e6:.0f}: put it where it can be"
            " downloaded directly, and give the address with --url"
        )
    entry = {"path": "models/model.pt", "url": url, "hash_val": sha256(weights), "hash_type": "sha256"}
    return yaml.safe_dump({"large_files": [entry]}, sort_keys=False).encode()


def bundle_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Path in the package -> file, for all but the weights.

    Raises:
        FileNotFoundError: a part is missing.
        ValueError: something is a link, which may lead out of the bundle.
    """
    for name in FILES:
        if not (root / name).is_file():
            raise FileNotFoundError(f"{root / name}: no such file, and the package needs it")
        yield name, root / name
    for name in FOLDERS:
        if not (root / name).is_dir():
            raise FileNotFoundError(f"{root / name}: no such folder, and the package needs it")
        for path in sorted((root / name).rglob("*")):
            inside = path.relative_to(root)
            if path.is_symlink():
                raise ValueError(f"{path} is a link: put the file itself into the bundle")
            hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
            if path.is_file() and not hidden and not inside.as_posix().startswith(STAY):
                yield inside.as_posix(), path


def with_pages(files: Mapping[str, Path]) -> dict[str, Path | bytes]:
    """The files with pages that speak of nothing but these, and of the pictures of docs/ those that a page shows."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items() if name.endswith(pages.PAGES)}
    written = {name: pages.page_for_package(text, name, files) for name, text in texts.items()}
    shown = set().union(*(pages.shown_in(text, name) for name, text in written.items()))
    kept = {
        name: path
        for name, path in files.items()
        if name in shown or not (name.startswith("docs/") and name.endswith(pages.PICTURES))
    }
    return {**kept, **{name: text.encode() for name, text in written.items()}}


def check_sizes(content: Mapping[str, Path | bytes]) -> None:
    """ValueError where a file is beyond the Zoo's limit."""
    for name, source in content.items():
        if isinstance(source, Path) and source.stat().st_size > LARGEST:
            raise ValueError(f"{source} has more than {LARGEST / 1e6:.0f} MB: move {name} out of the bundle")


def _zip(stream: BinaryIO, content: Mapping[str, Path | bytes]) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, source in sorted(content.items()):
            entry = zipfile.ZipInfo(f"{NAME}/{name}", EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            package.writestr(entry, source if isinstance(source, bytes) else source.read_bytes())
