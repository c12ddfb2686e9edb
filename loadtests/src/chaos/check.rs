//! The checker: waits until the ledger says that all is over, then counts.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

use super::cast::Part;
use super::feed::Fed;
use super::mixed::check::Mixed;
use super::mixed::ends::{Ends, hearing};
use super::recovery::{Recovery, paces, text};
use super::row::{RECOVERY, Row};
use super::rules::Lag;
use super::stage::Stage;
use crate::console;

/// How long after the last blow, and after the last job was accepted, everything may take that no limit holds back.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long leases may take to run out, and repair to tidy up, once nothing is left to do.
pub const TIDY: Duration = Duration::from_secs(25);
/// How much later than the engine the observer may see a run begin.
pub const JITTER: Duration = Duration::from_millis(500);

/// Faults told one by one.
const TOLD: usize = 10;

/// What is looked for.
pub struct Wanted {
    /// The scenario.
    pub name: &'static str,
    /// Tells by their number the jobs that must end as dead letters, without an effect; none where not set.
    pub dead: Option<Box<dyn Fn(usize) -> bool + Send + Sync>>,
    /// How much later than that it may be while it is troubled.
    pub late: Duration,
    /// Whether runs may still go on that were given up, each in its place under the limits: the workers are replaced before
    /// what is left is counted, and nothing may outlive their processes.
    pub renewed: bool,
    /// Whether nobody was troubled: then a job that begins twice was taken from a worker that lived, and counts as doubled.
    pub once: bool,
    /// Whether no process and no way was troubled: then what is said to a running job is heard in time.
    pub heard: bool,
    /// Whether no job fails by itself, and whatever is done to the workers is free: then one with an error or a crash to its
    /// account ended otherwise than it should. An interruption is none.
    pub free: bool,
}

impl Wanted {
    /// Every job has its effect.
    pub fn new(name: &'static str) -> Self {
        Self { name, dead: None, late: Duration::ZERO, renewed: false, once: false, heard: false, free: false }
    }

    /// Whether a job paid for something that had to be free.
    const fn is_charged(&self, told: &Told) -> bool {
        self.free && told.charged > 0
    }
}

/// Waits for the end, counts, and ends the workers.
///
/// # Errors
/// What could not be looked at.
pub async fn check(stage: &mut Stage<'_>, wanted: &Wanted) -> Result<Row> {
    let (Fed { ids, merged }, deeds) = stage.fed().await?;
    until_over(stage).await?;
    let told = told(stage).await?;
    if wanted.renewed {
        for worker in &stage.workers {
            worker.replace(Part::default()).await?;
        }
    }
    let leaked = leaked(stage).await?;
    stage.end_workers().await?;
    let runs = stage.runs();
    let (notes, book) = (stage.mix.notes(), stage.observer.witness.book());
    let mixed = Mixed { ids: &ids, notes: &notes, deeds: &deeds, book: &book };
    let ends = Ends::new(&mixed, wanted.heard.then(|| hearing(stage.scale.lease) + JITTER));
    let lag = Lag::of(JITTER).longer_in(&stage.blows, wanted.late);
    let recovery = Recovery::measure(stage.begun, &stage.blows, &book.done);
    console::note(&format!("    {}", text(recovery)));
    let over_limit = stage.rules.exceeded(&runs, &lag);
    tell(&over_limit);
    if recovery.is_some_and(|recovery| recovery.seconds() > RECOVERY) {
        console::note(&format!("    effects in each second of the load: {:?}", paces(stage.begun, &book.done)));
        console::note(&format!("    it began at {:?}; blows: {:?}", stage.begun, stage.blows));
    }
    let mut row = Row {
        scenario: wanted.name.to_owned(),
        jobs: u64::try_from(ids.len() - merged.len())?,
        executions: 0,
        effects: 0,
        lost: 0,
        doubled: 0,
        over_limit: over_limit.len() as u64 + mixed.too_early(),
        leaked,
        stuck: 0,
        recovered_s: recovery.as_ref().map(Recovery::seconds),
        holds: false,
    };
    for (n, id) in ids.iter().enumerate() {
        let seen = book.jobs.get(id).copied().unwrap_or_default();
        row.executions += seen.executions;
        row.effects += seen.effects;
        let told = told.get(id);
        if merged.contains(id) {
            // The ledger has none of it.
            row.doubled += seen.effects + u64::from(told.is_some());
            continue;
        }
        row.doubled += seen.effects.saturating_sub(1) + mixed.after_cancel(n, &lag);
        if wanted.once {
            row.doubled += seen.executions.saturating_sub(1);
        }
        let dead = wanted.dead.as_ref().is_some_and(|dead| dead(n));
        let as_wanted = |state: &str| match dead {
            true => state == "dead" && seen.effects == 0,
            false => ends.may_be(n, state),
        };
        let charged = told.is_some_and(|told| wanted.is_charged(told));
        match told.map(|told| told.state.as_str()) {
            Some(state) if as_wanted(state) && !charged => continue,
            Some("waiting" | "scheduled" | "held") => row.stuck += 1,
            _ => row.lost += 1,
        }
        if row.stuck + row.lost <= TOLD as u64 {
            let (state, story) = told.map_or(("nowhere", ""), |told| (&told.state, &told.story));
            console::note(&format!("    number {n} is {state} after {} effects: {story}", seen.effects));
        }
    }
    Ok(row.judged())
}

