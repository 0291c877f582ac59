"""What the values in letters are called, for who must fill in one that is empty."""

from __future__ import annotations

from fundapp.domain.text import Text, same

VALUES = {
    "ref": Text("het kenmerk", "the reference"),
    "school": Text("de naam van de school", "the name of the school"),
    "board": Text("de naam van het schoolbestuur", "the name of the school board"),
    "fund": Text("de naam van het fonds", "the name of the fund"),
    "tranche": Text("de naam van de ronde", "the name of the round"),
    "amount": Text("het bedrag", "the amount"),
    "old_due": Text("de dag die eerst gold", "the day that held before"),
    "due": Text("de uiterste dag", "the last day"),
    "reasons": Text("de reden", "the reason"),
    "explanation": Text("de toelichting", "the explanation"),
    "recovery": Text("het bedrag dat de school terugbetaalt", "the amount that the school pays back"),
    "recovery_ref": Text("het kenmerk van de terugbetaling", "the reference of the repayment"),
    "contact": Text("de contactgegevens van het fonds", "the contact details of the fund"),
    "contact.name": Text("de contactpersoon van het fonds", "the contact person of the fund"),
    "contact.email": Text("het e-mailadres van het fonds", "the e-mail address of the fund"),
    "contact.phone": Text("het telefoonnummer van het fonds", "the phone number of the fund"),
    "sender.payer": Text("de naam van de penvoerder", "the name of the lead applicant"),
    "sender.iban": Text("het rekeningnummer van de penvoerder", "the account of the lead applicant"),
    "remedy.nl": Text("de uitleg over wat de school kan doen", "the words on what the school can do"),
    "steps": Text("de berekening", "the calculation"),
    "lines": Text("de lijst van kosten", "the list of costs"),
}
"""Value, as the templates of letters have it → what it is called."""


def value_name(name: str) -> Text:
    """Return what a value is called; its own name where it has no other."""
    first = name.partition(".")[0]
    return VALUES.get(name) or VALUES.get(first) or same(f"“{name}”")
