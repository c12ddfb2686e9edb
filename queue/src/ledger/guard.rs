//! How much a tenant may have waiting: the door's question, cheap enough to ask at every enqueue.
//!
//! What waits is counted through the index, never further than the cap, and the count is remembered. Between two counts
//! what is admitted here is added and nothing is taken off, so the guard errs on the strict side for its own
//! admissions; others' (other processes') are allowed for by counting again when an eighth of the room is used up, and
//! after half a minute. The more room, the rarer the count; and a count never takes more than a twentieth of the time.
//! Held jobs count too (those of a paused kind would otherwise make room as they are parked), and delayed ones (or a
//! tenant would fill the table with jobs for tomorrow).
//! The cap is the tenant's own (`queue.limits.max_waiting` of the queue, or of `*` for each queue) or its plan's, read once a
//! second at most, or the default.
//! Rejected: a counter in Redis (wrong after every crash, and a second truth) and a row per tenant that counts (hot).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::depth::{by_any_way, by_index};
use crate::sql::statement;

/// See the module; cheap to clone, all clones are the same.
#[derive(Debug, Clone)]
pub struct DepthGuard {
    default_cap: i64,
    known: Arc<Mutex<HashMap<(Uuid, String), Known>>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    cap: i64,
    cap_at: Instant,
    count: Option<Count>,
}

/// Too much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// How much waits, counted no further than the cap.
    pub waiting: i64,
    /// The cap.
    pub cap: i64,
    /// When there may be room, by how fast it went lately.
    pub retry_after: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    counted: i64,
    /// Admitted here since.
    admitted: i64,
    /// How much fewer they become in a second, if they do.
    drained: f64,
    at: Instant,
    took: Duration,
}

/// How long a cap is believed.
const CAP_HOLDS: Duration = Duration::from_secs(1);
/// A count older than this is no count.
const STALE: Duration = Duration::from_secs(30);
/// Counting takes at most one part in so many of the time.
const SHARE: u32 = 20;
/// Of the room, the part after which is counted again.
const PART: i64 = 8;
/// Tenants and queues that are remembered.
const REMEMBERED: usize = 100_000;

