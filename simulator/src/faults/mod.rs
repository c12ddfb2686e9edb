//! What may go wrong, as data: the same words for a run, an account, a marked number and a magic number.
//!
//! A rule names one fault, who it strikes and how often. Rules with `times` are for tests that must be exact,
//! rules with `rate` for soak runs. Rejected: one field per fault (`drop_rate`, `drop_times`, …), which grows with
//! every fault and cannot say "the third send to this phone".

pub(crate) mod board;
pub(crate) mod effect;

use serde::{Deserialize, Serialize};

use self::effect::Effect;

/// Timing and faults of a run or an account. `PUT /_sim/faults` replaces all of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Milliseconds before a send is looked at. Nothing is accepted yet when a client gives up here.
    pub latency_ms: u64,
    /// Up to so many more, evenly spread.
    pub latency_jitter_ms: u64,
    /// Milliseconds from acceptance to `sent`; the simulator's setting otherwise.
    pub sent_after_ms: Option<u64>,
    /// Milliseconds from acceptance to the final status; the simulator's setting otherwise.
    pub delivered_after_ms: Option<u64>,
    /// What goes wrong; each rule is tried, in order.
    pub rules: Vec<Rule>,
}

/// One fault, who it strikes and how often.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: FaultKind,
    /// The Twilio code, for `reject` and `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Milliseconds, for `hang` and `late_receipt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// The chance of each send, 0 to 1.
    #[serde(default = "always")]
    pub rate: f64,
    /// Strike so many times, then never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Only sends to this phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only sends from this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The faults there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Refuse with `code`; no message is made.
    Reject,
    /// Accept, and end `failed` or `undelivered` with `code`.
    Fail,
    /// Accept, and answer after `ms`.
    Hang,
    /// Reset the connection; no message is made.
    ResetBeforeAccept,
    /// Accept, and close the connection without an answer.
    AcceptThenDrop,
    /// `sent` is told, the final receipt never.
    LostReceipt,
    /// The final receipt comes `ms` later than the final status.
    LateReceipt,
    /// Every receipt comes twice.
    DuplicateReceipts,
    /// `sent` is told after the final receipt.
    OutOfOrderReceipts,
}

impl Rule {
    /// A rule that strikes every send.
    #[must_use]
    pub fn new(fault: FaultKind) -> Self {
        Self { fault, code: None, ms: None, rate: 1.0, times: None, to: None, from: None }
    }

    /// What it does.
    ///
    /// # Errors
    /// A sentence that says which field is missing.
    pub(crate) fn effect(&self) -> Result<Effect, &'static str> {
        let code = self.code.ok_or("`code` is needed for this fault");
        let ms = self.ms.ok_or("`ms` is needed for this fault");
        if !(0.0..=1.0).contains(&self.rate) {
            return Err("`rate` is from 0 to 1");
        }
        Ok(match self.fault {
            FaultKind::Reject => Effect::Reject(code?),
            FaultKind::Fail => Effect::Fail(code?),
            FaultKind::Hang => Effect::Hang(ms?),
            FaultKind::ResetBeforeAccept => Effect::Reset,
            FaultKind::AcceptThenDrop => Effect::Drop,
            FaultKind::LostReceipt => Effect::LoseReceipt,
            FaultKind::LateReceipt => Effect::LateReceipt(ms?),
            FaultKind::DuplicateReceipts => Effect::DuplicateReceipts,
            FaultKind::OutOfOrderReceipts => Effect::OutOfOrderReceipts,
        })
    }
}

fn always() -> f64 {
    1.0
}
