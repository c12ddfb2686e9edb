//! Looking at the lanes without touching them: depths, who runs what, why a job waits.

use std::collections::HashMap;

use redis::Value;
use uuid::Uuid;

use super::{LaneName, Lanes};

/// One queue at a glance. Depth counts what Redis holds; a backlog beyond the window is the ledger's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Jobs in lanes.
    pub waiting: u64,
    /// Jobs under a lease.
    pub running: u64,
    /// Lanes with more in the ledger than here.
    pub full_lanes: u64,
    /// Tenants that may be served now.
    pub ready_tenants: u64,
    /// Tenants that have to wait (paused, out of tokens, penalised).
    pub waiting_tenants: u64,
}

/// One lane at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneStats {
    /// Which.
    pub lane: LaneName,
    /// Jobs in Redis.
    pub waiting: u64,
    /// The Unix millisecond of its first job.
    pub oldest_ms: Option<i64>,
    /// If it may not be served now: from when.
    pub eligible_at_ms: Option<i64>,
}

/// Where a job is, as Redis sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Somebody runs it.
    Running {
        /// Who.
        worker: String,
    },
    /// In its lane, behind this many.
    InLane {
        /// Jobs before it in its lane.
        position: u64,
        /// If the lane may not be served now: from when (Unix milliseconds).
        eligible_at_ms: Option<i64>,
        /// Paused, and what.
        paused: Option<&'static str>,
        /// Penalised until (Unix milliseconds).
        penalised_until_ms: Option<i64>,
    },
    /// Not here: it waits in the ledger for room, or for repair.
    Elsewhere,
}

pub(super) fn parse_lane(name: &str) -> Option<LaneName> {
    let (tenant, lane) = name.split_once('\n')?;
    Some(LaneName { tenant: tenant.parse().ok()?, lane: lane.to_owned() })
}

impl Lanes {
    /// Counts of one queue.
    ///
    /// # Errors
    /// Redis's.
    pub async fn queue_stats(&self, queue: &str) -> redis::RedisResult<QueueStats> {
        let p = self.prefix(queue);
        let (jobs, running, full_lanes, ready_tenants, waiting_tenants): (u64, u64, u64, u64, u64) = redis::pipe()
            .cmd("HLEN")
            .arg(format!("{p}jobs"))
            .cmd("ZCARD")
            .arg(format!("{p}leases"))
            .cmd("SCARD")
            .arg(format!("{p}full"))
            .cmd("ZCARD")
            .arg(format!("{p}turn"))
            .cmd("ZCARD")
            .arg(format!("{p}later"))
            .query_async(&mut self.conn())
            .await?;
        Ok(QueueStats { waiting: jobs.saturating_sub(running), running, full_lanes, ready_tenants, waiting_tenants })
    }

    /// The lanes of one tenant in `queue` that hold anything, at most 1,000.
    ///
    /// # Errors
    /// Redis's.
    pub async fn tenant_lanes(&self, queue: &str, tenant: Uuid) -> redis::RedisResult<Vec<LaneStats>> {
        let p = self.prefix(queue);
        let (ready, later): (Vec<String>, Vec<(String, f64)>) = redis::pipe()
            .cmd("ZRANGE")
            .arg(format!("{p}turn:{tenant}"))
            .arg(0)
            .arg(999)
            .cmd("ZRANGE")
            .arg(format!("{p}later:{tenant}"))
            .arg(0)
            .arg(999)
            .arg("WITHSCORES")
            .query_async(&mut self.conn())
            .await?;
        let names: Vec<(String, Option<i64>)> = ready
            .into_iter()
            .map(|lane| (lane, None))
            .chain(later.into_iter().map(|(lane, at)| (lane, Some(millis(at)))))
            .collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for (lane, _) in &names {
            let key = format!("{p}lane:{tenant}\n{lane}");
            pipe.cmd("ZCARD").arg(&key).cmd("ZRANGE").arg(&key).arg(0).arg(0).arg("WITHSCORES");
        }
        let answers: Vec<Value> = pipe.query_async(&mut self.conn()).await?;
        let mut answers = answers.into_iter();
        let mut lanes = Vec::with_capacity(names.len());
        for (lane, eligible_at_ms) in names {
            let (Some(size), Some(head)) = (answers.next(), answers.next()) else { break };
            let head: Vec<(String, f64)> = redis::from_redis_value(head)?;
            lanes.push(LaneStats {
                lane: LaneName { tenant, lane },
                waiting: redis::from_redis_value(size)?,
                oldest_ms: head.first().and_then(|(id, _)| id.parse::<Uuid>().ok()).map(crate::envelope::made_at_ms),
                eligible_at_ms,
            });
        }
        Ok(lanes)
    }

