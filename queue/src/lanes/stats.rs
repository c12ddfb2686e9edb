//! Looking at the lanes without touching them: depths, and who runs what.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use redis::{Script, Value};
use uuid::Uuid;

use super::{LaneName, Lanes};
use crate::Envelope;

static PRESENCE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/present.lua")));

/// Ids of one call.
const PRESENT: usize = 500;

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
    /// Tenants, and keys of lanes, that have to wait (paused, out of tokens, penalised).
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
        type Parked = (u64, Vec<(String, String)>);
        let (ready, (_, parked), tenant_at): (Vec<String>, Parked, Option<f64>) = redis::pipe()
            .cmd("ZRANGE")
            .arg(format!("{p}turn:{tenant}"))
            .arg(0)
            .arg(999)
            .cmd("HSCAN")
            .arg(format!("{p}parked:{tenant}"))
            .arg(0)
            .arg("COUNT")
            .arg(1_000)
            .cmd("ZSCORE")
            .arg(format!("{p}later"))
            .arg(tenant.to_string())
            .query_async(&mut self.conn())
            .await?;
        let waits = self.due(queue, parked.iter().map(|(_, key)| key.as_str())).await?;
        let tenant_at = tenant_at.map(millis);
        let names: Vec<(String, Option<i64>)> = ready
            .into_iter()
            .map(|lane| (lane, tenant_at))
            .chain(parked.into_iter().zip(waits).map(|((lane, _), at)| (lane, at.max(tenant_at))))
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

    /// When those who wait at `keys` are looked at again.
    async fn due(&self, queue: &str, keys: impl Iterator<Item = &str>) -> redis::RedisResult<Vec<Option<i64>>> {
        let later = format!("{}later", self.prefix(queue));
        let mut pipe = redis::pipe();
        let mut any = false;
        for key in keys {
            any = true;
            pipe.cmd("ZSCORE").arg(&later).arg(key);
        }
        if !any {
            return Ok(Vec::new());
        }
        let scores: Vec<Option<f64>> = pipe.query_async(&mut self.conn()).await?;
        Ok(scores.into_iter().map(|at| at.map(millis)).collect())
    }

    /// How many jobs of each lane wait here.
    ///
    /// # Errors
    /// Redis's.
    pub async fn depths(&self, queue: &str, lanes: &[LaneName]) -> redis::RedisResult<Vec<u64>> {
        if lanes.is_empty() {
            return Ok(Vec::new());
        }
        let p = self.prefix(queue);
        let mut pipe = redis::pipe();
        for lane in lanes {
            pipe.cmd("ZCARD").arg(format!("{p}lane:{}", lane.key()));
        }
        pipe.query_async(&mut self.conn()).await
    }

    /// The weights of the tenants of `lanes`, of those that have one.
    ///
    /// # Errors
    /// Redis's.
    pub async fn weights(&self, queue: &str, lanes: &[&LaneName]) -> redis::RedisResult<HashMap<Uuid, f64>> {
        let tenants: BTreeSet<Uuid> = lanes.iter().map(|lane| lane.tenant).collect();
        if tenants.is_empty() {
            return Ok(HashMap::new());
        }
        let key = format!("{}weight", self.prefix(queue));
        let fields: Vec<String> = tenants.iter().map(Uuid::to_string).collect();
        let weights: Vec<Option<f64>> = redis::cmd("HMGET").arg(key).arg(fields).query_async(&mut self.conn()).await?;
        Ok(tenants.into_iter().zip(weights).filter_map(|(tenant, weight)| Some((tenant, weight?))).collect())
    }

    /// The jobs of `queue` that are under a lease, each with its lane: as many as its workers have slots. Those that a worker
    /// is setting aside, because their kind is paused, are under one for as long as that takes.
    ///
    /// # Errors
    /// Redis's.
    pub async fn leased(&self, queue: &str) -> redis::RedisResult<Vec<(Uuid, LaneName)>> {
        let p = self.prefix(queue);
        let ids: Vec<String> =
            redis::cmd("ZRANGE").arg(format!("{p}leases")).arg(0).arg(-1).query_async(&mut self.conn()).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let leases: Vec<Option<String>> =
            redis::cmd("HMGET").arg(format!("{p}jobs")).arg(&ids).query_async(&mut self.conn()).await?;
        // Token, worker, tenant, lane.
        let lane = |lease: &str| parse_lane(lease.strip_prefix('@')?.splitn(3, '\n').nth(2)?);
        let leased =
            ids.iter().zip(&leases).filter_map(|(id, lease)| Some((id.parse().ok()?, lane(lease.as_deref()?)?)));
        Ok(leased.collect())
    }

    /// Which of `lanes` are marked as having more in the ledger than here.
    ///
    /// # Errors
    /// Redis's.
    pub async fn are_full(&self, queue: &str, lanes: &[LaneName]) -> redis::RedisResult<Vec<bool>> {
        if lanes.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = lanes.iter().map(LaneName::key).collect();
        let full = format!("{}full", self.prefix(queue));
        redis::cmd("SMISMEMBER").arg(full).arg(names).query_async(&mut self.conn()).await
    }

    /// How many jobs run in `queue`, by lane. Reads all leases of the queue.
    ///
    /// # Errors
    /// Redis's.
    pub async fn running_by_lane(&self, queue: &str) -> redis::RedisResult<HashMap<LaneName, usize>> {
        let mut running = HashMap::new();
        for (_, lane) in self.leased(queue).await? {
            *running.entry(lane).or_default() += 1;
        }
        Ok(running)
    }

    /// The same for one tenant.
    ///
    /// # Errors
    /// Redis's.
    pub async fn running_of(&self, queue: &str, tenant: Uuid) -> redis::RedisResult<HashMap<String, u64>> {
        let all = self.running_by_lane(queue).await?.into_iter();
        Ok(all.filter(|(lane, _)| lane.tenant == tenant).map(|(lane, running)| (lane.lane, running as u64)).collect())
    }

    /// Some of the jobs that wait here with their lanes, from `cursor` (0 at first), and where to go on (0: that was all). One
    /// that waits all the while is in one answer at least.
    ///
    /// # Errors
    /// Redis's.
    pub async fn waiting_here(&self, queue: &str, cursor: u64) -> redis::RedisResult<(u64, Vec<(Uuid, LaneName)>)> {
        let (next, found): (u64, Vec<(String, Vec<u8>)>) = redis::cmd("HSCAN")
            .arg(format!("{}jobs", self.prefix(queue)))
            .arg(cursor)
            .arg("COUNT")
            .arg(PRESENT)
            .query_async(&mut self.conn())
            .await?;
        // A lease is no envelope.
        let waiting = found.into_iter().filter_map(|(id, value)| {
            let job = Envelope::unpack(id.parse().ok()?, 0, &value.into()).ok()?;
            Some((job.id, LaneName { tenant: job.header.tenant, lane: job.header.lane }))
        });
        Ok((next, waiting.collect()))
    }

    /// Which of `ids` are here, waiting or leased.
    ///
    /// # Errors
    /// Redis's.
    pub async fn present<'a>(
        &self,
        queue: &str,
        ids: impl IntoIterator<Item = &'a Uuid>,
    ) -> redis::RedisResult<Vec<bool>> {
        let ids: Vec<&Uuid> = ids.into_iter().collect();
        let mut present = Vec::with_capacity(ids.len());
        for some in ids.chunks(PRESENT) {
            let mut call = PRESENCE.key(self.prefix(queue));
            for id in some {
                call.arg(id.to_string());
            }
            let answer: Vec<u8> = call.invoke_async(&mut self.conn()).await?;
            present.extend(answer.into_iter().map(|here| here == 1));
        }
        Ok(present)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "Unix milliseconds are far below 2^53")]
const fn millis(score: f64) -> i64 {
    score as i64
}
