//! The numbers of a backend, looked up once: by name and label they would be looked up again for each job.
//!
//! Labels are the queue, the kind and the outcome; never a tenant, of which there may be very many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{Counter, Gauge, Histogram};
use uuid::Uuid;

use crate::envelope::{Envelope, made_at_ms};
use crate::ledger::settle::End;

/// The numbers of one queue in this process.
pub(crate) struct Meters {
    queue: String,
    waited: Histogram,
    end_to_end: Histogram,
    last_claim: Gauge,
    pub late: Counter,
    kinds: Mutex<HashMap<String, Arc<KindMeters>>>,
}

struct KindMeters {
    ran: Histogram,
    outcomes: [Counter; OUTCOMES.len()],
}

const OUTCOMES: [&str; 7] = ["succeeded", "cancelled", "retried", "interrupted", "snoozed", "dead", "held"];

impl Meters {
    pub(super) fn new(queue: &str) -> Self {
        let labels = [("queue", queue.to_owned())];
        Self {
            waited: metrics::histogram!("queue_wait_seconds", &labels),
            end_to_end: metrics::histogram!("queue_end_to_end_seconds", &labels),
            last_claim: metrics::gauge!("queue_last_claim_seconds", &labels),
            late: metrics::counter!("queue_late_outcomes_total", &labels),
            queue: queue.to_owned(),
            kinds: Mutex::default(),
        }
    }

    /// Redis answered a claim.
    pub(super) fn claimed(&self, now: DateTime<Utc>) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge of seconds")]
        self.last_claim.set(now.timestamp_millis() as f64 / 1000.0);
    }

    /// A job was taken: how long after it was made, or was due.
    pub(super) fn started(&self, job: &Envelope, now: DateTime<Utc>) {
        self.waited.record(since(job.waits_since_ms(), now));
    }

    /// A run ended so, after `ran`; nothing where it did not run.
    pub(super) fn ended(&self, kind: &str, job: Uuid, end: &End, now: DateTime<Utc>, ran: Option<Duration>) {
        let meters = self.kind(kind);
        meters.outcomes[outcome(end)].increment(1);
        if let Some(ran) = ran {
            meters.ran.record(ran.as_secs_f64());
        }
        if end.is_final() {
            self.end_to_end.record(since(made_at_ms(job), now));
        }
    }

    fn kind(&self, kind: &str) -> Arc<KindMeters> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meters) = kinds.get(kind) {
            return meters.clone();
        }
        let labels = [("queue", self.queue.clone()), ("kind", kind.to_owned())];
        let of = |outcome: &'static str| {
            let [queue, kind] = labels.clone();
            metrics::counter!("queue_outcomes_total", &[queue, kind, ("outcome", outcome.to_owned())])
        };
        let meters =
            Arc::new(KindMeters { ran: metrics::histogram!("queue_run_seconds", &labels), outcomes: OUTCOMES.map(of) });
        kinds.insert(kind.to_owned(), meters.clone());
        meters
    }
}

fn since(ms: i64, now: DateTime<Utc>) -> f64 {
    let waited = now.timestamp_millis().saturating_sub(ms);
    Duration::from_millis(u64::try_from(waited).unwrap_or(0)).as_secs_f64()
}

/// The place in [`OUTCOMES`].
const fn outcome(end: &End) -> usize {
    match end {
        End::Succeeded(_) => 0,
        End::Cancelled => 1,
        End::Again { interruptions: 1.., .. } => 3,
        End::Again { .. } if end.is_error() => 2,
        End::Again { .. } => 4,
        End::Dead { .. } => 5,
        End::Held { .. } => 6,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{Job, JobRequest, NewJob, Policy};

    #[derive(Serialize, Deserialize)]
    struct Nothing;

    impl Job for Nothing {
        const KIND: &'static str = "nothing";
        const VERSION: i16 = 1;
        const QUEUE: &'static str = "q";
        const POLICY: Policy = Policy::DEFAULT;
    }

    /// What was recorded in all, and how often.
    fn told(text: &str, name: &str) -> (f64, f64) {
        let of = |suffix: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}_{suffix}{{")));
            line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0)
        };
        (of("sum"), of("count"))
    }

    #[test]
    fn a_delayed_job_waits_from_when_it_was_due_and_ends_once_however_often_it_runs() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let made = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
        let at = |seconds| made + TimeDelta::seconds(seconds);
        let id = Uuid::from_u128(u128::from(made.timestamp_millis().unsigned_abs()) << 80);
        let job: NewJob = JobRequest::new(id, Uuid::nil(), Nothing).run_at(Some(at(60))).into();
        let run = Envelope::from(&job);
        metrics::with_local_recorder(&recorder, || {
            let meters = Meters::new("q");
            meters.started(&run, at(65));
            meters.ended("nothing", id, &again(at(90)), at(68), Some(Duration::from_secs(3)));
            let retried = Envelope {
                header: crate::envelope::Header { due_ms: Some(at(90).timestamp_millis()), ..run.header },
                ..run
            };
            meters.started(&retried, at(91));
            meters.ended("nothing", id, &End::Succeeded(None), at(95), Some(Duration::from_secs(4)));
        });
        let text = recorder.handle().render();
        assert_eq!(told(&text, "queue_wait_seconds"), (5.0 + 1.0, 2.0), "{text}");
        assert_eq!(told(&text, "queue_run_seconds"), (3.0 + 4.0, 2.0), "{text}");
        assert_eq!(told(&text, "queue_end_to_end_seconds"), (95.0, 1.0), "{text}");
    }

    fn again(at: DateTime<Utc>) -> End {
        let attempt = crate::ledger::attempt::Attempt {
            at,
            worker: "w".into(),
            duration_ms: 3_000,
            class: "retryable",
            code: "c".into(),
            detail: "d".into(),
            times: 1,
        };
        End::Again { at, errors: 1, crashes: 0, interruptions: 0, attempt, reason: None }
    }
}
