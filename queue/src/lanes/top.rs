//! The deepest tenants of a queue, and how they fare.
//!
//! The keeper ranks them every few seconds. For those with a rank (`watched`), and no others, each visit of a claim
//! leaves how long the first job it took had been there, and counts when it found them throttled.

use std::collections::HashSet;

use redis::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Lanes;

/// One tenant in one queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantStats {
    /// Whose jobs.
    pub tenant: Uuid,
    /// Jobs that wait: those in Redis, or as many as were counted in the ledger where more wait there.
    pub waiting: u64,
    /// The Unix millisecond since which the oldest of them is due.
    pub oldest_ms: Option<i64>,
    /// Half of the last few hundred jobs looked at were started within this time of being due.
    #[serde(skip)]
    pub dwell_p50_ms: Option<i64>,
    /// Of a hundred, ninety-nine.
    #[serde(skip)]
    pub dwell_p99_ms: Option<i64>,
    /// How often a limit or a pause stopped it, since it has a rank.
    #[serde(skip)]
    pub throttled: u64,
}

impl TenantStats {
    pub(crate) const fn new(tenant: Uuid, waiting: u64, oldest_ms: Option<i64>) -> Self {
        Self { tenant, waiting, oldest_ms, dwell_p50_ms: None, dwell_p99_ms: None, throttled: 0 }
    }
}

/// How long a ranking stands without the keeper's word.
const STANDS_FOR_S: u64 = 30;

impl Lanes {
    /// Writes down who has which rank; measures begin for newcomers and end for those that left.
    pub(crate) async fn rank_tenants(&self, queue: &str, top: &[TenantStats]) -> redis::RedisResult<()> {
        let p = self.prefix(queue);
        let watched = format!("{p}watched");
        let before: HashSet<String> = redis::cmd("SMEMBERS").arg(&watched).query_async(&mut self.conn()).await?;
        let now: HashSet<String> = top.iter().map(|stats| stats.tenant.to_string()).collect();
        let json = serde_json::to_string(top).expect("numbers and ids serialise");
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(format!("{p}top")).arg(json).arg("EX").arg(STANDS_FOR_S).ignore();
        for tenant in before.difference(&now) {
            pipe.cmd("SREM").arg(&watched).arg(tenant).ignore();
            pipe.cmd("DEL").arg(format!("{p}dwell:{tenant}")).ignore();
            pipe.cmd("HDEL").arg(format!("{p}throttled")).arg(tenant).ignore();
        }
        for tenant in now.difference(&before) {
            pipe.cmd("SADD").arg(&watched).arg(tenant).ignore();
        }
        pipe.query_async(&mut self.conn()).await
    }

    /// The `n` tenants of `queue` with the most jobs waiting, deepest first: ten at most, ranked every few seconds.
    ///
    /// # Errors
    /// Redis's.
    pub async fn top_tenants(&self, queue: &str, n: usize) -> redis::RedisResult<Vec<TenantStats>> {
        let p = self.prefix(queue);
        let json: Option<String> = redis::cmd("GET").arg(format!("{p}top")).query_async(&mut self.conn()).await?;
        let mut top: Vec<TenantStats> = json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        top.truncate(n);
        if top.is_empty() {
            return Ok(top);
        }
        let mut pipe = redis::pipe();
        for stats in &top {
            pipe.cmd("LRANGE").arg(format!("{p}dwell:{}", stats.tenant)).arg(0).arg(-1);
            pipe.cmd("HGET").arg(format!("{p}throttled")).arg(stats.tenant.to_string());
        }
        let answers: Vec<Value> = pipe.query_async(&mut self.conn()).await?;
        let mut answers = answers.into_iter();
        for stats in &mut top {
            let (Some(dwells), Some(throttled)) = (answers.next(), answers.next()) else { break };
            let mut dwells: Vec<i64> = redis::from_redis_value(dwells)?;
            dwells.sort_unstable();
            stats.dwell_p50_ms = percentile(&dwells, 50);
            stats.dwell_p99_ms = percentile(&dwells, 99);
            stats.throttled = redis::from_redis_value::<Option<u64>>(throttled)?.unwrap_or(0);
        }
        Ok(top)
    }
}

/// Of sorted values, the smallest that `percent` of them do not exceed.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let all: Vec<i64> = (1..=200).collect();
        assert_eq!((percentile(&all, 50), percentile(&all, 99)), (Some(100), Some(198)));
        assert_eq!((percentile(&[7], 50), percentile(&[7], 99)), (Some(7), Some(7)));
        assert_eq!(percentile(&[], 50), None);
    }
}
