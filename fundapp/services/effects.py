"""Effect → handler. An effect without a handler, or a handler without an effect, stops the product at its start."""

from __future__ import annotations

from enum import Enum

from fundapp.domain.application import Effect as OfApplication
from fundapp.domain.carry_over import Effect as OfCarryOver
from fundapp.domain.change import Effect as OfChange
from fundapp.domain.flows import FLOWS
from fundapp.domain.interim import Effect as OfInterim
from fundapp.domain.objection import Effect as OfObjection
from fundapp.domain.payment import Effect as OfPayment
from fundapp.domain.recovery import Effect as OfRecovery
from fundapp.domain.tranche import Effect as OfTranche
from fundapp.services import (
    after_remedy,
    application,
    carry_over,
    ceilings,
    change,
    closing,
    decision,
    intention,
    interim,
    objection_acts,
    payment,
    payment_hold,
    recovery,
    settlement,
    signing,
    waitlist,
)
from fundapp.services.act import Handler

HANDLERS: dict[Enum, Handler] = {
    OfApplication.RECEIVE: application.receive,
    OfApplication.JUDGE_AGAIN: application.judge_again,
    OfApplication.ASK_COMPLETION: application.ask_completion,
    OfApplication.RECEIVE_COMPLETION: application.receive_completion,
    OfApplication.END_TERMS: application.end_terms,
    OfApplication.RECORD_ADVICE: decision.record_advice,
    OfApplication.INTEND_REJECTION: intention.intend,
    OfApplication.END_RESPONSE: intention.end_response,
    OfApplication.RECORD_DECISION: decision.record_decision,
    OfApplication.COMMIT_FUNDS: decision.commit_funds,
    OfApplication.FREEZE_AWARD: decision.freeze_award,
    OfApplication.REVOKE_FUNDS: settlement.revoke_funds,
    OfApplication.WRITE_LETTER: decision.write_letter,
    OfApplication.EXTEND_TERM: application.extend_term,
    OfApplication.ANNOUNCE_DELAY: application.announce_delay,
    OfApplication.MAKE_OFFER: waitlist.make_offer,
    OfApplication.ACCEPT_OFFER: waitlist.accept_offer,
    OfApplication.END_OFFER: waitlist.end_offer,
    OfApplication.ASK_SIGNATURES: signing.ask_signatures,
    OfApplication.RECORD_SIGNATURE: signing.record_signature,
    OfApplication.RECORD_REFUSAL: signing.record_refusal,
    OfApplication.TAKE_BACK: signing.take_back,
    OfApplication.ASK_REPORT: settlement.ask_report,
    OfApplication.SET_LAST_TERM: settlement.set_last_term,
    OfApplication.RECEIVE_REPORT: settlement.receive_report,
    OfApplication.RETURN_REPORT: settlement.return_report,
    OfApplication.BEGIN_EX_OFFICIO: settlement.begin_ex_officio,
    OfApplication.INTEND_DETERMINATION: settlement.intend,
    OfApplication.RECORD_RESPONSE: settlement.record_response,
    OfApplication.DETERMINE: settlement.determine,
    OfApplication.HOLD_PAYMENTS: payment_hold.place,
    OfApplication.END_HOLD: payment_hold.end,
    OfApplication.AWARD_AFTER_REMEDY: after_remedy.award,
    OfApplication.RAISE_AFTER_REMEDY: after_remedy.raise_award,
    OfApplication.RESTORE_AFTER_REMEDY: after_remedy.restore,
    OfApplication.CONSIDER_AFTER_REMEDY: after_remedy.consider,
    OfApplication.DETERMINE_AFTER_REMEDY: after_remedy.determine,
    OfObjection.FILE: objection_acts.file,
    OfObjection.ASK_COMPLETION: objection_acts.ask_completion,
    OfObjection.RECEIVE_COMPLETION: objection_acts.receive_completion,
    OfObjection.END_COMPLETION: objection_acts.end_completion,
    OfObjection.EXTEND_TERM: objection_acts.extend_term,
    OfObjection.AGREE_LONGER: objection_acts.agree_longer,
    OfObjection.ANNOUNCE_DELAY: objection_acts.announce_delay,
    OfObjection.PLAN_HEARING: objection_acts.plan_hearing,
    OfObjection.RECORD_HEARING: objection_acts.record_hearing,
    OfObjection.WAIVE_HEARING: objection_acts.waive_hearing,
    OfObjection.RECORD_ADVICE: objection_acts.record_advice,
    OfObjection.RECORD_DECISION: objection_acts.record_decision,
    OfObjection.FREE_RESERVE: objection_acts.free_reserve,
    OfObjection.CARRY_OUT: objection_acts.carry_out,
    OfObjection.END_TERMS: objection_acts.end_terms,
    OfObjection.WRITE_LETTER: objection_acts.write_letter,
    OfTranche.SET_CEILING: ceilings.announce,
    OfTranche.CHANGE_CEILING: ceilings.change,
    OfTranche.RECORD_PROPOSAL: closing.record_proposal,
    OfTranche.RECORD_CLOSING: closing.record_closing,
    OfTranche.PROPOSE_REOPENING: closing.propose_reopening,
    OfTranche.RECORD_REOPENING: closing.record_reopening,
    OfCarryOver.CARRY_OVER: carry_over.carry,
    OfPayment.APPROVE_BATCH: payment.approve,
    OfPayment.RELEASE_BATCH: payment.release,
    OfPayment.TAKE_OUT: payment.take_out,
    OfRecovery.CLAIM: recovery.claim,
    OfRecovery.AGREE_SCHEDULE: recovery.agree_schedule,
    OfRecovery.SET_OFF: recovery.set_off,
    OfRecovery.PROPOSE_WRITE_OFF: recovery.propose_write_off,
    OfRecovery.KEEP: recovery.keep,
    OfRecovery.WRITE_OFF: recovery.write_off,
    OfRecovery.FINISH: recovery.finish,
    OfChange.APPLY_CHANGE: change.apply_change,
    OfChange.WRITE_LETTER: change.write_letter,
    OfInterim.SEND_INTERIM: interim.receive,
    OfInterim.RELEASE_INSTALMENT: interim.release,
    OfInterim.ASK_AGAIN: interim.ask_again,
}

_DECLARED = {effect for flow in FLOWS.values() for transition in flow.transitions for effect in transition.effects}
if HANDLERS.keys() != _DECLARED:
    raise ImportError(f"effects and handlers differ: {sorted(e.name for e in _DECLARED ^ HANDLERS.keys())}")
