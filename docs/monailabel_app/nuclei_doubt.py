# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Active learning: the next image to click is the one of which the model is least sure, as on the click page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bundle.click_page.work.doubt import Candidate, Doubts
from bundle.label_server.query import Query
from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.strategy import Strategy
from nuclei_errors import told_to_client

logger = logging.getLogger(__name__)


class MostDoubtful(Strategy):  # type: ignore[misc]
    """Looks through some of the images without a label at each request, and remembers what it saw.

    Args:
        query: a question to the model in use; None before there is one.
    """

    def __init__(self, query: Callable[[], Query | None]) -> None:
        super().__init__("The image of which the model is least sure")
        self.query, self.doubts = query, Doubts()

    def __call__(self, request: Mapping[str, Any], datastore: Datastore) -> dict[str, str] | None:
        """The name of an image under "id"; None where every image has a label."""
        names = sorted(datastore.get_unlabeled_images(request.get("label_tag"), request.get("labels")))
        candidates = [Candidate(name, Path(datastore.get_image_uri(name))) for name in names]
        with told_to_client():
            query = self.query()
            name = self.doubts.most_doubtful(candidates, query) if query else next(iter(names), None)
        logger.info("the next image by doubt: %s", name)
        return None if name is None else {"id": name}
