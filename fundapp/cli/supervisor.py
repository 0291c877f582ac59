"""Keeps child processes running: starts them in order, starts one again that dies, and leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config import ROOT
from fundapp.adapters.embedded import alive, command_line, leashed, wait_until

QUICK_S = 15.0  # a process that dies within this time after its start died quickly
QUICK_DEATHS = 5
FIRST_PAUSE_S = 0.5
GRACE_S = 15.0
OURS = ("-m fundapp ", "fundapp.web.wsgi:app", "-A worker.app", "valkey-server", "redis-server", "leash.py")


class GaveUp(Exception):
    """A process keeps dying; the message names it and its log."""


@dataclass
class Child:
    """One process. ready: asks whether it does its work. depth of back-off is in `deaths`, the quick ones in a row."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    deaths: int = 0

    @property
    def runs(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """The processes of one local folder. Their output goes to `log/NAME.log`, a note of each to `run/NAME.pid`."""

    local: Path
    children: list[Child] = field(default_factory=list)
    asked_to_stop: bool = False

    def __post_init__(self) -> None:
        for name in ("log", "run"):
            (self.local / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def stop_on_signals(self) -> None:
        """From now on Ctrl-C, SIGTERM and a closed terminal ask for an orderly end."""

        def ask(*_: object) -> None:
            self.asked_to_stop = True

        signal.signal(signal.SIGINT, ask)
        signal.signal(signal.SIGTERM, ask)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, ask)

    def end_left_overs(self) -> None:
        """Stop what a killed launcher left behind."""
        notes = [(note, _left_over(note)) for note in (self.local / "run").glob("*.pid")]
        for _, pid in notes:
            if pid is not None:
                _signal(pid, signal.SIGTERM)
        for note, pid in notes:
            if pid is not None:
                if not wait_until(lambda pid=pid: not alive(pid), GRACE_S):  # type: ignore[misc]  # bound now
                    _signal(pid, signal.SIGKILL)
                _signal(-pid, signal.SIGKILL)
            note.unlink(missing_ok=True)

    def start(self, child: Child) -> None:
        """Start a process in a group of its own; from now on `watch` keeps it running."""
        if child not in self.children:
            self.children.append(child)
        with self._log(child).open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603
                leashed(child.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                start_new_session=True,
            )
        child.started_at = time.monotonic()
        (self.local / "run" / f"{child.name}.pid").write_text(str(child.process.pid))

    def watch(self) -> None:
        """Look once at every process; start those again that died, each time after a longer pause.

        Raises GaveUp when one died quickly five times in a row.
        """
        now = time.monotonic()
        for child in self.children:
            if child.runs:
                continue
            if child.process is not None:
                _signal(-child.process.pid, signal.SIGKILL)  # what it started itself
                child.process = None
                child.deaths = child.deaths + 1 if now - child.started_at < QUICK_S else 1
                if child.deaths >= QUICK_DEATHS:
                    raise GaveUp(f"The {child.name} stopped {child.deaths} times in a row; see {self._log(child)}.")
                child.start_again_at = now + FIRST_PAUSE_S * 2 ** (child.deaths - 1)
            if now >= child.start_again_at:
                self.start(child)

    def wait_ready(self, child: Child, seconds: float) -> bool:
        """Wait until a process does its work, and watch all meanwhile. False when asked to stop, or too late."""
        end = time.monotonic() + seconds
        while not self.asked_to_stop and time.monotonic() < end:
            self.watch()
            if child.runs and child.ready():
                return True
            time.sleep(0.05)
        return False

    def stop(self) -> None:
        """Stop every process, the last started first; kill what does not stop within the grace time."""
        stopping = [child for child in reversed(self.children) if child.process is not None]
        for child in stopping:
            assert child.process is not None
            _signal(child.process.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE_S
        for child in stopping:
            assert child.process is not None
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, end - time.monotonic()))
            _signal(-child.process.pid, signal.SIGKILL)
            child.process.wait()
            (self.local / "run" / f"{child.name}.pid").unlink(missing_ok=True)
        self.children.clear()

    def _log(self, child: Child) -> Path:
        return self.local / "log" / f"{child.name}.log"


def _left_over(note: Path) -> int | None:
    """The process of a note, when it lives and is still one of ours (numbers are used again)."""
    with suppress(ValueError):
        pid = int(note.read_text())
        said = command_line(pid)
        if any(words in said for words in OURS):
            return pid
    return None


def _signal(pid: int, number: int) -> None:
    """Send a signal to a process, or to a whole group when negative; one that is gone is no error."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
