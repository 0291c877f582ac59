"""Ten invented tranches, played from the application to the closing: every figure to the cent, as reckoned by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.support.tables import TABLES, Played, expected, outcome, proved, read

FILES = sorted(TABLES.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_tranche_as_on_paper(session: Session, tmp_path: Path, file: Path) -> None:
    play = Played(session, read(file), tmp_path)
    play.play()
    assert outcome(play) == expected(play)
    proved(session)


def test_there_are_ten() -> None:
    assert len(FILES) == 10
