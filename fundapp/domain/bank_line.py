"""A line of the bank: which one it is, in whatever statement it stands, and what a person may say of it.

Source: ISO 20022 camt.053 (an entry has the bank's own reference, AcctSvcrRef, where the bank gives one).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from fundapp.domain.outside import StatementEntry, StatementPayment
from fundapp.domain.text import Text, same


class Category(StrEnum):
    """What a line turns out to be."""

    CASE = "case"  # a payment of ours, one that came back, or money that was asked back
    BANK_COSTS = "bank_costs"
    INTEREST = "interest"
    FUNDING = "funding"  # money that the programme itself receives
    OWN_TRANSFER = "own_transfer"
    NOT_FOR_US = "not_for_us"  # received by mistake: it goes back to who paid it
    OTHER = "other"

    @property
    def label(self) -> Text:
        """Its name on pages."""
        return _LABELS[self]

    @property
    def hint(self) -> Text:
        """When to choose it."""
        return _HINTS[self]


_LABELS = {
    Category.CASE: Text("Betaling of terugbetaling", "Payment or repayment"),
    Category.BANK_COSTS: Text("Bankkosten", "Bank charges"),
    Category.INTEREST: Text("Rente", "Interest"),
    Category.FUNDING: Text("Geld voor het programma", "Funding of the programme"),
    Category.OWN_TRANSFER: Text("Eigen overboeking", "Transfer between own accounts"),
    Category.NOT_FOR_US: Text("Bij vergissing ontvangen", "Received by mistake"),
    Category.OTHER: Text("Iets anders", "Something else"),
}
_HINTS = {
    Category.CASE: Text("Het hoort bij een school. Geef het kenmerk.", "It belongs to a school. Give the reference."),
    Category.BANK_COSTS: Text("De bank rekende kosten.", "The bank charged costs."),
    Category.INTEREST: Text("De bank rekende of gaf rente.", "The bank charged or gave interest."),
    Category.FUNDING: Text(
        "Bijvoorbeeld van het ministerie of een gemeente.", "For example from the ministry or a municipality."
    ),
    Category.OWN_TRANSFER: Text("Van of naar een andere rekening van ons.", "From or to another account of ours."),
    Category.NOT_FOR_US: Text("U stort het terug.", "You pay it back."),
    Category.OTHER: Text("Leg uit wat het is.", "Explain what it is."),
}

_ALONE = frozenset({Category.INTEREST, Category.FUNDING, Category.OWN_TRANSFER})


def needs_two(category: Category, cents: int) -> bool:
    """Whether a second person must agree: wherever money left us, is booked on a case, or has to go somewhere else."""
    return cents < 0 or category not in _ALONE


# --- which line it is -------------------------------------------------------------------------------------------------


def with_keys(iban: str, entries: Iterable[StatementEntry]) -> tuple[StatementEntry, ...]:
    """Return the entries of one statement, each with a key that is the same in whatever statement the bank tells it.

    By the bank's own reference where there is one, else by what it says; never by its place. Of entries that are alike
    the first, the second and so on are told apart by a number. Its payments have keys below it.
    """
    seen: Counter[str] = Counter()
    found = []
    for entry in entries:
        named = _digest([iban, entry.booked_on.isoformat(), entry.amount, *_told(entry)])
        seen[named] += 1
        found.append(keyed(entry, f"{named}-{seen[named]}"))
    return tuple(found)


def keyed(entry: StatementEntry, key: str) -> StatementEntry:
    """Return an entry under this key, and its payments below it."""
    seen: Counter[str] = Counter()
    payments = []
    for paid in entry.payments:
        named = _digest(_payment_told(paid))[:12]
        seen[named] += 1
        payments.append(replace(paid, key=f"{key}/{named}-{seen[named]}"))
    return replace(entry, key=key, payments=tuple(payments))


def _told(entry: StatementEntry) -> list[Any]:
    if entry.bank_reference:
        return [entry.bank_reference]
    return [entry.batch_id, entry.reversal, sorted(_digest(_payment_told(paid)) for paid in entry.payments)]


def _payment_told(paid: StatementPayment) -> list[Any]:
    return [paid.amount, paid.end_to_end_id, paid.counterparty_iban, paid.remittance]


def _digest(told: list[Any]) -> str:
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:32]


# --- statements that overlap ------------------------------------------------------------------------------------------


def segments(
    opening: int, entries: Sequence[StatementEntry], known: Collection[str], balances: Collection[int]
) -> list[list[int]]:
    """Return [[from, to], …]: the balances (cents) around each run of entries that were not known yet.

    A statement without entries is one run of nothing. Entries are told per day in whatever order, so of those known in
    the course of a day it is not said where they stood: the order counts in which they fit the `balances` of
    other statements best.
    """
    if not entries:
        return [[opening, opening]]
    orders = [
        sorted(entries, key=lambda e: e.booked_on),
        sorted(entries, key=lambda e: (e.booked_on, e.key not in known)),
        sorted(entries, key=lambda e: (e.booked_on, e.key in known)),
    ]
    new = {entry.key for entry in entries} - set(known)
    misses = [sum(at not in balances for run in _runs(opening, order, set(known)) for at in run) for order in orders]
    return _runs(opening, orders[misses.index(min(misses))], new)


def _runs(opening: int, entries: Sequence[StatementEntry], wanted: set[str]) -> list[list[int]]:
    """The balances before and after each run of entries that are wanted."""
    runs: list[list[int]] = []
    at, running = opening, False
    for entry in entries:
        if entry.key not in wanted:
            running = False
        elif running:
            runs[-1][1] = at + entry.amount
        else:
            runs.append([at, at + entry.amount])
            running = True
        at += entry.amount
    return runs


# --- why a payment came back ------------------------------------------------------------------------------------------

_REASONS = {
    "AC01": Text("het rekeningnummer klopt niet", "the account number is wrong"),
    "AC04": Text("de rekening is opgeheven", "the account was closed"),
    "AC06": Text("de rekening is geblokkeerd", "the account is blocked"),
    "AC13": Text("het is een rekening van een ander soort", "it is another kind of account"),
    "AG01": Text("op deze rekening kan niet worden betaald", "this account cannot be paid on"),
    "AM05": Text("de bank zag een dubbele betaling", "the bank saw a double payment"),
    "BE01": Text("de naam hoort niet bij de rekening", "the name does not belong to the account"),
    "BE04": Text("het adres van de ontvanger ontbreekt", "the address of the payee is missing"),
    "CUST": Text("op verzoek van de ontvanger", "at the request of the payee"),
    "FOCR": Text("na een verzoek om teruggave", "after a request to return it"),
    "MD07": Text("de rekeninghouder is overleden", "the account holder has died"),
    "MS02": Text("de ontvanger weigerde de betaling", "the payee refused the payment"),
    "MS03": Text("de bank noemt geen reden", "the bank gives no reason"),
    "RR04": Text("om een wettelijke reden", "for a legal reason"),
}
"""ISO 20022 return reason codes (ExternalReturnReason1Code) that banks in SEPA use."""


def return_reason(told: str) -> Text:
    """Return why a payment came back, in words: by the code that the bank's text begins with, else that text."""
    words = _REASONS.get(told.split(" ")[0])
    if words is None:
        return same(told) if told else _REASONS["MS03"]
    return Text("{words} ({code})", "{words} ({code})").fill(words=words, code=told.split(" ")[0])
