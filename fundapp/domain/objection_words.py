"""How each law speaks of a new look at a decision, so that a private fund never speaks of an objection."""

from __future__ import annotations

from dataclasses import dataclass

from fundapp.domain.objection import Against, Dismissal, Outcome, State, Waiver
from fundapp.domain.term import Profile
from fundapp.domain.text import Text


@dataclass(frozen=True, slots=True)
class Words:
    """How one law speaks of it. kind: in addresses, journal and database; prefix: in references; path: of its pages."""

    kind: str
    profile: Profile
    prefix: str
    path: str
    noun: Text
    yours: Text
    file: Text
    hearing: Text
    looks: dict[State, Text]
    outcomes: dict[Outcome, Text]


AWB = Words(
    kind="objection",
    profile=Profile.AWB,
    prefix="B",
    path="/bezwaren",
    noun=Text("bezwaar", "objection"),
    yours=Text("uw bezwaar", "your objection"),
    file=Text("Bezwaar maken", "Make an objection"),
    hearing=Text("hoorzitting", "hearing"),
    looks={
        State.FOUNDED: Text("Gegrond", "Founded"),
        State.PARTLY_FOUNDED: Text("Deels gegrond", "Partly founded"),
        State.UNFOUNDED: Text("Ongegrond", "Unfounded"),
        State.INADMISSIBLE: Text("Niet-ontvankelijk", "Inadmissible"),
    },
    outcomes={
        Outcome.FOUNDED: Text("Gegrond verklaren", "Declare founded"),
        Outcome.PARTLY_FOUNDED: Text("Deels gegrond verklaren", "Declare partly founded"),
        Outcome.UNFOUNDED: Text("Ongegrond verklaren", "Declare unfounded"),
        Outcome.INADMISSIBLE: Text("Niet-ontvankelijk verklaren", "Declare inadmissible"),
    },
)
PRIVATE = Words(
    kind="reconsideration",
    profile=Profile.PRIVATE,
    prefix="H",
    path="/heroverwegingen",
    noun=Text("heroverweging", "reconsideration"),
    yours=Text("uw verzoek om heroverweging", "your request for reconsideration"),
    file=Text("Heroverweging vragen", "Ask for reconsideration"),
    hearing=Text("gesprek", "meeting"),
    looks={
        State.FOUNDED: Text("Besluit herzien", "Decision changed"),
        State.PARTLY_FOUNDED: Text("Besluit deels herzien", "Decision partly changed"),
        State.UNFOUNDED: Text("Besluit blijft staan", "Decision stands"),
        State.INADMISSIBLE: Text("Niet behandeld", "Not dealt with"),
    },
    outcomes={
        Outcome.FOUNDED: Text("Besluit herzien", "Change the decision"),
        Outcome.PARTLY_FOUNDED: Text("Besluit deels herzien", "Change the decision in part"),
        Outcome.UNFOUNDED: Text("Besluit laten staan", "Let the decision stand"),
        Outcome.INADMISSIBLE: Text("Niet behandelen", "Not deal with it"),
    },
)
WORDS = {words.profile: words for words in (AWB, PRIVATE)}
"""Legal profile → how it speaks of it."""

WAIVERS = {
    Waiver.NOT_WANTED: Text("De school wil niet worden gehoord", "The school does not want to be heard"),
    Waiver.NO_ANSWER: Text(
        "De school liet niet op tijd weten dat zij wil worden gehoord",
        "The school did not say in time that it wants to be heard",
    ),
    Waiver.GRANTED: Text("De school krijgt helemaal gelijk", "The school is wholly right"),
    Waiver.UNFOUNDED: Text("De school krijgt duidelijk geen gelijk", "The school is clearly not right"),
    Waiver.INADMISSIBLE: Text(
        "Wij kunnen het duidelijk niet behandelen (te laat of niet compleet)",
        "We clearly cannot deal with it (too late or not complete)",
    ),
}
"""Reasons not to hear (Awb 7:3), in words."""

DISMISSALS = {
    Dismissal.LATE: Text(
        "U was te laat, en u had geen reden waardoor u er niets aan kon doen.",
        "You were too late, and had no reason that you could do nothing about.",
    ),
    Dismissal.INCOMPLETE: Text(
        "Er ontbrak iets. U kreeg de kans om het aan te vullen, en dat is niet gebeurd.",
        "Something was missing. You had the chance to complete it, and did not.",
    ),
    Dismissal.NO_INTEREST: Text(
        "U kunt met een nieuw besluit niets meer bereiken.", "A new decision can change nothing for you any more."
    ),
}
"""Reasons not to deal with it, as the letter has them."""

AGAINST = {
    Against.AWARD: Text("de toekenning", "the award"),
    Against.REJECT: Text("de afwijzing", "the rejection"),
    Against.NOT_CONSIDER: Text("het besluit om niet te behandelen", "the decision not to consider it"),
    Against.REVOKE: Text("de intrekking van de toekenning", "the revocation of the award"),
    Against.DETERMINE: Text("het eindbedrag", "the final amount"),
}
"""What the school disagrees with, in words."""
