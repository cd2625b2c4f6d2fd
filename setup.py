# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What pip installs, as far as pyproject.toml cannot say it: the version, and the copies of configs/ and models/.

The version has one place, configs/metadata.json, because the bundle format wants it there.
"""

import json
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
COPIED = ("configs", "models")  # bundle.files.bundle_root finds them in bundle/installed/

setup(
    version=json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"],
    packages=[
        *find_packages(include=["bundle*", "transforms*", "scripts"]),  # not the research below scripts/
        *(f"bundle.installed.{name}" for name in COPIED),
    ],
    package_dir={f"bundle.installed.{name}": name for name in COPIED},
    package_data={
        "": ["*.css", "*.html", "*.js"],
        "bundle.installed.configs": ["*.json", "*.yaml", "*.conf", "*/*"],
        "bundle.installed.models": ["*.pt", "*.json"],
    },
    exclude_package_data={"bundle.installed.models": ["*noncommercial*"]},  # of other terms than the package
)
