# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A few small files that are worth taking along from a machine that may be taken away at any moment.

`figures.zip` holds tables, logs, measurements and pictures of a run so far. Weights are float16, cut into parts that
any way of copying takes; `SHA256SUMS` is what `sha256sum -c` reads. Everything is replaced as a whole, so that the
folder is of use whenever somebody looks.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from bundle.files.atomic import write_text, write_whole
from bundle.files.pictures import load_rgb, resize
from bundle.files.value_rules import listed
from bundle.inference.model import card_path
from PIL import Image
from torch import Tensor

logger = logging.getLogger(__name__)

MIB = 2**20
FILE_BYTES = 16 * MIB  # of one file at most
FIGURES, SUMS, README = "figures.zip", "SHA256SUMS", "README.txt"
OTHER_FILES = 3  # beside weights: these
TEXTS, TEXT_BYTES = {".csv", ".json", ".log", ".md"}, 2 * MIB  # what is taken along as it is, up to this size
PICTURE_PX = 1000  # longest side of a picture that is taken along
PART = re.compile(r"(?P<whole>[a-z_]+_(?P<step>\d{6})\.pt)\.part\d{2}")
JOIN = "python -m scripts.experiments join_weights --carry_dir THIS_FOLDER --output_dir WEIGHTS"


@dataclass(frozen=True)
class CarryOptions:
    """What may be taken along.

    Attributes:
        carry_dir: folder that is kept up to date all along; OUT/carry without it.
        carry_mib: MiB of all files in it at most.
        carry_files: files in it at most.
        weights: names of the weights to take along, with commas between, the most wanted first: those that do not fit
            stay behind.
    """

    carry_dir: str = ""
    carry_mib: int = 1000
    carry_files: int = 30
    weights: str = "generator,segmenter,accuracy"


