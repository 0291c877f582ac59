"""The Chromium that is on this machine."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
HOW_TO_GET_ONE = (
    "no Chromium on this machine: install one (Debian: apt-get install chromium; macOS: brew install --cask chromium) "
    "or set CHROMIUM to its program"
)


def chromium() -> str | None:
    """The program in CHROMIUM, else the first known name on PATH; None where there is none."""
    given = os.environ.get("CHROMIUM")
    return given or next((found for name in NAMES if (found := shutil.which(name))), None)
