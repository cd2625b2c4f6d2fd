# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The Zoo's unit test runs in the Zoo's folders: tests/scripts/test_package.py runs it on the unzipped bundle."""

collect_ignore = ["unit_test.py"]
