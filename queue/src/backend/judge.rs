//! What follows from a run's result, by its class and the budgets.
//!
//! All times are the engine clock's: a worker's own may be minutes off.

use std::time::Duration;

use apalis_core::error::{AbortError, BoxDynError, RetryAfterError};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;

use super::service::{Failed, GivenUp, Panicked, Unclaimed};
use crate::context::STOPPED_ON_REQUEST;
use crate::ledger::attempt::{Attempt, CRASH, INTERRUPTION, SNOOZE};
use crate::ledger::crash::POISON;
use crate::ledger::hold::{KIND_PAUSE, VERSION};
use crate::ledger::settle::End;
use crate::ledger::text::{writable, writable_json};
use crate::{Envelope, ErrorClass, JobError, Outcome, Policy};

/// A run that is over, as it is judged.
pub(crate) struct Over<'a> {
    pub worker: &'a str,
    pub envelope: &'a Envelope,
    /// When, by the engine's clock.
    pub at: DateTime<Utc>,
    /// How long it ran.
    pub ran: Duration,
    /// Whether it was stopped because its worker ends.
    pub interrupted: bool,
    /// Whether somebody wants the job to stop.
    pub cancelled: bool,
}

/// No job comes back sooner: its outcome has to be out of Redis before it is put there again.
const SOONEST: TimeDelta = TimeDelta::milliseconds(250);

/// What follows from a result, by its class and the budgets.
pub(crate) fn judge(over: &Over<'_>, result: Result<Outcome, BoxDynError>) -> End {
    let Over { envelope, at: ended_at, interrupted, .. } = *over;
    let error = match result {
        Ok(Outcome::Done(value)) => return End::Succeeded(value.map(writable_json)),
        Ok(Outcome::Cancelled) => return End::Cancelled,
        Ok(Outcome::Snooze { until, reason }) => {
            let reason = writable(reason);
            return put_off(until.max(ended_at + SOONEST), reason.clone(), over.attempt(SNOOZE, "put_off", reason));
        }
        Err(_) if interrupted => {
            let attempt = over.attempt(INTERRUPTION, "worker_stopped", "its worker was told to stop".to_owned());
            let at = ended_at + SOONEST;
            return End::Again { at, errors: 0, crashes: 0, interruptions: 1, attempt, reason: None };
        }
        Err(error) => error,
    };
    if let Some(Unclaimed { kind, version }) = error.downcast_ref() {
        return unknown(kind, *version);
    }
    let header = &envelope.header;
    let crash = match (error.downcast_ref(), error.downcast_ref()) {
        (Some(Panicked { detail, policy }), _) => Some(("panicked", detail.clone(), policy)),
        (_, Some(stuck @ GivenUp { policy })) => Some(("stuck", stuck.to_string(), policy)),
        _ => None,
    };
    if let Some((code, detail, policy)) = crash {
        let attempt = over.attempt(CRASH, code, detail);
        if header.crashes + 1 >= POISON {
            return End::Dead { errors: 0, crashes: 1, attempt };
        }
        let at = ended_at + delay(policy, header.crashes + 1).max(SOONEST);
        return End::Again { at, errors: 0, crashes: 1, interruptions: 0, attempt, reason: None };
    }
    let Judged { class, code, detail, policy } = classify(&error);
    if over.cancelled && class == ErrorClass::Permanent && code == STOPPED_ON_REQUEST {
        return End::Cancelled;
    }
    let attempt = over.attempt(class.name(), &code, detail);
    match class {
        ErrorClass::Throttled { until } => {
            put_off(until.max(ended_at + SOONEST), format!("throttled: {}", attempt.detail), attempt)
        }
        ErrorClass::Permanent => End::Dead { errors: 1, crashes: 0, attempt },
        ErrorClass::Retryable | ErrorClass::Unknown => {
            if header.errors + 1 >= header.max_attempts {
                return End::Dead { errors: 1, crashes: 0, attempt };
            }
            let wait = error.downcast_ref::<RetryAfterError>().map(RetryAfterError::get_duration);
            let at = ended_at
                + wait.and_then(|w| TimeDelta::from_std(w).ok()).unwrap_or_else(|| delay(&policy, header.errors + 1));
            End::Again {
                at: at.max(ended_at + SOONEST),
                errors: 1,
                crashes: 0,
                interruptions: 0,
                attempt,
                reason: None,
            }
        }
    }
}

impl Over<'_> {
    fn attempt(&self, class: &'static str, code: &str, detail: String) -> Attempt {
        let duration_ms = i64::try_from(self.ran.as_millis()).unwrap_or(i64::MAX);
        let (worker, code) = (self.worker.to_owned(), code.to_owned());
        Attempt { at: self.at, worker, duration_ms, class, code, detail, times: 1 }.trimmed()
    }

    /// The end of a job whose time was over before it could run.
    pub(super) fn expired(&self, not_after: DateTime<Utc>) -> End {
        let detail =
            format!("it was not to run after {}", not_after.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        End::Dead { errors: 0, crashes: 0, attempt: self.attempt(ErrorClass::Permanent.name(), "expired", detail) }
    }
}

/// What becomes of a job of which nobody here knows the kind, or the version: a worker that does lets it go on.
pub(super) fn unknown(kind: &str, version: i16) -> End {
    End::Held { by: VERSION.to_owned(), reason: format!("no worker here knows kind {kind} version {version}") }
}

/// What becomes of a job whose kind is paused: whoever resumes the kind lets it go on.
pub(crate) fn parked(kind: &str) -> End {
    End::Held { by: KIND_PAUSE.to_owned(), reason: format!("kind {kind} is paused") }
}

const fn put_off(at: DateTime<Utc>, reason: String, attempt: Attempt) -> End {
    End::Again { at, errors: 0, crashes: 0, interruptions: 0, attempt, reason: Some(reason) }
}

/// What an error says of itself.
struct Judged {
    class: ErrorClass,
    code: String,
    detail: String,
    policy: Policy,
}

/// Our own errors say what they are; apalis's are mapped; any other is worth a retry.
fn classify(error: &BoxDynError) -> Judged {
    let (ours, policy) = match error.downcast_ref::<Failed>() {
        Some(failed) => (Some(&failed.error), failed.policy),
        None => (error.downcast_ref::<JobError>(), Policy::DEFAULT),
    };
    if let Some(error) = ours {
        return Judged { class: error.class, code: error.code.clone(), detail: error.detail.clone(), policy };
    }
    let (class, code) = if error.downcast_ref::<AbortError>().is_some() {
        (ErrorClass::Permanent, "aborted")
    } else {
        (ErrorClass::Retryable, "error")
    };
    Judged { class, code: code.into(), detail: error.to_string(), policy }
}

#[expect(clippy::disallowed_methods, reason = "jitter: no result depends on the draw")]
fn delay(policy: &Policy, failures: i16) -> TimeDelta {
    let unit = rand::rng().random::<f64>();
    TimeDelta::from_std(policy.delay(failures, unit)).unwrap_or(TimeDelta::minutes(15))
}