impl DepthGuard {
    /// A guard with the cap of those who have none of their own.
    #[must_use]
    pub fn new(default_cap: i64) -> Self {
        Self { default_cap, known: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(Uuid, String), Known>> {
        self.known.lock().expect("no holder of this lock can panic")
    }

    /// Whether `jobs` more of `tenant` may wait in `queue`. To be asked in the transaction of the insert, before it;
    /// what is admitted and not inserted after all is forgotten with the next count.
    ///
    /// # Errors
    /// The database's.
    pub async fn admit(
        &self,
        conn: &mut AsyncPgConnection,
        tenant: Uuid,
        queue: &str,
        jobs: i64,
    ) -> QueryResult<Result<(), Full>> {
        let key = (tenant, queue.to_owned());
        let known = self.known().get(&key).copied();
        let (cap, cap_at) = match known {
            Some(known) if known.cap_at.elapsed() < CAP_HOLDS => (known.cap, known.cap_at),
            _ => (own_cap(conn, tenant, queue).await?.unwrap_or(self.default_cap), Instant::now()),
        };
        let before = known.and_then(|known| known.count);
        let mut count = match before {
            Some(count) if !count.is_due(Instant::now(), jobs, cap) => count,
            before => {
                let began = Instant::now();
                let counted = waiting(conn, tenant, queue, cap).await?;
                Count::new(before, counted, began, began.elapsed())
            }
        };
        let full = (count.counted + count.admitted + jobs > cap).then(|| count.full(jobs, cap));
        let mut all = self.known();
        // Others may have been admitted while this one asked.
        if let Some(count_now) = all.get(&key).and_then(|known| known.count).filter(|now| now.at >= count.at) {
            count = count_now;
        }
        if full.is_none() {
            count.admitted += jobs;
        }
        if all.len() >= REMEMBERED && !all.contains_key(&key) {
            all.retain(|_, known| known.cap_at.elapsed() < STALE);
        }
        all.insert(key, Known { cap, cap_at, count: Some(count) });
        Ok(full.map_or(Ok(()), Err))
    }
}

impl Count {
    fn new(before: Option<Self>, counted: i64, at: Instant, took: Duration) -> Self {
        let drained = before.map_or(0.0, |before| {
            let gone = before.counted + before.admitted - counted;
            let seconds = at.saturating_duration_since(before.at).as_secs_f64();
            if gone > 0 && seconds > 0.0 { to_f64(gone) / seconds } else { 0.0 }
        });
        Self { counted, admitted: 0, drained, at, took }
    }

    fn is_due(&self, now: Instant, jobs: i64, cap: i64) -> bool {
        let age = now.saturating_duration_since(self.at);
        let room = cap - self.counted;
        let used = self.admitted + jobs;
        age >= STALE || (used.saturating_mul(PART) > room && age >= self.took * SHARE)
    }

    fn full(&self, jobs: i64, cap: i64) -> Full {
        let over = self.counted + self.admitted + jobs - cap;
        let seconds = if self.drained > 0.0 { (to_f64(over) / self.drained).ceil().clamp(1.0, 60.0) } else { 5.0 };
        Full { waiting: (self.counted + self.admitted).min(cap), cap, retry_after: Duration::from_secs_f64(seconds) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate of jobs")]
const fn to_f64(n: i64) -> f64 {
    n as f64
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Int8)]
    waiting: i64,
}

#[derive(QueryableByName)]
struct Cap {
    #[diesel(sql_type = Int8)]
    max_waiting: i64,
}

async fn own_cap(conn: &mut AsyncPgConnection, tenant: Uuid, queue: &str) -> QueryResult<Option<i64>> {
    let rows: Vec<Cap> = statement(
        "SELECT max_waiting FROM (
            SELECT max_waiting, (queue = '*')::integer AS rank FROM queue.limits
            WHERE tenant_id = $1 AND queue IN ($2, '*') AND lane = ''
            UNION ALL
            SELECT p.max_waiting, 2 FROM queue.tenant_plans t JOIN queue.plans p ON p.name = t.plan WHERE t.tenant_id = $1) caps
         WHERE max_waiting IS NOT NULL ORDER BY rank LIMIT 1",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<Text, _>(queue)
    .load(conn)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.max_waiting))
}

// In the order of the index, or the planner would read and sort a backlog that its statistics do not know yet.
// (`BETWEEN`, because with `=` the order would be that of time, and everybody's delayed jobs are in an index by that, too.)
const WAITING: &str = "
SELECT (SELECT count(*) FROM (SELECT FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $2 AND j.tenant_id = $1
        ORDER BY j.lane, j.priority DESC, j.id LIMIT $3) due)
    + (SELECT count(*) FROM (SELECT FROM queue.jobs j WHERE j.state = 'held' AND j.tenant_id = $1 AND j.queue = $2
        ORDER BY j.tenant_id, j.id LIMIT $3) held)
    + (SELECT count(*) FROM (SELECT FROM queue.jobs j WHERE j.state = 'scheduled' AND j.tenant_id = $1
        AND j.queue BETWEEN $2 AND $2 ORDER BY j.queue, j.run_at LIMIT $3) delayed) AS waiting";

async fn waiting(conn: &mut AsyncPgConnection, tenant: Uuid, queue: &str, cap: i64) -> QueryResult<i64> {
    by_index(conn).await?;
    let row: Waiting = statement(WAITING)
        .bind::<SqlUuid, _>(tenant)
        .bind::<Text, _>(queue)
        .bind::<Int8, _>(cap)
        .get_result(conn)
        .await?;
    by_any_way(conn).await?;
    Ok(row.waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(counted: i64, took_ms: u64) -> Count {
        Count::new(None, counted, Instant::now(), Duration::from_millis(took_ms))
    }

    #[test]
    fn the_more_room_the_rarer_the_count() {
        let now = Instant::now();
        let mut roomy = counted(0, 0);
        roomy.admitted = 1_000;
        assert!(!roomy.is_due(now, 1, 1_000_000));
        let mut tight = counted(999_000, 0);
        tight.admitted = 200;
        assert!(tight.is_due(now, 1, 1_000_000));
    }

    #[test]
    fn a_slow_count_is_not_repeated_at_once_and_an_old_one_is() {
        let slow = counted(1_000, 100);
        assert!(!slow.is_due(slow.at + Duration::from_secs(1), 1, 1_000), "a twentieth of the time at most");
        assert!(slow.is_due(slow.at + Duration::from_secs(3), 1, 1_000));
        assert!(counted(0, 0).is_due(Instant::now() + STALE, 1, 1_000_000));
    }

    #[test]
    fn the_wait_is_told_by_how_fast_it_went() {
        let before = counted(1_000, 0);
        let after = Count::new(Some(before), 900, before.at + Duration::from_secs(10), Duration::ZERO);
        assert_eq!(after.full(150, 1_000).retry_after, Duration::from_secs(5), "ten a second, fifty too many");
        assert_eq!(before.full(1, 1_000).retry_after, Duration::from_secs(5), "nobody knows");
    }
}
