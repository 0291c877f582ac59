"""Why an application gets no money: the reasons, common to all funds, each with a sentence for the letter.

One place for the codes: rules name them, letters and reports read them. What the law keeps apart stays apart: an
application that was never complete is *not considered* (Awb 4:5), one that was judged is *rejected* (Awb 4:35).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fundapp.domain.text import Text


class RejectionCode(StrEnum):
    """Stable: stored with decisions, quoted in letters, logs and the API."""

    OUTSIDE_WINDOW = "outside_window"
    APPLICANT_NOT_ELIGIBLE = "applicant_not_eligible"
    OUTSIDE_REGION = "outside_region"
    ALREADY_AWARDED = "already_awarded"
    NOT_COMPLETED_IN_TIME = "not_completed_in_time"
    PARTNER_MISSING = "partner_missing"
    ACTIVITY_ALREADY_STARTED = "activity_already_started"
    COST_NOT_ELIGIBLE = "cost_not_eligible"
    DOUBLE_FUNDING = "double_funding"
    UNDER_MINIMUM = "under_minimum"
    OVER_MAXIMUM = "over_maximum"
    CO_FINANCING_SHORT = "co_financing_short"
    CONTENT_CONDITION_NOT_MET = "content_condition_not_met"
    CEILING_REACHED = "ceiling_reached"
    RANKED_TOO_LOW = "ranked_too_low"
    WITHDRAWN = "withdrawn"


class Ending(StrEnum):
    """How an application ends for a reason: the law gives each its own decision and its own term."""

    REJECTED = "rejected"  # judged, and no
    NOT_CONSIDERED = "not_considered"  # never complete, so never judged
    WITHDRAWN = "withdrawn"  # taken back by the school itself


@dataclass(frozen=True, slots=True)
class RejectionReason:
    """One reason. label: for lists and reports; sentence: for the letter to the school; ending: what it leads to.

    judged: it rests on facts about the school, which the school may see differently (Awb 4:7).
    """

    code: RejectionCode
    label: Text
    sentence: Text
    ending: Ending = Ending.REJECTED
    judged: bool = True


_ALL = (
    RejectionReason(
        RejectionCode.OUTSIDE_WINDOW,
        Text("Buiten de aanvraagperiode", "Outside the application window"),
        Text(
            "Uw aanvraag kwam binnen toen de ronde niet open was.",
            "Your application arrived when the round was not open.",
        ),
        judged=False,
    ),
    RejectionReason(
        RejectionCode.APPLICANT_NOT_ELIGIBLE,
        Text("Aanvrager hoort niet bij de doelgroep", "Applicant not eligible"),
        Text("Dit fonds is niet voor uw soort school.", "This fund is not for your type of school."),
    ),
    RejectionReason(
        RejectionCode.OUTSIDE_REGION,
        Text("Buiten de regio", "Outside the region"),
        Text(
            "Uw school ligt niet in de regio van dit fonds.",
            "Your school is not in the region of this fund.",
        ),
    ),
    RejectionReason(
        RejectionCode.ALREADY_AWARDED,
        Text("Al eerder aangevraagd of toegekend", "Applied or awarded before"),
        Text(
            "U hebt uit deze ronde al geld gekregen, of u hebt al een aanvraag lopen.",
            "You have already had money from this round, or an application of yours is still open.",
        ),
        judged=False,
    ),
    RejectionReason(
        RejectionCode.NOT_COMPLETED_IN_TIME,
        Text("Niet op tijd aangevuld", "Not completed in time"),
        Text(
            "Uw aanvraag was niet compleet. De aanvulling kwam niet op tijd, of was niet genoeg.",
            "Your application was not complete. The addition did not come in time, or was not enough.",
        ),
        Ending.NOT_CONSIDERED,
    ),
    RejectionReason(
        RejectionCode.PARTNER_MISSING,
        Text("Partner ontbreekt", "Partner missing"),
        Text(
            "U werkt niet samen met de partner die dit fonds vraagt.",
            "You do not work together with the partner that this fund asks for.",
        ),
    ),
    RejectionReason(
        RejectionCode.ACTIVITY_ALREADY_STARTED,
        Text("Activiteit al begonnen", "Activity already started"),
        Text(
            "U bent met de activiteit begonnen voordat dat mocht. Een bestelling telt ook als begin.",
            "You started the activity before that was allowed. An order counts as a start too.",
        ),
    ),
    RejectionReason(
        RejectionCode.COST_NOT_ELIGIBLE,
        Text("Kosten komen niet in aanmerking", "Costs not eligible"),
        Text(
            "U vraagt geld voor kosten die dit fonds niet betaalt.",
            "You ask for money for costs that this fund does not pay.",
        ),
    ),
    RejectionReason(
        RejectionCode.DOUBLE_FUNDING,
        Text("Dubbele financiering", "Double funding"),
        Text(
            "U krijgt voor dezelfde kosten al ander publiek geld.",
            "You already receive other public money for the same costs.",
        ),
    ),
    RejectionReason(
        RejectionCode.UNDER_MINIMUM,
        Text("Onder het minimum", "Under the minimum"),
        Text("U vraagt minder dan het minimum van dit fonds.", "You ask for less than the minimum of this fund."),
        judged=False,
    ),
    RejectionReason(
        RejectionCode.OVER_MAXIMUM,
        Text("Boven het maximum", "Over the maximum"),
        Text("U vraagt meer dan het maximum van dit fonds.", "You ask for more than the maximum of this fund."),
        judged=False,
    ),
    RejectionReason(
        RejectionCode.CO_FINANCING_SHORT,
        Text("Te weinig cofinanciering", "Co-financing short"),
        Text(
            "U en uw partners betalen samen te weinig mee (cofinanciering).",
            "You and your partners together contribute too little (co-financing).",
        ),
    ),
    RejectionReason(
        RejectionCode.CONTENT_CONDITION_NOT_MET,
        Text("Voldoet niet aan een inhoudelijke voorwaarde", "Content condition not met"),
        Text(
            "Uw plan voldoet niet aan een voorwaarde die dit fonds aan de inhoud stelt.",
            "Your plan does not meet a condition that this fund sets on the content.",
        ),
    ),
    RejectionReason(
        RejectionCode.CEILING_REACHED,
        Text("Het geld is op (subsidieplafond)", "Ceiling reached"),
        Text(
            "Het geld van deze ronde is op. Andere aanvragen gingen voor volgens de regels van de ronde.",
            "The money of this round is spent. Other applications came first under the rules of the round.",
        ),
        judged=False,
    ),
    RejectionReason(
        RejectionCode.RANKED_TOO_LOW,
        Text("Te laag op de ranglijst", "Ranked too low"),
        Text(
            "Andere aanvragen kregen een hogere score. Daarna was het geld van deze ronde op.",
            "Other applications had a higher score. After those the money of this round was spent.",
        ),
        judged=False,
    ),
    RejectionReason(
        RejectionCode.WITHDRAWN,
        Text("Ingetrokken door de school", "Withdrawn by the school"),
        Text("U hebt uw aanvraag zelf ingetrokken.", "You withdrew your application yourself."),
        Ending.WITHDRAWN,
    ),
)

REASONS: dict[RejectionCode, RejectionReason] = {reason.code: reason for reason in _ALL}
"""Every code has exactly one reason (tested)."""
