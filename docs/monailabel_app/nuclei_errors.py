# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Errors as clients can show them; MONAI Label answers "Internal Server Error" and says the rest in its log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from bundle.files.log_lines import plain_lines
from fastapi import HTTPException

logger = logging.getLogger(__name__)

OPTION = re.compile(r"(?<![\w-])--(?:conf )?([a-z]\w*)")
FOLDERS = re.compile(r"(?<![\w./])/(?!(?:infer|batch|train|datastore|activelearning)/)(?:[^\s/:'\"]+/)+(?=[^\s/])")


@contextmanager
def told_to_client() -> Iterator[None]:
    """Turn an error that the client can mend into an answer with its message: 404 for what is not there, else 400."""
    try:
        yield
    except (ValueError, OSError) as error:
        logger.error("%s", plain_lines(str(error)))
        raise HTTPException(404 if isinstance(error, FileNotFoundError) else 400, for_client(str(error))) from error


def for_client(message: str) -> str:
    """A message of the command line as one for clients: fields instead of options, no folders of the server."""
    return FOLDERS.sub("", OPTION.sub(r"\1", message))
