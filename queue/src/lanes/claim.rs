//! Taking jobs, fairly.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::{Script, Value};
use uuid::Uuid;

use super::Lanes;
use super::script::script;
use crate::Envelope;

static CLAIM: LazyLock<Script> = script!("parts/keys", "parts/turns", "parts/gates", "parts/live", "claim");

/// What a claim took.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The jobs, each under a lease.
    pub jobs: Vec<Envelope>,
    /// Jobs of a kind that is paused, each under a lease: to be held in the ledger, not run.
    pub parked: Vec<Envelope>,
    /// Values that were no envelopes, with their tokens: to be read from the ledger again.
    pub garbled: Vec<(Uuid, i64)>,
    /// When the next claim can find something: `Some(0)` now, `None` only after a push.
    pub next: Option<Duration>,
    /// Nobody has told this Redis the queue's limits and pauses, so nothing may start; whoever does rings the bell.
    pub closed: bool,
    /// The queue's time at the claim, in Unix milliseconds: what all machines agree on.
    pub now_ms: i64,
}

/// Jobs of one call: keeps the script under a few milliseconds.
pub const CLAIM_MAX: usize = 256;

/// What one call may look at (see the script): a small claim looks at enough to find something.
const STEPS: usize = 208;

impl Lanes {
    /// Takes up to `want` jobs (at most [`CLAIM_MAX`]) under leases of `lease`.
    ///
    /// # Errors
    /// Redis's. What was taken while the answer was lost comes back when its lease runs out; a Redis that comes to a claim only
    /// when nobody waits for its answer any more takes nothing.
    pub async fn claim(&self, queue: &str, want: usize, lease: Duration, worker: &str) -> redis::RedisResult<Claimed> {
        let want = want.min(CLAIM_MAX);
        let (run, asked) = (self.current_run().await?, self.as_of(Instant::now()).await?);
        let answer: Vec<Value> = CLAIM
            .key(self.prefix(queue))
            .arg(want)
            .arg(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX))
            .arg(worker)
            .arg(STEPS)
            .arg(&*run)
            .arg(asked)
            .arg(u64::try_from(self.timeouts.answer.as_millis()).unwrap_or(u64::MAX))
            .invoke_async(&mut self.conn())
            .await?;
        let mut values = answer.into_iter();
        let wait: i64 = values.next().map(redis::from_redis_value).transpose()?.unwrap_or(-1);
        let now_ms: i64 = values.next().map(redis::from_redis_value).transpose()?.unwrap_or(0);
        if wait == -3 {
            // Or the two clocks have drifted apart.
            self.hear().await?;
            return Ok(Claimed { next: Some(Duration::ZERO), now_ms, ..Claimed::default() });
        }
        let next = u64::try_from(wait).ok().map(Duration::from_millis);
        let mut claimed = Claimed { next, now_ms, closed: wait == -2, ..Claimed::default() };
        let token: String = values.next().map(redis::from_redis_value).transpose()?.unwrap_or_default();
        let Ok(token) = token.parse::<i64>() else { return Ok(claimed) };
        while let (Some(id), Some(value)) = (values.next(), values.next()) {
            let id: String = redis::from_redis_value(id)?;
            let (parked, id) = id.strip_prefix('-').map_or((false, id.as_str()), |id| (true, id));
            let Ok(id) = id.parse::<Uuid>() else { continue };
            let value: Vec<u8> = redis::from_redis_value(value)?;
            match Envelope::unpack(id, token, &Bytes::from(value)) {
                Ok(envelope) if parked => claimed.parked.push(envelope),
                Ok(envelope) => claimed.jobs.push(envelope),
                Err(_) => claimed.garbled.push((id, token)),
            }
        }
        Ok(claimed)
    }
}