    /// Jobs of a lane that wait here, and jobs of the whole queue that run (the lane's among them).
    ///
    /// # Errors
    /// Redis's.
    pub async fn lane_size(&self, queue: &str, lane: &LaneName) -> redis::RedisResult<(usize, usize)> {
        let p = self.prefix(queue);
        redis::pipe()
            .cmd("ZCARD")
            .arg(format!("{p}lane:{}", lane.key()))
            .cmd("ZCARD")
            .arg(format!("{p}leases"))
            .query_async(&mut self.conn())
            .await
    }

    /// How many jobs of `tenant` run in `queue`, by lane. Reads all leases of the queue: as many as its workers
    /// have slots.
    ///
    /// # Errors
    /// Redis's.
    pub async fn running_of(&self, queue: &str, tenant: Uuid) -> redis::RedisResult<HashMap<String, u64>> {
        let leases: Vec<String> =
            redis::cmd("HVALS").arg(format!("{}lease", self.prefix(queue))).query_async(&mut self.conn()).await?;
        let mut running = HashMap::new();
        for lease in &leases {
            // Token, worker, tenant, lane.
            let lane = lease.splitn(3, '\n').nth(2).and_then(parse_lane);
            if let Some(lane) = lane.filter(|lane| lane.tenant == tenant) {
                *running.entry(lane.lane).or_default() += 1;
            }
        }
        Ok(running)
    }

    /// Which of `ids` are here, waiting or leased.
    ///
    /// # Errors
    /// Redis's.
    pub async fn present(&self, queue: &str, ids: &[Uuid]) -> redis::RedisResult<Vec<bool>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let key = format!("{}jobs", self.prefix(queue));
        let mut pipe = redis::pipe();
        for id in ids {
            pipe.cmd("HEXISTS").arg(&key).arg(id.to_string());
        }
        pipe.query_async(&mut self.conn()).await
    }

    /// Where a due job is and what it waits for.
    ///
    /// # Errors
    /// Redis's.
    pub async fn explain(&self, queue: &str, id: Uuid, lane: &LaneName) -> redis::RedisResult<Waiting> {
        let p = self.prefix(queue);
        let (tenant, key) = (lane.tenant.to_string(), lane.key());
        type Answer = (Option<String>, Option<u64>, Option<f64>, Option<f64>, Vec<Option<i64>>, Vec<Option<i64>>);
        let (lease, position, lane_at, tenant_at, pauses, penalties): Answer = redis::pipe()
            .cmd("HGET")
            .arg(format!("{p}lease"))
            .arg(id.to_string())
            .cmd("ZRANK")
            .arg(format!("{p}lane:{key}"))
            .arg(id.to_string())
            .cmd("ZSCORE")
            .arg(format!("{p}later:{tenant}"))
            .arg(&lane.lane)
            .cmd("ZSCORE")
            .arg(format!("{p}later"))
            .arg(&tenant)
            .cmd("HMGET")
            .arg(format!("{p}pause"))
            .arg("*")
            .arg(&tenant)
            .arg(&key)
            .cmd("HMGET")
            .arg(format!("{p}penalty"))
            .arg(&tenant)
            .arg(&key)
            .query_async(&mut self.conn())
            .await?;
        if let Some(lease) = lease {
            return Ok(Waiting::Running { worker: lease.split('\n').nth(1).unwrap_or_default().to_owned() });
        }
        let Some(position) = position else { return Ok(Waiting::Elsewhere) };
        let paused = ["queue", "tenant", "lane"]
            .into_iter()
            .zip(pauses)
            .find(|(_, until)| until.is_some())
            .map(|(what, _)| what);
        Ok(Waiting::InLane {
            position,
            eligible_at_ms: lane_at.or(tenant_at).map(millis),
            paused,
            penalised_until_ms: penalties.into_iter().flatten().max(),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "Unix milliseconds are far below 2^53")]
const fn millis(score: f64) -> i64 {
    score as i64
}
