//! The layer that sees how a run ended, and says so to the acknowledge loop.
//!
//! apalis puts a backend's layer outside of the user's, so that it sees the last word: after
//! timeouts, caught panics, whatever the user wrapped around the handler.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::error::{AbortError, BoxDynError, RetryAfterError};
use apalis_core::task::Task;
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use serde_json::Value;
use tokio::sync::mpsc;
use tower::{Layer, Service};

use super::Shared;
use super::ack_loop::Ended;
use super::service::{Failed, Panicked, Unclaimed};
use crate::clock::now;
use crate::lanes::LaneName;
use crate::ledger::crash::POISON;
use crate::ledger::settle::{End, Failure, Settlement};
use crate::{Envelope, ErrorClass, JobError, Outcome, Policy};

/// What a plain apalis handler may answer: `()` is "done".
pub trait Settles {
    /// The outcome it stands for.
    fn outcome(self) -> Outcome;
}

impl Settles for () {
    fn outcome(self) -> Outcome {
        Outcome::Done(None)
    }
}

impl Settles for Value {
    fn outcome(self) -> Outcome {
        Outcome::Done(Some(self))
    }
}

impl Settles for Outcome {
    fn outcome(self) -> Outcome {
        self
    }
}

/// See the module.
#[derive(Clone)]
pub struct OutcomeLayer {
    shared: Arc<Shared>,
    sender: mpsc::Sender<Ended>,
}

impl OutcomeLayer {
    pub(super) const fn new(shared: Arc<Shared>, sender: mpsc::Sender<Ended>) -> Self {
        Self { shared, sender }
    }
}

impl<S> Layer<S> for OutcomeLayer {
    type Service = OutcomeService<S>;

    fn layer(&self, inner: S) -> OutcomeService<S> {
        OutcomeService { inner, shared: self.shared.clone(), sender: self.sender.clone() }
    }
}

/// See the module.
#[derive(Clone)]
pub struct OutcomeService<S> {
    inner: S,
    shared: Arc<Shared>,
    sender: mpsc::Sender<Ended>,
}

impl<S> Service<Task<Envelope>> for OutcomeService<S>
where
    S: Service<Task<Envelope>>,
    S::Error: Into<BoxDynError>,
    S::Response: Settles,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxDynError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Envelope>) -> Self::Future {
        let envelope = Envelope { payload: bytes::Bytes::new(), ..task.args.clone() };
        let run = self.inner.call(task);
        let (shared, sender) = (self.shared.clone(), self.sender.clone());
        Box::pin(async move {
            let started_at = now();
            let result = run.await.map(Settles::outcome).map_err(Into::into);
            let ended_at = now();
            let interrupted = shared.inflight.was_interrupted(envelope.id);
            let end = judge(&shared.settings.worker, &envelope, result, started_at, ended_at, interrupted);
            report(&shared.queue, &envelope.header.kind, &end, ended_at - started_at);
            let lane = LaneName { tenant: envelope.header.tenant, lane: envelope.header.lane.clone() };
            let settlement = Settlement {
                tenant: envelope.header.tenant,
                id: envelope.id,
                token: envelope.token,
                started_at,
                end,
                progress: shared.inflight.unwritten_progress(envelope.id),
                unique: envelope.header.unique,
            };
            // A full channel holds the slot: outcomes that cannot be written slow claims down.
            let _closed = sender.send(Ended { settlement, lane }).await;
            shared.inflight.free_slot(envelope.id);
            Ok(())
        })
    }
}

/// How long a job nobody here knows waits for a worker that does.
const UNKNOWN_AGAIN: TimeDelta = TimeDelta::seconds(5);

/// No job comes back sooner: its outcome has to be out of Redis before it is put there again.
const SOONEST: TimeDelta = TimeDelta::milliseconds(250);

/// What follows from a result, by its class and the budgets.
fn judge(
    worker: &str,
    envelope: &Envelope,
    result: Result<Outcome, BoxDynError>,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    interrupted: bool,
) -> End {
    let error = match result {
        Ok(Outcome::Done(value)) => return End::Succeeded(value),
        Ok(Outcome::Cancelled) => return End::Cancelled,
        Ok(Outcome::Snooze { until, reason }) => return put_off(until.max(ended_at + SOONEST), Some(reason)),
        Err(_) if interrupted => {
            return End::Again { at: ended_at, errors: 0, crashes: 0, interruptions: 1, failure: None, reason: None };
        }
        Err(error) => error,
    };
    if let Some(Unclaimed(detail)) = error.downcast_ref() {
        return put_off(ended_at + UNKNOWN_AGAIN, Some(format!("no worker here knows it: {detail}")));
    }
    let failure = |class: &'static str, code: &str, detail: String| {
        Failure {
            at: ended_at,
            worker: worker.to_owned(),
            duration_ms: (ended_at - started_at).num_milliseconds(),
            class,
            code: code.to_owned(),
            detail,
        }
        .trimmed()
    };
    let header = &envelope.header;
    if let Some(Panicked(detail)) = error.downcast_ref() {
        let failure = failure("crash", "panicked", detail.clone());
        if header.crashes + 1 >= POISON {
            return End::Dead { errors: 0, crashes: 1, failure };
        }
        let at = ended_at + delay(&Policy::DEFAULT, header.crashes + 1);
        return End::Again { at, errors: 0, crashes: 1, interruptions: 0, failure: Some(failure), reason: None };
    }
    let Judged { class, code, detail, policy } = classify(&error);
    match class {
        ErrorClass::Throttled { until } => put_off(until.max(ended_at + SOONEST), Some(format!("throttled: {detail}"))),
        ErrorClass::Permanent => End::Dead { errors: 1, crashes: 0, failure: failure(class.name(), &code, detail) },
        ErrorClass::Retryable | ErrorClass::Unknown => {
            let failure = failure(class.name(), &code, detail);
            if header.errors + 1 >= header.max_attempts {
                return End::Dead { errors: 1, crashes: 0, failure };
            }
            let wait = error.downcast_ref::<RetryAfterError>().map(RetryAfterError::get_duration);
            let at = ended_at
                + wait.and_then(|w| TimeDelta::from_std(w).ok()).unwrap_or_else(|| delay(&policy, header.errors + 1));
            End::Again {
                at: at.max(ended_at + SOONEST),
                errors: 1,
                crashes: 0,
                interruptions: 0,
                failure: Some(failure),
                reason: None,
            }
        }
    }
}

const fn put_off(at: DateTime<Utc>, reason: Option<String>) -> End {
    End::Again { at, errors: 0, crashes: 0, interruptions: 0, failure: None, reason }
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

fn report(queue: &str, kind: &str, end: &End, took: TimeDelta) {
    let outcome = match end {
        End::Succeeded(_) => "succeeded",
        End::Cancelled => "cancelled",
        End::Again { failure: Some(_), .. } => "retried",
        End::Again { interruptions: 1.., .. } => "interrupted",
        End::Again { .. } => "snoozed",
        End::Dead { .. } => "dead",
    };
    let labels = [("queue", queue.to_owned()), ("kind", kind.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("queue_outcomes_total", &labels).increment(1);
    metrics::histogram!("queue_run_seconds", &labels[..2]).record(took.to_std().unwrap_or_default().as_secs_f64());
}
