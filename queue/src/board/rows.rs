//! The rows of a page, the newest job first.
//!
//! By id, which does not change while people turn pages: in no order, an update between two of them would move a row to
//! the other, and what came last might never be shown.
//! Of the dead an index has that order. What waits, is planned or is held is read by its partial index and sorted. Of all
//! jobs, of those done and of those cancelled, no index has the ids of all tenants in order (every job would pay for it
//! twice): so a page looks at today's jobs first, and at earlier days, each a partition, only until it is full.

use apalis_core::backend::Filter;
use apalis_core::task::status::Status;
use chrono::{NaiveTime, TimeDelta};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::ledger::list::floor;
use crate::ledger::now;
use crate::ledger::view::{JobView, view_columns};
use crate::sql::statement;

/// No page begins further back than this many jobs.
pub const DEEPEST: u32 = 10_000;
/// Most jobs of a page.
const LARGEST: u32 = 1_000;
/// How many days ago that begins which is looked at together; last of all comes what is older.
const BEGINS: [i64; 6] = [0, 1, 3, 7, 15, 31];

macro_rules! page {
    ($of:literal) => {
        concat!(
            "SELECT ",
            view_columns!(),
            " FROM queue.jobs WHERE queue = ANY($1) AND id >= $2 AND id < $3 AND ",
            $of,
            " ORDER BY id DESC LIMIT $4"
        )
    };
}

/// The status that a row has on a board.
pub(super) fn status_of(view: &JobView) -> Status {
    match view.state.as_str() {
        "scheduled" | "held" => Status::Pending,
        "waiting" if view.running_since.is_some() => Status::Running,
        "waiting" => Status::Queued,
        "succeeded" => Status::Done,
        "dead" => Status::Failed,
        _ => Status::Killed,
    }
}

/// A page of the jobs of `queues`, the newest first.
pub(super) async fn page(
    conn: &mut AsyncPgConnection,
    queues: &[String],
    filter: &Filter,
) -> QueryResult<Vec<JobView>> {
    let sql = match filter.status {
        None => page!("true"),
        Some(Status::Pending) => page!("state IN ('scheduled', 'held')"),
        Some(Status::Queued) => page!("state = 'waiting' AND running_since IS NULL"),
        Some(Status::Running) => page!("state = 'waiting' AND running_since IS NOT NULL"),
        Some(Status::Done) => page!("state = 'succeeded'"),
        Some(Status::Failed) => page!("state = 'dead'"),
        Some(Status::Killed) => page!("state IN ('cancelled', 'discarded')"),
        // A status of a later apalis, which no job here can have.
        Some(_) => return Ok(Vec::new()),
    };
    let limit = filter.limit().clamp(1, LARGEST);
    let offset = filter.page.saturating_sub(1).saturating_mul(limit).min(DEEPEST);
    let wanted = (offset + limit) as usize;
    // An id holds its time.
    let today = now(conn).await?.date_naive().and_time(NaiveTime::MIN).and_utc();
    let begins = BEGINS.map(|days| floor(today - TimeDelta::days(days)));
    let (mut found, mut before): (Vec<JobView>, Uuid) = (Vec::new(), Uuid::max());
    for from in begins.into_iter().chain([Uuid::nil()]) {
        let rows: Vec<JobView> = statement(sql)
            .bind::<Array<Text>, _>(queues)
            .bind::<SqlUuid, _>(from)
            .bind::<SqlUuid, _>(before)
            .bind::<Int8, _>(i64::try_from(wanted - found.len()).unwrap_or(i64::MAX))
            .load(&mut *conn)
            .await?;
        found.extend(rows);
        if found.len() >= wanted {
            break;
        }
        before = from;
    }
    Ok(found.into_iter().skip(offset as usize).collect())
}
