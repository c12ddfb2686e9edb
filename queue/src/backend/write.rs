//! A batch of outcomes into the ledger, whatever the ledger says.
//!
//! PostgreSQL that is away is weather: the same is written again until it is taken, and leases are renewed meanwhile.
//! A batch that PostgreSQL refuses is refused for one of its ends: it is halved until that one is alone, so that the
//! others are written. The one becomes a dead letter that says so, and not what it said: nobody could write that down.
//! The driver names few errors: a full disk and a value out of range look alike. So an end is given up only where it is
//! refused several times and each time at once (a time-out takes longer, and so does a deadlock), and where the same
//! job's end is then taken without what it said. Where that is refused too, it is weather after all.

use std::time::{Duration, Instant};

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use diesel::result::{DatabaseErrorKind as Kind, Error};

use super::Shared;
use crate::ErrorClass;
use crate::ledger::attempt::Attempt;
use crate::ledger::settle::{End, Settled, Settlement, settle};
use crate::ledger::{self, JobRow};

/// How often an end by itself is refused before it is given up.
const REFUSALS: u32 = 3;
/// An answer that took longer says nothing of what was asked.
const AT_ONCE: Duration = Duration::from_millis(800);

/// Why nothing was written.
enum Trouble {
    /// Nothing to do with what was to be written.
    Weather(String),
    /// PostgreSQL looked at it, and said no: so soon that it meant it?
    Refused { error: String, at_once: bool },
}

impl Trouble {
    fn of(error: &Error, took: Duration) -> Self {
        use Kind::{ClosedConnection, ReadOnlyTransaction, SerializationFailure, UnableToSendCommand};
        let away = match error {
            Error::DatabaseError(kind, _) => {
                matches!(kind, ClosedConnection | ReadOnlyTransaction | SerializationFailure | UnableToSendCommand)
            }
            Error::SerializationError(_) => false,
            _ => true,
        };
        let text = error.to_string();
        if away { Self::Weather(text) } else { Self::Refused { error: text, at_once: took < AT_ONCE } }
    }
}

/// Writes the ends. Answers the jobs that are due because of them.
pub(super) async fn write(shared: &Shared, ends: &[Settlement]) -> Vec<JobRow> {
    let mut weather = ExponentialBackoff {
        initial_interval: Duration::from_millis(50),
        max_interval: Duration::from_secs(2),
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    let mut ready = Vec::new();
    let mut refusals = 0;
    let mut parts = vec![ends];
    while let Some(part) = parts.pop() {
        let mut written = attempt(shared, part).await;
        if let (Err(Trouble::Refused { error, at_once }), [end]) = (&written, part) {
            refusals = if *at_once { refusals + 1 } else { 0 };
            if refusals >= REFUSALS {
                tracing::error!(queue = shared.queue, job = %end.id, error, "an outcome is refused: a dead letter");
                refusals = 0;
                written = attempt(shared, &[given_up(shared, end)]).await;
            }
        }
        match written {
            Ok(settled) => {
                shared.meters.late.increment(part.len().saturating_sub(settled.jobs.len()) as u64);
                ready.extend(settled.ready);
                refusals = 0;
                weather.reset();
            }
            Err(Trouble::Refused { error, .. }) if part.len() > 1 => {
                tracing::warn!(queue = shared.queue, outcomes = part.len(), error, "outcomes refused; halved");
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(Trouble::Weather(error) | Trouble::Refused { error, .. }) => {
                let pause = weather.next_backoff().unwrap_or(Duration::from_secs(2));
                tracing::warn!(queue = shared.queue, outcomes = part.len(), error, ?pause, "outcomes not written");
                tokio::time::sleep(pause).await;
                parts.push(part);
            }
        }
    }
    ready
}

async fn attempt(shared: &Shared, ends: &[Settlement]) -> Result<Settled, Trouble> {
    let mut conn = shared.ledger.get().await.map_err(|error| Trouble::Weather(error.to_string()))?;
    let asked = Instant::now();
    let settled = settle(&mut conn, &shared.settings.worker, ends).await;
    let took = asked.elapsed();
    match settled.map_err(|error| Trouble::of(&error, took)) {
        // A session that is ended says so like a value that is refused; but it answers nothing more.
        Err(Trouble::Refused { error, .. }) if ledger::now(&mut conn).await.is_err() => Err(Trouble::Weather(error)),
        settled => settled,
    }
}

/// The end of a run of which the ledger takes nothing else.
fn given_up(shared: &Shared, refused: &Settlement) -> Settlement {
    let at = shared.settings.clock.now();
    let attempt = Attempt {
        at,
        worker: shared.settings.worker.clone(),
        duration_ms: (at - refused.started_at).num_milliseconds(),
        class: ErrorClass::Permanent.name(),
        code: "outcome_refused".to_owned(),
        detail: "its run ended, and the ledger refused what it ended with".to_owned(),
        times: 1,
    };
    Settlement { end: End::Dead { errors: 1, crashes: 0, attempt }, progress: None, ..refused.clone() }
}
