//! What will become of one send: decided once, at the door, and then only carried out.
//!
//! Deciding in one place is what makes a fault apply to the whole life of a message; the order of precedence is
//! here and nowhere else: a marked number, then a magic number, then the rules. Of two effects of the same sort
//! the first wins.

use std::time::Duration;

use crate::chance;
use crate::faults::Faults;
use crate::faults::effect::Effect;
use crate::ledger::duplicates::fingerprint;
use crate::magic;
use crate::message::Status;
use crate::state::Sim;

/// How a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub status: Status,
    pub code: Option<u32>,
}

/// What is done to the receipts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receipts {
    pub lost: bool,
    pub late: Duration,
    pub twice: bool,
    pub out_of_order: bool,
}

/// What happens before anything is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Reject(u32),
    Reset,
}

/// What happens to the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Drop,
    Hang(Duration),
}

/// The fate of one send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub latency: Duration,
    pub before: Option<Before>,
    pub answer: Option<Answer>,
    pub outcome: Outcome,
    pub sent_after: Duration,
    /// From `sent` to the final status.
    pub final_after: Duration,
    pub receipts: Receipts,
}

impl Plan {
    /// Decides for one send.
    pub(crate) fn decide(sim: &Sim, account: &str, to: &str, from: &str, body: &str) -> Self {
        let armed = sim.faults.of(account);
        let mut plan = Self::ordinary(sim);
        if let Some(code) = sim.faults.broken(to).or_else(|| sim.faults.broken(from)) {
            plan.add(Effect::of_code(code));
        }
        for magic in [magic::of_to(to), magic::of_from(from)].into_iter().flatten() {
            if !magic.once.is_empty() && sim.first_time(fingerprint(&(account, to, body))) {
                magic.once.iter().for_each(|effect| plan.add(*effect));
            }
            magic.always.iter().for_each(|effect| plan.add(*effect));
        }
        if let Some(armed) = armed {
            plan.time(sim, &armed.faults);
            armed.strike(&mut plan, to, from);
        }
        plan
    }

    /// Sent and delivered, at the simulator's pace.
    pub(crate) fn ordinary(sim: &Sim) -> Self {
        let (sent, done) = (sim.config.sent_after_ms, sim.config.delivered_after_ms);
        Self {
            latency: Duration::ZERO,
            before: None,
            answer: None,
            outcome: Outcome { status: Status::Delivered, code: None },
            sent_after: Duration::from_millis(sent),
            final_after: Duration::from_millis(done.saturating_sub(sent)),
            receipts: Receipts::default(),
        }
    }

    fn time(&mut self, sim: &Sim, faults: &Faults) {
        let jitter = chance::up_to(faults.latency_jitter_ms);
        let sent = faults.sent_after_ms.unwrap_or(sim.config.sent_after_ms);
        let done = faults.delivered_after_ms.unwrap_or(sim.config.delivered_after_ms);
        self.latency = Duration::from_millis(faults.latency_ms.saturating_add(jitter));
        self.sent_after = Duration::from_millis(sent);
        self.final_after = Duration::from_millis(done.saturating_sub(sent));
    }

    /// Adds one effect.
    pub(crate) fn add(&mut self, effect: Effect) {
        match effect {
            Effect::Reject(code) => _ = self.before.get_or_insert(Before::Reject(code)),
            Effect::Reset => _ = self.before.get_or_insert(Before::Reset),
            Effect::Drop => _ = self.answer.get_or_insert(Answer::Drop),
            Effect::Hang(ms) => {
                _ = self.answer.get_or_insert(Answer::Hang(Duration::from_millis(ms)));
            }
            Effect::Fail(code) => {
                if self.outcome.code.is_none() {
                    self.outcome = Outcome::failing(code);
                }
            }
            Effect::LoseReceipt => self.receipts.lost = true,
            Effect::LateReceipt(ms) => self.receipts.late = Duration::from_millis(ms),
            Effect::DuplicateReceipts => self.receipts.twice = true,
            Effect::OutOfOrderReceipts => self.receipts.out_of_order = true,
        }
    }
}

impl Outcome {
    /// The end that Twilio reports with this code: `failed` when it never left Twilio, else `undelivered`.
    pub(crate) fn failing(code: u32) -> Self {
        let status = match code {
            // Queue overflow, account suspended, filtered, validity expired, queue full of the account.
            30_001 | 30_002 | 30_007 | 30_036 | 63_017 => Status::Failed,
            _ => Status::Undelivered,
        };
        Self { status, code: Some(code) }
    }
}
