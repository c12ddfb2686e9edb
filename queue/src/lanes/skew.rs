//! By how much Redis' clock is off the ledger's.
//!
//! All machines agree on Redis' time: leases, buckets and turns go by it. But people and the ledger speak of instants:
//! a pause ends, an account opens, a retry is due. Were Redis' date five minutes wrong, each of these would be five
//! minutes off. The keeper compares both clocks, and leaves in each queue by how much Redis is ahead, where it is more
//! than a moment; every script takes it away from what Redis' clock shows, so that all of the engine's times are the
//! ledger's. Rejected: to convert only the instants that people speak of, at each of the places where one is read; one
//! that was forgotten would show only on the day on which a clock is wrong. Where Redis' clock is moved while it runs,
//! what is counted until the keeper's next look, a second later, is counted by the wrong time: a rate may stand still
//! by as much.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::Script;

use super::Lanes;

static AHEAD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/ahead.lua")));

/// Less is how exactly clocks are kept right, or how long an answer took; correcting it would be noise.
pub(crate) const TOLERATED: Duration = Duration::from_secs(1);

fn shown((seconds, micros): (i64, i64)) -> i64 {
    seconds * 1_000 + micros / 1_000
}

impl Lanes {
    /// The time of `queue`, which all machines agree on.
    ///
    /// # Errors
    /// Redis's.
    pub async fn time(&self, queue: &str) -> redis::RedisResult<DateTime<Utc>> {
        let (shows, ahead_ms): ((i64, i64), Option<i64>) = redis::pipe()
            .cmd("TIME")
            .cmd("HGET")
            .arg(format!("{}meta", self.prefix(queue)))
            .arg("skew")
            .query_async(&mut self.conn())
            .await?;
        let at = DateTime::from_timestamp_millis(shown(shows) - ahead_ms.unwrap_or(0));
        Ok(at.expect("a server's clock shows a year that has four digits"))
    }

    /// What Redis' own clock shows, right or wrong, in Unix milliseconds.
    pub(crate) async fn shows_ms(&self) -> redis::RedisResult<i64> {
        redis::cmd("TIME").query_async(&mut self.conn()).await.map(shown)
    }

    /// From now on Redis' clock is taken to be ahead by so many milliseconds in `queue`, unless that is known within as
    /// many. Answers whether it is news. What was written there by the wrong time, before anybody opened it, is
    /// forgotten, and the ledger has it.
    ///
    /// # Errors
    /// Redis's.
    pub async fn correct(&self, queue: &str, ahead_ms: i64, within_ms: i64) -> redis::RedisResult<bool> {
        let mut call = AHEAD.key(self.prefix(queue));
        let found: u8 = call.arg(ahead_ms).arg(within_ms).invoke_async(&mut self.conn()).await?;
        if found == 2 {
            self.begin_anew(queue, Some(ahead_ms)).await?;
        }
        Ok(found > 0)
    }
}