/// Tells of the first of these faults.
pub fn tell(faults: &[String]) {
    faults.iter().take(TOLD).for_each(|fault| console::note(&format!("    {fault}")));
}

async fn until_over(stage: &Stage<'_>) -> Result<()> {
    let start = Instant::now();
    let client = stage.look.connect().await?;
    let sql = "SELECT EXISTS (SELECT FROM queue.jobs WHERE state IN ('waiting', 'scheduled', 'held'))";
    // A limited tenant's backlog may take as long again as its jobs were fed.
    let fed = Duration::from_secs(u64::try_from(stage.scale.jobs / stage.scale.rate.max(1))?);
    while client.query_one(sql, &[]).await?.get(0) && start.elapsed() < PATIENCE + fed * 2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What the ledger says of a job.
struct Told {
    state: String,
    /// Errors and crashes.
    charged: i32,
    /// For whoever looks for the cause.
    story: String,
}

async fn told(stage: &Stage<'_>) -> Result<HashMap<Uuid, Told>> {
    let client = stage.look.connect().await?;
    let sql = "SELECT id::text, state, format('%s %s in %L of %s: %s errors, %s crashes, %s interruptions, %s, %s',
            kind, id, lane, tenant_id, errors, crashes, interruptions, last_error, held_reason),
        errors::int4 + crashes::int4 FROM queue.jobs";
    let rows = client.query(sql, &[]).await?;
    let mut told = HashMap::new();
    for row in &rows {
        let id: Uuid = row.get::<_, &str>(0).parse()?;
        told.insert(id, Told { state: row.get(1), story: row.get(2), charged: row.get(3) });
    }
    Ok(told)
}

/// The one queue whose jobs recur by themselves: all that the schedulers make in the system's name (every two seconds, in
/// these runs), of kinds `maintenance.…`, which have no ties and no groups. What there is of them says nothing of whoever was
/// troubled; nor does what follows from them for customers, which is in other queues and ends when nothing is left to do.
const RECURRING: &str = "maintenance";

/// Keys that are taken, ties, ends that nobody saw to, counts that nobody took; not the keys of what recurs.
pub const ASIDE: &str = "SELECT (SELECT count(*) FROM queue.unique_keys WHERE kind NOT LIKE 'maintenance.%')
    + (SELECT count(*) FROM queue.dependencies) + (SELECT count(*) FROM queue.ended_targets)
    + (SELECT count(*) FROM queue.group_deltas)";

/// What is left in Redis and in the ledger's side tables when nothing is left to do.
async fn leaked(stage: &Stage<'_>) -> Result<u64> {
    let start = Instant::now();
    let client = stage.look.connect().await?;
    loop {
        let mut redis = stage.servers.redis.connect().await?;
        let keys: i64 = client.query_one(ASIDE, &[]).await?.get(0);
        let left = left(&mut redis, "*").await? + keys.unsigned_abs();
        if left == 0 || start.elapsed() > TIDY {
            return Ok(left);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What stands for a job or a slot in all queues of `namespace`, but for what recurs: envelopes, leases, wishes to cancel,
/// places in lanes, counts of what runs.
///
/// # Errors
/// Redis's.
pub async fn left(redis: &mut MultiplexedConnection, namespace: &str) -> Result<u64> {
    let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{namespace}:{{*}}:*")).query_async(redis).await?;
    let mut left = 0;
    for key in keys {
        if let Some(command) = counted_by(&key) {
            left += redis::cmd(command).arg(&key).query_async::<u64>(redis).await?;
        }
    }
    Ok(left)
}

/// The command that counts what a key has of jobs and slots, if it has any.
fn counted_by(key: &str) -> Option<&'static str> {
    let (queue, name) = key.split_once('{')?.1.split_once("}:")?;
    match name.split(':').next()? {
        _ if queue == RECURRING => None,
        "jobs" | "live" => Some("HLEN"),
        "leases" | "lane" => Some("ZCARD"),
        "cancel" => Some("SCARD"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_or_a_crash_is_a_fault_where_all_that_was_done_is_free_and_nowhere_else() {
        let told = |charged| Told { state: "succeeded".to_owned(), charged, story: String::new() };
        let free = Wanted { free: true, ..Wanted::new("rolling") };
        assert!(free.is_charged(&told(1)) && !free.is_charged(&told(0)));
        assert!(!Wanted::new("workers-killed").is_charged(&told(1)));
    }

    #[test]
    fn what_is_left_is_counted_in_every_queue_but_the_one_whose_jobs_recur() {
        for queue in ["sends", "receipts", "imports", "inbound", "reconcile", "jobs", "schedules", "chaos"] {
            assert_eq!(counted_by(&format!("run-1:{{{queue}}}:leases")), Some("ZCARD"), "{queue}");
            assert_eq!(counted_by(&format!("run-1:{{{queue}}}:lane:a-tenant\nits-lane")), Some("ZCARD"), "{queue}");
            assert_eq!(counted_by(&format!("run-1:{{{queue}}}:limit")), None, "{queue}");
        }
        assert_eq!(counted_by("run-1:{maintenance}:leases"), None);
        assert_eq!(counted_by("run-1:{workers}:one-of-them"), None);
    }
}
