"""`bin/bench [NAME] [--json FILE]`: the product beside the floor, in turn, in one run; the ratio is the goal.

Without a name: everything but what needs more than ten thousand applications.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from config import NAMES

for _name in NAMES:  # the benchmarks stand apart from whatever the shell has set
    os.environ.pop(_name, None)

from tests.benchmarks import files, pages, processes, together  # noqa: E402
from tests.benchmarks.stage import Stage, say, stage  # noqa: E402
from tests.benchmarks.table import Figure, as_table  # noqa: E402

Benchmark = Callable[[Stage], list[Figure]]

USUAL: dict[str, Benchmark] = {
    "allocation": processes.allocation,
    "mails": processes.mails,
    "start": processes.start,
    "memory": processes.memory,
    "worklist": pages.worklist,
    "search": pages.search,
    "case": pages.case,
    "review": pages.review,
    "queries": pages.queries,
    "export": files.export,
    "decide": pages.decide,
    "decide_together": together.together,
    "submit": pages.submit,
}
LONG: dict[str, Benchmark] = {"hundred_thousand": pages.hundred_thousand, "million": pages.million}


def main(arguments: list[str]) -> int:
    """Run them; 0 when all goals that were measured are met, 1 when one is not."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*USUAL, *LONG], metavar="NAME", help=", ".join([*USUAL, *LONG]))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    given = parser.parse_args(arguments)
    wanted = USUAL if given.name is None else {given.name: (USUAL | LONG)[given.name]}
    figures: list[Figure] = []
    with stage() as running:
        for name, run in wanted.items():
            say(f"{name}…")
            figures += run(running)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    sys.stdout.write(f"{as_table(figures)}\n{machine}\n")
    if given.json is not None:
        given.json.write_text(json.dumps([figure.as_dict() for figure in figures], ensure_ascii=False, indent=2) + "\n")
    return 1 if any(figure.met is False for figure in figures) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
