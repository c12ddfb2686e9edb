//! The kinds of job of these runs. Each is worth one effect at the observer; some misbehave on the way.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use patchbay_queue::job::DecodeError;
use patchbay_queue::{Handler, Job, JobContext, JobError, Outcome, Policy, Registry};
use serde::{Deserialize, Serialize};

use super::client::Client;
use crate::chaos::observer::{Begin, Then};

/// The queue of these runs.
pub const QUEUE: &str = "chaos";

const POLICY: Policy = Policy {
    max_attempts: 8,
    backoff: Duration::from_millis(200),
    backoff_max: Duration::from_secs(2),
    timeout: Duration::from_secs(20),
    priority: 0,
};

/// How long a job waits to be stopped: longer than it takes a worker to hear of it, which is with its leases.
const UNSTOPPED: Duration = Duration::from_secs(5);

/// How a job misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Not at all.
    Work,
    /// Its first attempt fails.
    Flaky,
    /// It waits for somebody to stop it, and does its work if nobody does.
    Stoppable,
    /// It panics.
    Panic,
    /// It takes its whole process along.
    Abort,
    /// It never ends, and lets others run.
    Endless,
    /// It never ends, and blocks its thread.
    Spin,
}

/// An effect, as older workers know it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Old {
    /// How long it takes.
    pub work_ms: u64,
    /// How it misbehaves.
    pub act: Act,
}

impl Job for Old {
    const KIND: &'static str = "chaos.touch";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = POLICY;
}

/// An effect, as newer workers know it.
#[derive(Debug, Serialize, Deserialize)]
pub struct New {
    /// How long it takes.
    pub work_us: u64,
    /// How it misbehaves.
    pub act: Act,
}

impl Job for New {
    const KIND: &'static str = Old::KIND;
    const VERSION: i16 = 2;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = POLICY;

    fn decode(version: i16, payload: &[u8]) -> Result<Self, DecodeError> {
        let malformed = |error: serde_json::Error| DecodeError::Malformed(error.to_string());
        match version {
            1 => {
                let old: Old = serde_json::from_slice(payload).map_err(malformed)?;
                Ok(Self { work_us: old.work_ms * 1_000, act: old.act })
            }
            2 => serde_json::from_slice(payload).map_err(malformed),
            _ => Err(DecodeError::Newer { version, known: Self::VERSION }),
        }
    }
}

/// A kind that older workers do not know.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unheard {
    /// How long it takes.
    pub work_us: u64,
}

impl Job for Unheard {
    const KIND: &'static str = "chaos.unheard";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = POLICY;
}

/// A job that does harm: little time, few attempts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Poison {
    /// Which.
    pub act: Act,
}

impl Job for Poison {
    const KIND: &'static str = "chaos.poison";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy { max_attempts: 2, timeout: Duration::from_secs(2), ..POLICY };
}

/// What a worker of a generation knows.
pub fn registry(client: &Client, generation: u8) -> Registry {
    let toucher = Toucher(client.clone());
    let registry = Registry::default().with::<Poison, _>(toucher.clone());
    if generation < 2 {
        return registry.with::<Old, _>(toucher);
    }
    registry.with::<New, _>(toucher.clone()).with::<Unheard, _>(toucher)
}

#[derive(Clone)]
struct Toucher(Client);

#[async_trait]
impl Handler<Old> for Toucher {
    async fn run(&self, job: Old, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.touch(Old::KIND, Duration::from_millis(job.work_ms), job.act, ctx).await
    }
}

#[async_trait]
impl Handler<New> for Toucher {
    async fn run(&self, job: New, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.touch(New::KIND, Duration::from_micros(job.work_us), job.act, ctx).await
    }
}

#[async_trait]
impl Handler<Unheard> for Toucher {
    async fn run(&self, job: Unheard, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.touch(Unheard::KIND, Duration::from_micros(job.work_us), Act::Work, ctx).await
    }
}

#[async_trait]
impl Handler<Poison> for Toucher {
    async fn run(&self, job: Poison, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.touch(Poison::KIND, Duration::ZERO, job.act, ctx).await
    }
}

impl Toucher {
    /// The way every effect goes: told before it is tried, looked up before it is tried again.
    async fn touch(&self, kind: &str, work: Duration, act: Act, ctx: &JobContext) -> Result<Outcome, JobError> {
        let (kind, lane, worker) = (kind.to_owned(), ctx.lane().to_owned(), ctx.worker().to_owned());
        let begin = Begin { job: ctx.id(), tenant: ctx.tenant(), kind, lane, worker };
        let unknown = |error: anyhow::Error| JobError::unknown("observer", format!("{error:#}"));
        let (begun, running) = self.0.begin(&begin).await.map_err(unknown)?;
        let outcome = match begun.then {
            Then::Wait(ms) => {
                let until = ctx.now() + TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX));
                Outcome::Snooze { until, reason: "another run may have done it".to_owned() }
            }
            Then::Done => Outcome::Done(None),
            Then::Do => {
                misbehave(act, ctx).await?;
                self.0.effect(begun.run).await.map_err(unknown)?;
                tokio::time::sleep(work).await;
                Outcome::Done(None)
            }
        };
        running.over().await.map_err(unknown)?;
        Ok(outcome)
    }
}

async fn misbehave(act: Act, ctx: &JobContext) -> Result<(), JobError> {
    match act {
        Act::Work => Ok(()),
        Act::Flaky if ctx.attempt() == 1 => Err(JobError::retryable("flaky", "as told")),
        Act::Flaky => Ok(()),
        Act::Stoppable => {
            let _stopped = tokio::time::timeout(UNSTOPPED, ctx.cancelled()).await;
            ctx.check_cancelled()
        }
        Act::Panic => panic!("as told"),
        Act::Abort => std::process::abort(),
        Act::Endless => loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
        },
        Act::Spin => loop {
            std::hint::spin_loop();
        },
    }
}
