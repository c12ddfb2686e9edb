//! Taking jobs, fairly.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use redis::{Script, Value};
use uuid::Uuid;

use super::Lanes;
use crate::Envelope;

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/claim.lua")));

/// What a claim took.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The jobs, each under a lease.
    pub jobs: Vec<Envelope>,
    /// Values that were no envelopes, with their tokens: to be read from the ledger again.
    pub garbled: Vec<(Uuid, i64)>,
    /// When the next claim can find something: `Some(0)` now, `None` only after a push.
    pub next: Option<Duration>,
}

/// Jobs of one call: keeps the script under a few milliseconds.
pub const CLAIM_MAX: usize = 256;

impl Lanes {
    /// Takes up to `want` jobs (at most [`CLAIM_MAX`]) under leases of `lease`.
    ///
    /// # Errors
    /// Redis's. What was taken while the answer was lost comes back when its lease runs out.
    pub async fn claim(&self, queue: &str, want: usize, lease: Duration, worker: &str) -> redis::RedisResult<Claimed> {
        let want = want.min(CLAIM_MAX);
        let answer: Vec<Value> = CLAIM
            .key(self.prefix(queue))
            .arg(want)
            .arg(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX))
            .arg(worker)
            .arg(want * 2 + 64)
            .invoke_async(&mut self.conn())
            .await?;
        let mut values = answer.into_iter();
        let wait: i64 = values.next().map(redis::from_redis_value).transpose()?.unwrap_or(-1);
        let mut claimed = Claimed { next: u64::try_from(wait).ok().map(Duration::from_millis), ..Claimed::default() };
        while let (Some(id), Some(token), Some(value)) = (values.next(), values.next(), values.next()) {
            let id: String = redis::from_redis_value(id)?;
            let token: String = redis::from_redis_value(token)?;
            let (Ok(id), Ok(token)) = (id.parse::<Uuid>(), token.parse::<i64>()) else { continue };
            let value: Vec<u8> = redis::from_redis_value(value)?;
            match Envelope::unpack(id, token, &Bytes::from(value)) {
                Ok(envelope) => claimed.jobs.push(envelope),
                Err(_) => claimed.garbled.push((id, token)),
            }
        }
        Ok(claimed)
    }
}