class Carry:
    """The folder of what is to be taken along.

    Args:
        source: the run's folder, of which figures are taken.
        options: where to, and how much.
        known: the names that weights may have.

    Raises:
        ValueError: other weights are asked for.
    """

    def __init__(self, source: Path, options: CarryOptions, known: Collection[str]) -> None:
        self.source, self.weights = source, listed(options.weights)
        if wrong := [name for name in self.weights if name not in known]:
            raise ValueError(f"weights names {wrong[0]!r}: choose of {', '.join(known)}")
        self.folder = folder = Path(options.carry_dir) if options.carry_dir else source / "carry"
        self.most_bytes, self.most_files = options.carry_mib * MIB, options.carry_files
        self._pictures: dict[Path, bytes] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def write_figures(self, says: str) -> None:
        """Write `figures.zip` and `README.txt`.

        Args:
            says: what the run has done and found so far, for people.
        """
        stream, left_out = io.BytesIO(), 0
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in self._figures():
                if stream.tell() + len(content) + 2048 * (len(archive.filelist) + 2) > FILE_BYTES:
                    left_out += 1
                else:
                    packed = zipfile.ZIP_DEFLATED if Path(name).suffix in TEXTS else zipfile.ZIP_STORED
                    archive.writestr(name, content, packed)
        write_bytes(self.folder / FIGURES, stream.getvalue())
        room = f"{left_out} left out for want of room"
        lines = [says.rstrip(), "", f"{FIGURES}: tables, logs, measurements, pictures ({room}).", ""]
        lines += [f"Weights (float16, in parts; {SUMS} has hashes). To join them:", JOIN, "or, without this project:"]
        check = f"sha256sum --ignore-missing -c {SUMS}"
        lines += [f"cat {whole}.part* > {whole} && {check}" for whole in sorted(self._wholes())]
        write_text(self.folder / README, "\n".join(lines) + "\n")

    def add_weights(self, name: str, step: int, state: Mapping[str, Tensor]) -> bool:
        """Put the weights of a network into the folder, in place of older ones of that name.

        Args:
            name: one of `weights`.
            step: updates after which they are so.
            state: flat state dict.

        Returns:
            Whether they are there; not where files of more wanted names leave no room.
        """
        stream = io.BytesIO()
        torch.save({key: _half(value) for key, value in state.items()}, stream)
        content, whole = stream.getvalue(), f"{name}_{step:06d}.pt"
        pieces = {
            f"{whole}.part{number:02d}": content[start : start + FILE_BYTES]
            for number, start in enumerate(range(0, len(content), FILE_BYTES))
        }
        staying = self._staying(name, len(content), len(pieces))
        if name not in staying:
            logger.info("no room for %s (%d MiB) in %s", whole, len(content) // MIB, self.folder)
            return False
        for part, piece in pieces.items():
            write_bytes(self.folder / part, piece)
        sums = {whole: _digest(content), **{part: _digest(piece) for part, piece in pieces.items()}}
        kept = {file: each for file, each in read_sums(self.folder).items() if _name_of(file) in staying - {name}}
        write_text(self.folder / SUMS, "".join(f"{digest}  {file}\n" for file, digest in {**kept, **sums}.items()))
        for path in self._parts():  # last: until then the older ones are whole
            if path.name not in kept and path.name not in sums:
                path.unlink()
        return True

    def holds(self, name: str, step: int) -> bool:
        """Whether the weights of a name are there as they were after so many updates."""
        return f"{name}_{step:06d}.pt" in read_sums(self.folder)

    def _staying(self, name: str, size: int, files: int) -> set[str]:
        """The names whose weights fit together, the most wanted first, once those of `name` have this size."""
        taken: dict[str, tuple[int, int]] = {name: (size, files)}
        for other in set(self.weights) - {name}:
            parts = [path for path in self._parts() if _name_of(path.name) == other]
            taken |= {other: (sum(path.stat().st_size for path in parts), len(parts))} if parts else {}
        staying, room, places = set(), self.most_bytes - FILE_BYTES, self.most_files - OTHER_FILES
        for each in (each for each in self.weights if each in taken):
            if taken[each][0] <= room and taken[each][1] <= places:
                staying.add(each)
                room, places = room - taken[each][0], places - taken[each][1]
        return staying

    def _parts(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if PART.fullmatch(path.name))

    def _wholes(self) -> set[str]:
        return {found["whole"] for path in self._parts() if (found := PART.fullmatch(path.name))}

    def _figures(self) -> Iterable[tuple[str, bytes]]:
        """Name in the archive and content, the most telling first."""
        files = [path for path in sorted(self.source.rglob("*")) if path.is_file() and self._is_figure(path)]
        texts = [path for path in files if path.suffix in TEXTS and path.stat().st_size <= TEXT_BYTES]
        pictures = [path for path in files if path.suffix in (".png", ".tif")]
        for path in sorted(texts, key=lambda path: path.stat().st_size):
            yield path.relative_to(self.source).as_posix(), path.read_bytes()
        for path in sorted(pictures, key=lambda path: path.stat().st_mtime, reverse=True):
            if path not in self._pictures:
                self._pictures[path] = small_picture(path)
            yield path.relative_to(self.source).with_suffix(".png").as_posix(), self._pictures[path]

    def _is_figure(self, path: Path) -> bool:
        """Whether a file is one of those to take along: no points or labels, nothing hidden, nothing of this folder."""
        inside = path.relative_to(self.source).parts
        if self.folder in path.parents or any(part.startswith(".") for part in inside):
            return False
        return not {"points", "labels", "weights", "tensorboard"} & set(inside[:-1])


def small_picture(path: Path) -> bytes:
    """A picture as PNG, its longest side `PICTURE_PX` at most."""
    picture = load_rgb(path)
    longest = max(picture.shape[:2])
    if longest > PICTURE_PX:
        height, width = (max(round(side * PICTURE_PX / longest), 1) for side in picture.shape[:2])
        picture = resize(picture, (height, width))
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG")
    return stream.getvalue()


def read_sums(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, as `SHA256SUMS` of a folder says; {} where there is none."""
    path = folder / SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def join_weights(carry_dir: str, output_dir: str) -> None:
    """Join the weights of a carry folder: NAME.pt (float16), with NAME.json where the figures hold it.

    Args:
        carry_dir: folder with the parts and SHA256SUMS; several copies of it may have been laid over each other.
        output_dir: where to; made if need be.
    """
    folder, target = Path(carry_dir), Path(output_dir)
    sums = read_sums(folder)
    parts = sorted(name for name in sums if PART.fullmatch(name))
    if not parts:
        raise FileNotFoundError(f"{folder / SUMS}: names no weights: give the folder that holds them")
    target.mkdir(parents=True, exist_ok=True)
    for whole in sorted({found["whole"] for part in parts if (found := PART.fullmatch(part))}):
        pieces = [checked_bytes(folder / part, sums[part]) for part in parts if part.startswith(f"{whole}.part")]
        content = b"".join(pieces)
        if _digest(content) != sums.get(whole):
            raise ValueError(f"{folder / SUMS}: the parts of {whole} do not make what it names: copy the folder again")
        name = whole.rpartition("_")[0]
        write_bytes(target / f"{name}.pt", content)
        _write_carried_card(folder, name, target)
        logger.info("joined %s from %d parts", target / f"{name}.pt", len(pieces))


def checked_bytes(path: Path, digest: str) -> bytes:
    """A file's content; FileNotFoundError or ValueError where it is not what its SHA-256 says."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: is not there: copy all parts that {SUMS} names")
    content = path.read_bytes()
    if _digest(content) != digest:
        raise ValueError(f"{path}: is not what {SUMS} says: copy it again")
    return content


def _write_carried_card(folder: Path, name: str, target: Path) -> None:
    if not (folder / FIGURES).is_file():
        return
    with zipfile.ZipFile(folder / FIGURES) as archive:
        inside = f"cards/{name}.json"
        if inside in archive.namelist():
            write_bytes(card_path(target / f"{name}.pt"), archive.read(inside))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    write_whole(path, lambda file: file.write(content))


def _half(value: Tensor) -> Tensor:
    """On the CPU; float16 where that holds its values."""
    value = value.detach().cpu()
    half = value.half() if value.is_floating_point() else value
    return half if bool(torch.isfinite(half).all()) else value


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _name_of(file: str) -> str:
    """The name of weights, such as generator, in that of a part or of the whole."""
    return file.partition(".pt")[0].rpartition("_")[0]
