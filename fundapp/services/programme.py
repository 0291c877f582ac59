"""The programme that the funds belong to: its name, who pays, who answers. Data: another region fills in its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from fundapp.domain.text import Text

FILE = Path(__file__).resolve().parents[1] / "data" / "programme.yaml"


@dataclass(frozen=True, slots=True)
class LeadApplicant:
    """The lead applicant (penvoerder), from whose account everything is paid."""

    name: str
    iban: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Who answers questions."""

    name: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Programme:
    """See the data file."""

    brand: str
    short: str
    name: Text
    lead_applicant: LeadApplicant
    contact: Contact
    classification: str


@lru_cache(maxsize=1)
def programme() -> Programme:
    """Return the programme's own data. Raises KeyError when the file lacks a value."""
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return Programme(
        brand=data["brand"]["name"],
        short=data["brand"]["short"],
        name=Text(**data["programme"]),
        lead_applicant=LeadApplicant(**data["lead_applicant"]),
        contact=Contact(**data["contact"]),
        classification=data["classification"],
    )


def lead_applicant() -> LeadApplicant:
    """Who pays."""
    return programme().lead_applicant
