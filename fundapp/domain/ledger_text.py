"""What accounts and movements of the ledger are called, on pages, in reports and in exports."""

from __future__ import annotations

from fundapp.domain.ledger import Account, Movement
from fundapp.domain.text import Text

MOVEMENTS = {
    Movement.CEILING_SET: Text("Plafond", "Ceiling"),
    Movement.SUB_CEILING_SET: Text("Deelplafond", "Sub-ceiling"),
    Movement.EARLIER_CEILING: Text("Plafond voor eerdere aanvragen", "Ceiling for earlier applications"),
    Movement.OFFER: Text("Aangeboden aan de wachtlijst", "Offered to the waiting list"),
    Movement.OFFER_ENDED: Text("Aanbod voorbij", "Offer ended"),
    Movement.RESERVE: Text("Apart gezet voor een heroverweging", "Set apart for a new look"),
    Movement.RESERVE_ENDED: Text("Niet meer apart gezet", "No longer set apart"),
    Movement.AWARD: Text("Toegekend", "Awarded"),
    Movement.RELEASE: Text("Vrijgevallen", "Released"),
    Movement.ORDER: Text("Opdracht aan de bank", "Ordered at the bank"),
    Movement.ORDER_UNDONE: Text("Opdracht ingetrokken", "Order undone"),
    Movement.PAYMENT: Text("Betaald", "Paid"),
    Movement.BOUNCE: Text("Teruggestuurd door de bank", "Returned by the bank"),
    Movement.DETERMINATION: Text("Eindbedrag vastgesteld", "Final amount determined"),
    Movement.RECOVERY_CLAIMED: Text("Teruggevraagd", "Asked back"),
    Movement.RECOVERY_RECEIVED: Text("Teruggekregen", "Received back"),
    Movement.SET_OFF: Text("Verrekend", "Set off"),
    Movement.WRITE_OFF: Text("Afgeboekt", "Written off"),
    Movement.CARRY_OVER: Text("Overgedragen", "Carried over"),
}
"""What each movement is called."""

ACCOUNTS = {
    Account.CEILING: Text("plafond", "ceiling"),
    Account.AVAILABLE: Text("vrij", "free"),
    Account.OFFERED: Text("aangeboden aan de wachtlijst", "offered to the waiting list"),
    Account.RESERVED: Text("apart gezet voor een heroverweging", "set apart for a new look"),
    Account.COMMITTED: Text("toegezegd, niet betaald", "awarded, not paid"),
    Account.PAID: Text("voorschot betaald", "advance paid"),
    Account.PAYABLE: Text("vastgesteld, nog te betalen", "determined, still to pay"),
    Account.DETERMINED: Text("vastgesteld en betaald", "determined and paid"),
    Account.IN_TRANSIT: Text("onderweg bij de bank", "on its way at the bank"),
    Account.RECEIVABLE: Text("nog terug te krijgen", "still to come back"),
    Account.WRITTEN_OFF: Text("afgeboekt", "written off"),
    Account.CARRIED: Text("overgedragen", "carried over"),
}
"""What each account is called."""

assert MOVEMENTS.keys() == set(Movement), "a movement without a name"
assert ACCOUNTS.keys() == set(Account), "an account without a name"
