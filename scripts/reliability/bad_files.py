# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files as they come from broken disks, other programs and strangers: good ones, spoilt in one place or all over."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")
NASTY: list[Any] = [
    *(None, True, False, "", "a", "=1+1", "nan", "../../x", "a\nINFO b", "\x00", "x" * 100_000, "1,5", "$1+1", "@id"),
    *(0, -1, 1, 3, 0.1, -0.0, 1e-300, 1e300, 2**31, 2**63, 10**400, float("nan"), float("inf"), -float("inf")),
    *([], {}, [[]], [None], {"a": None}, [1, 2, 3], [float("nan"), 1], {"_target_": "os.system", "command": "true"}),
]
DEEP = 200_000


def any_bytes(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Spoil a file of any kind."""
    return draw.choice([_flip, _cut, _empty, _zeros, _noise, _twice, _shifted, _hole])(data, draw)


def any_text(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Spoil a table or another text."""
    return draw.choice([_other_number, _other_number, _other_number, _line, _header, _encoding, any_bytes])(data, draw)


def any_json(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Spoil JSON, mostly so that it stays JSON."""
    return draw.choice([_node, _node, _node, _node, _without, _deep, any_text])(data, draw)


def _flip(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    changed, count = bytearray(data or b"\0"), draw.choice([1, 1, 10, 100])
    for _ in range(count):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return f"{count} bits changed", bytes(changed)


def _cut(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    left = draw.randrange(max(len(data), 1))
    return f"cut to {left} of {len(data)} bytes", data[:left]


def _empty(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    return "empty", b""


def _zeros(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    return "zeros", bytes(len(data))


def _noise(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    return "noise", draw.randbytes(len(data))


def _twice(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    return "twice", data + data


def _shifted(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    return "a byte before it", draw.randbytes(1) + data


def _hole(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    first = draw.randrange(max(len(data), 1))
    length = draw.randrange(1, 512)
    return f"{length} bytes from {first} on as zeros", data[:first] + bytes(length) + data[first + length :]


def _other_number(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    found = list(NUMBER.finditer(data))
    if not found:
        return _flip(data, draw)
    place, new = draw.choice(found), _as_text(draw.choice(NASTY))
    return f"{place[0].decode()} as {new[:30]!r}", data[: place.start()] + new + data[place.end() :]


def _line(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    lines = data.split(b"\n")
    place = draw.randrange(len(lines))
    new = draw.choice([b"", b",", b",,,,", b"1", b"\xff\xfe", b"x,y", b"1;2", b'"', b"1,2,3,4", b"\t", lines[0]])
    return f"line {place + 1} as {new!r}", b"\n".join([*lines[:place], new, *lines[place + 1 :]])


def _header(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    new = draw.choice([b"y,x", b"X;Y", b"", b"x", b"x,x", b"a,b,c", b"\xef\xbb\xbfx,y", b"x,y,x"])
    return f"header {new!r}", b"\n".join([new, *data.split(b"\n")[1:]])


def _encoding(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    name = draw.choice(["utf-16", "utf-32", "utf-8-sig", "cp037"])
    return f"encoded as {name}", data.decode("utf-8", "replace").encode(name, "replace")


def _node(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    content = json.loads(data)
    nodes = list(_nodes(content))
    if not nodes:
        return _other_number(data, draw)
    (parent, key), new = draw.choice(nodes), draw.choice(NASTY)
    parent[key] = new
    return f"{key!r} as {repr(new)[:30]}", json.dumps(content).encode("utf-8", "surrogatepass")


def _without(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    content = json.loads(data)
    nodes = list(_nodes(content))
    if not nodes:
        return _empty(data, draw)
    parent, key = draw.choice(nodes)
    del parent[key]
    return f"without {key!r}", json.dumps(content).encode()


def _deep(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    left, right = draw.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return f"{DEEP} deep", left * DEEP + b"1" + right * DEEP


def _nodes(content: Any) -> list[tuple[Any, Any]]:
    """Every container with every key of it."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else []
    return [pair for key in keys for pair in [(content, key), *_nodes(content[key])]]


def _as_text(value: Any) -> bytes:
    return (value if isinstance(value, str) else repr(value)).encode()


Spoil = Callable[[bytes, random.Random], tuple[str, bytes]]
