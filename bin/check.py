"""What `bin/test` runs inside the environment: the tools when there are no arguments, then pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
TOOLS = (
    ("ruff", "check", "--quiet", "."),
    ("ruff", "format", "--check", "--quiet", "."),
    ("mypy",),
    ("lint-imports", "--no-cache"),
)
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""The whole suite runs on every core: each process has databases, a broker and a browser of its own."""


def main(arguments: list[str]) -> int:
    """Run them, each printed; return 0 only when all were content. pytest has the last word on the screen."""
    os.chdir(Path(__file__).resolve().parents[1])
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    failed = []
    for tool in () if arguments else TOOLS:
        print(f"== {' '.join(tool)}", flush=True)
        if subprocess.run([str(BIN / tool[0]), *tool[1:]], check=False).returncode:
            failed.append(" ".join(tool))
    if failed:
        print(f"== NOT IN ORDER: {', '.join(failed)}. This run fails, whatever pytest says.", flush=True)
    status = subprocess.run([sys.executable, "-m", "pytest", *(arguments or SIDE_BY_SIDE)], check=False).returncode
    return status or (1 if failed else 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
