# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Options as their annotations say: what a word on the command line becomes, and which words are options at all.

A command is a function. Its parameters are the options, and so are the fields of every dataclass among them, which it
then gets as one object.
"""

from __future__ import annotations

import difflib
import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NOTHING = "none"  # stands for None where an option may be left out
ALIASES = {"mpp": "image_mpp"}  # a second name for an option, where no option has that name
HELP = ("help", "h")
DEEPER = 8 * " "  # before a line of a docstring that goes on with the entry above it
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


class UsageError(ValueError):
    """The command line does not say what to do."""


class Options:
    """The options of a command, in order: name -> parameter, with its type as annotation.

    Args:
        command: a function whose parameters are annotated with str, int, float, bool, one of these or None, or a
            dataclass of such fields.

    Raises:
        TypeError: a parameter has another type.
    """

    def __init__(self, command: Callable[..., None]) -> None:
        self.command = command
        self.groups: dict[str, tuple[type, list[str]]] = {}  # parameter -> its dataclass, the names of the fields
        found = []
        hints = typing.get_type_hints(command)
        for parameter in inspect.signature(command).parameters.values():
            kind = hints[parameter.name]
            if is_dataclass(kind) and isinstance(kind, type):
                inner = [_as_parameter(each, kind) for each in fields(kind)]
                self.groups[parameter.name] = kind, [each.name for each in inner]
                found += inner
            else:
                found.append(parameter.replace(annotation=kind))
        found.sort(key=lambda parameter: parameter.default is not parameter.empty)
        self.parameters = {parameter.name: parameter for parameter in found}
        self.readers = {name: _reader(name, parameter.annotation) for name, parameter in self.parameters.items()}

    def call(self, *args: Any, **kwargs: Any) -> Callable[[], None]:
        """The command, ready to run; TypeError where an option is missing, ValueError where one is out of range."""
        values = dict(inspect.Signature(list(self.parameters.values())).bind(*args, **kwargs).arguments)
        for parameter, (kind, names) in self.groups.items():
            values[parameter] = kind(**{name: values.pop(name) for name in names if name in values})
        return lambda: self.command(**values)

    def doc(self) -> str:
        """The command's docstring with the options of its dataclasses among its arguments."""
        text = inspect.getdoc(self.command) or ""
        documented = [_entries(text, "Args:")]
        documented += [_entries(inspect.cleandoc(each.__doc__ or ""), "Attributes:") for each in self._dataclasses()]
        entries = _on_a_line_each("\n".join(documented).splitlines())
        lines = [line for line in entries if line.partition(":")[0].strip() not in self.groups]
        return "\n".join([text.partition("Args:\n")[0].rstrip(), "", "Args:", *lines])

    def _dataclasses(self) -> list[type]:
        """The dataclasses of its options, what each inherits from first."""
        return [each for kind, _ in self.groups.values() for each in reversed(kind.__mro__) if is_dataclass(each)]

    def read(self, words: Sequence[str]) -> list[str]:
        """The words with every option as --name=value, checked to be one and to have a value.

        Raises:
            UsageError: names the option, and the nearest one where it is misspelt.
        """
        found: dict[str, str] = {}
        rest = []
        queue = list(words)
        while queue:
            word = queue.pop(0)
            if word == "--":  # what follows is for fire
                rest += [word, *queue]
                break
            if not word.startswith("--") or word[2:] in HELP:
                rest.append(word)
                continue
            name, equals, value = word[2:].partition("=")
            name, value = self._resolve(name.replace("-", "_"), value if equals else self._value(name, queue))
            found[name] = value  # the last one holds, as with most programs
        ends = rest.index("--") if "--" in rest else len(rest)
        return [*rest[:ends], *(f"--{name}={value}" for name, value in found.items()), *rest[ends:]]

    def _value(self, name: str, queue: list[str]) -> str | None:
        """The word after an option, taken out of the queue; None where there is none."""
        if not queue or queue[0].startswith("--"):
            return None
        if self._is_no(name.replace("-", "_")):
            return None
        return queue.pop(0)

    def _is_no(self, name: str) -> bool:
        """Whether this is --noNAME of a flag."""
        return name not in self.parameters and name.startswith("no") and self._is_flag(name[2:])

    def _is_flag(self, name: str) -> bool:
        return name in self.parameters and self.parameters[name].annotation is bool

    def _resolve(self, name: str, value: str | None) -> tuple[str, str]:
        if name not in self.parameters and ALIASES.get(name) in self.parameters:
            name = ALIASES[name]
        if self._is_no(name):
            if value is not None:
                raise UsageError(f"--{name} takes no value: write --{name[2:]}=false")
            return name[2:], "false"
        if name not in self.parameters:
            known = [*self.parameters, *(alias for alias, full in ALIASES.items() if full in self.parameters)]
            near = difflib.get_close_matches(name, known, 1)
            mend = f"did you mean --{near[0]}?" if near else f"there are {', '.join(f'--{each}' for each in known)}"
            raise UsageError(f"there is no option --{name}: {mend}")
        if value is None and not self._is_flag(name):
            raise UsageError(f"--{name} has no value: write --{name}=VALUE")
        if value is not None and not value.strip() and self.parameters[name].default is inspect.Parameter.empty:
            raise UsageError(f"--{name} is empty: it has to be given")
        return name, "true" if value is None else value


def call(command: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Call a command from Python with the names that its options have on the command line."""
    Options(command).call(*args, **kwargs)()


def _as_parameter(field: Field[Any], kind: type) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    annotation = typing.get_type_hints(kind)[field.name]
    return inspect.Parameter(
        field.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation
    )


def _entries(doc: str, heading: str) -> str:
    """The lines of one section of a Google docstring."""
    lines = doc.partition(heading + "\n")[2].splitlines()
    end = next((number for number, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return "\n".join(lines[:end]).rstrip()


def _on_a_line_each(lines: Sequence[str]) -> list[str]:
    """Entries of a section without line breaks: of a line that goes on, fire shows nothing from its first colon on."""
    entries: list[str] = []
    for line in lines:
        if entries and line.startswith(DEEPER):
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line)
    return entries


def _reader(name: str, kind: Any) -> Callable[[str], Any]:
    optional = isinstance(kind, types.UnionType) and type(None) in kind.__args__
    inner = next(each for each in kind.__args__ if each is not type(None)) if optional else kind
    if inner not in READERS:
        raise TypeError(f"{name} is {kind}: options are str, int, float or bool")
    if inner is str:
        return str

    def read(text: str) -> Any:
        return None if optional and text.strip().lower() == NOTHING else READERS[inner](name, text)

    return read


def read_flag(name: str, text: str) -> bool:
    """True or False of a word; ValueError for any but true, false, yes, no, 1 and 0."""
    if (value := FLAGS.get(text.strip().lower())) is None:
        raise ValueError(
            f"{name} is {text!r}: give true or false (or yes, no, 1, 0), or --{name} alone as the last word"
        )
    return value


def read_whole(name: str, text: str) -> int:
    """An int; ValueError for a text that is no whole number."""
    if not WHOLE.fullmatch(text.strip()):
        raise ValueError(f"{name} is {text!r}: give a whole number, such as 4")
    return int(text)


def read_number(name: str, text: str) -> float:
    """A finite float; ValueError for a text that is no number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise ValueError(f"{name} is {text!r}: give a number, such as 0.25")
    return value


READERS: Mapping[Any, Callable[[str, str], Any]] = {
    str: lambda _, text: text,
    int: read_whole,
    float: read_number,
    bool: read_flag,
}
