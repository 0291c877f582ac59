"""Makes `.venv` with what a command needs, then becomes that command: bootstrap.py run|dev WORD…

Standard library only. Works without ensurepip (Debian's python3) and without a pip inside the environment. A kill
half-way or two starts at once do no harm: one sets up, under a lock; what was left unfinished is made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
DONE = VENV / ".installed"  # which requirements were installed, by the hash of their file
BUSY = VENV / ".installing"
LOCK = ROOT / ".local" / "setup.lock"
REQUIREMENTS = {
    "run": ("requirements.txt", "bin/requirements/embedded.txt"),
    "dev": ("requirements.txt", "bin/requirements/embedded.txt", "bin/requirements/dev.txt"),
}


class CannotSetUp(Exception):
    """The message says what to install or to look at."""


def say(line: str) -> None:
    """Progress goes to standard error, so that the output of a command stays its own."""
    print(line, file=sys.stderr, flush=True)


def wanted(kind: str) -> dict[str, str]:
    """The requirement files of a kind, each with the hash of its content."""
    return {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in REQUIREMENTS[kind]}


def installed() -> dict[str, str]:
    """What the environment has; nothing when it is unfinished, or of a Python that is gone or was replaced."""
    if BUSY.exists() or not DONE.exists() or not os.access(PYTHON, os.X_OK):
        return {}
    with contextlib.suppress(ValueError):
        found = json.loads(DONE.read_text())
        return found if found.get("python") == os.path.realpath(PYTHON) else {}
    return {}


def fits(kind: str) -> bool:
    """Whether nothing needs to be done."""
    return wanted(kind).items() <= installed().items()


def main(kind: str, words: list[str]) -> None:
    """Set up when that is needed, and become the command."""
    if not fits(kind):
        LOCK.parent.mkdir(mode=0o711, exist_ok=True)
        with LOCK.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another start is setting up; waiting for it…")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not fits(kind):
                set_up(kind, lock.fileno())
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{others}" if others else str(ROOT)
    os.execv(PYTHON, [str(PYTHON), *words])  # noqa: S606


def set_up(kind: str, lock: int) -> None:
    """Make the environment and install into it. Raises CannotSetUp."""
    began = time.monotonic()
    say("Setting up Fondsloket in .venv (the first time only, about a minute).")
    if BUSY.exists() or (VENV.exists() and not usable()):
        shutil.rmtree(VENV)
    pip = make_environment()
    BUSY.touch()
    DONE.unlink(missing_ok=True)
    install(pip, wanted(kind), lock)
    draft = DONE.with_suffix(".draft")
    draft.write_text(json.dumps({**wanted(kind), "python": os.path.realpath(PYTHON)}))
    draft.rename(DONE)
    BUSY.unlink()
    say(f"Set up in {time.monotonic() - began:.0f} s.")


def usable() -> bool:
    """Whether the environment's Python runs, and is the one that the environment was made for."""
    with contextlib.suppress(OSError):
        check = "import os, sys; sys.exit(not os.path.isdir(sys.prefix + '/lib/python%d.%d' % sys.version_info[:2]))"
        return subprocess.run([str(PYTHON), "-c", check], capture_output=True, check=False).returncode == 0
    return False


def make_environment() -> list[str]:
    """Make `.venv` unless it is there; return the pip that installs into it."""
    outside = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    can_outside = importlib.util.find_spec("pip") is not None and pip_version() >= (22, 3)
    if not can_outside and importlib.util.find_spec("ensurepip") is None:
        raise CannotSetUp(
            "Fondsloket needs pip; install the package python3-pip (Debian: apt-get install python3-pip)."
        )
    if importlib.util.find_spec("venv") is None:
        raise CannotSetUp("Fondsloket needs Python's venv; install the package python3-venv (Debian).")
    if not VENV.exists():
        words = [sys.executable, "-m", "venv", *(["--without-pip"] if can_outside else []), str(VENV)]
        made = subprocess.run(words, capture_output=True, text=True, check=False)
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            raise CannotSetUp(f"The environment .venv cannot be made: {last_line(made.stdout + made.stderr)}")
    return outside if can_outside else [str(PYTHON), "-m", "pip"]


def pip_version() -> tuple[int, ...]:
    """The version of the pip beside this Python; (0,) when it does not run."""
    asked = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    words = asked.stdout.split()
    return tuple(int(part) for part in words[1].split(".")[:2] if part.isdigit()) if len(words) > 1 else (0,)


def install(pip: list[str], files: dict[str, str], lock: int) -> None:
    """Install the pinned wheels, with a line now and then. The lock stays with pip, should this process be killed."""
    words = [*pip, "install", "--disable-pip-version-check", "--no-input", "--require-hashes", "--only-binary=:all:"]
    words += [word for name in files for word in ("-r", str(ROOT / name))]
    lines: list[str] = []
    seen = 0
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=(lock,), env=environment()
    ) as running:
        for line in running.stdout or ():
            lines.append(line)
            if line.startswith(("Collecting", "Requirement already satisfied")):
                seen += 1
                if seen % 10 == 0:
                    say(f"  {seen} packages found")
            elif line.startswith("Installing collected packages"):
                say("  installing them…")
    if running.returncode:
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise CannotSetUp(
            f"The packages cannot be installed: {' '.join(' '.join(errors).split())}\n"
            "Look at the network and at pip's settings, then start again."
        )


def environment() -> dict[str, str]:
    """Ours, with English from pip, whose lines are read here."""
    return {**os.environ, "LC_ALL": "C.UTF-8", "PIP_PROGRESS_BAR": "off", "PYTHONUNBUFFERED": "1"}


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no reason given")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except CannotSetUp as problem:
        say(str(problem))
        sys.exit(1)
    except OSError as problem:
        say(f"Fondsloket cannot be set up here: {problem}.")
        sys.exit(1)
    except KeyboardInterrupt:
        say("Stopped; the next start goes on.")
        sys.exit(130)
