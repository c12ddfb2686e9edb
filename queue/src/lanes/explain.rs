//! Why a job waits: what a claim would find in its way, asked without taking anything.

use std::sync::LazyLock;

use redis::Script;
use uuid::Uuid;

use super::script::script;
use super::{LaneName, Lanes};

static EXPLAIN: LazyLock<Script> = script!("parts/keys", "parts/gates", "explain");

/// Where a job is, as Redis sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Waiting {
    /// Somebody runs it.
    Running {
        /// Who.
        worker: String,
    },
    /// In its lane.
    InLane(Place),
    /// Not here: it waits in the ledger for room, or for repair.
    Elsewhere {
        /// What is in the way of its lane now, as in [`Place::blocks`]: where the lane stands, no room comes either.
        blocks: Vec<Block>,
    },
}

/// A job's place in the turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Jobs before it in its lane.
    pub position: u64,
    /// What is in the way of its lane now (or of its kind), the one that lasts longest first. Empty: it is in turn.
    pub blocks: Vec<Block>,
    /// In turn: tenants that are served before its own.
    pub tenants_ahead: Option<u64>,
}

/// One thing in a job's way.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// What.
    pub by: Blocker,
    /// Where it is set.
    pub key: Key,
    /// Until when (Unix milliseconds); none where nobody knows: until somebody resumes it, or a running job ends.
    pub until_ms: Option<i64>,
}

/// What keeps a lane from being served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Blocker {
    /// Redis was emptied or restarted, and the limits and pauses have not been copied there since.
    Closed,
    /// Somebody paused it.
    Paused,
    /// What stands behind it asked to be left alone.
    Penalised,
    /// It is not open at this hour.
    Hours,
    /// What stands behind it fails; or one job is just trying whether it still does.
    Breaker,
    /// The rate is used up.
    Rate {
        /// Units a second.
        per_second: f64,
        /// Units that may go at once.
        burst: f64,
    },
    /// As many run as may.
    Concurrency {
        /// How many may. 0 while those that run are being counted.
        limit: u64,
        /// How many do.
        running: u64,
    },
}

/// Where a limit or a pause is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// On the queue.
    Queue,
    /// On a kind of jobs.
    Kind(String),
    /// On the job's tenant.
    Tenant,
    /// On a prefix of the lane's path, for its tenant.
    Lane(String),
    /// On a prefix of the lane's path, for all tenants together.
    Shared(String),
}

impl Key {
    fn parse(field: &str) -> Self {
        match field.split_once('\n') {
            None if field == "*" => Self::Queue,
            None => Self::Tenant,
            Some(("kind", kind)) => Self::Kind(kind.to_owned()),
            Some((tenant, prefix)) if tenant.parse() == Ok(Uuid::nil()) => Self::Shared(prefix.to_owned()),
            Some((_, prefix)) => Self::Lane(prefix.to_owned()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of jobs, printed as a float")]
const fn count(number: f64) -> u64 {
    number as u64
}

fn block(told: &[String]) -> Option<Block> {
    let [why, key, until, a, b] = told else { return None };
    let (until, a, b): (i64, f64, f64) = (until.parse().ok()?, a.parse().ok()?, b.parse().ok()?);
    let by = match why.as_str() {
        "closed" => Blocker::Closed,
        "paused" => Blocker::Paused,
        "penalised" => Blocker::Penalised,
        "hours" => Blocker::Hours,
        "breaker" => Blocker::Breaker,
        "rate" => Blocker::Rate { per_second: a, burst: b },
        "running" => Blocker::Concurrency { limit: count(a), running: count(b) },
        _ => return None,
    };
    Some(Block { by, key: Key::parse(key), until_ms: (until > 0).then_some(until) })
}

impl Lanes {
    /// Where a due job is and what it waits for; of one that is not here, what its `lane` waits for.
    ///
    /// # Errors
    /// Redis's.
    pub async fn explain(&self, queue: &str, id: Uuid, lane: &LaneName) -> redis::RedisResult<Waiting> {
        let run = self.current_run().await?;
        let told: Vec<String> = EXPLAIN
            .key(self.prefix(queue))
            .arg(id.to_string())
            .arg(lane.tenant.to_string())
            .arg(&lane.lane)
            .arg(&*run)
            .invoke_async(&mut self.conn())
            .await?;
        if told.first().is_some_and(|place| place == "running") {
            return Ok(Waiting::Running { worker: told.get(1).cloned().unwrap_or_default() });
        }
        let number = |at: usize| told.get(at).and_then(|text| text.parse::<u64>().ok());
        let mut blocks: Vec<Block> = told.get(3..).unwrap_or_default().chunks(5).filter_map(block).collect();
        blocks.sort_by_key(|block| std::cmp::Reverse(block.until_ms.unwrap_or(i64::MAX)));
        Ok(match number(1) {
            Some(position) => Waiting::InLane(Place { position, blocks, tenants_ahead: number(2) }),
            None => Waiting::Elsewhere { blocks },
        })
    }
}
