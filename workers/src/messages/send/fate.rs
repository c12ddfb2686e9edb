//! What became of a message in one run, and what that means for its job.

use chrono::{DateTime, Utc};
use patchbay_db::ids::ProviderAccountId;
use patchbay_domain::consent::ConsentChange;
use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::send::{Claimed, Report};
use patchbay_queue::JobError;

/// What became of a message.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// The provider took it.
    Sent(Report),
    /// It failed for good.
    Failed(Report),
    /// The person opted out at the provider.
    OptedOut(Report, ConsentChange),
    /// The provider refused the account: the message failed, and the account is of no use.
    AuthFailed(Report, ProviderAccountId, DateTime<Utc>),
    /// It has not left; somebody said "slow down".
    Throttled(Report, Throttle),
    /// It has not left, and may be tried again.
    Retry(Report, JobError),
    /// It has not left because its turn was over; it is claimed again.
    Late(Report),
    /// It may or may not have left: it stays `sending` until it is looked up.
    Unknown(JobError),
    /// It may have left, and cannot be judged before this.
    NotBefore(DateTime<Utc>),
}

/// Who is too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slow {
    /// This message's recipient, or nobody in particular.
    Message,
    /// All messages from its sender.
    Sender,
    /// All messages of its account, whoever sends them.
    Account(ProviderAccountId),
}

/// A provider's wish to wait.
#[derive(Debug, Clone)]
pub(super) struct Throttle {
    /// Until when.
    pub until: DateTime<Utc>,
    /// Who else is to wait.
    pub slow: Slow,
    /// In words.
    pub reason: String,
}

impl Fate {
    /// What is to be recorded of it.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Sent(report)
            | Self::Failed(report)
            | Self::OptedOut(report, _)
            | Self::AuthFailed(report, ..)
            | Self::Throttled(report, _)
            | Self::Retry(report, _)
            | Self::Late(report) => Some(report),
            Self::Unknown(_) | Self::NotBefore(_) => None,
        }
    }
}

/// A report of `claimed` that says `state` and no more.
pub(super) const fn report(claimed: &Claimed, state: MessageState) -> Report {
    Report { message: claimed.id, attempt: claimed.attempts, state, provider_id: None, code: None, detail: None }
}

/// A report that `claimed` ended as `state` for this reason.
pub(super) fn failed(claimed: &Claimed, state: MessageState, code: String, detail: &str) -> Report {
    Report { code: Some(code), detail: Some(detail.to_owned()), ..report(claimed, state) }
}
