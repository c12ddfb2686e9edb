//! The rows of a page. One text for each status: each has its partial index.

use apalis_core::backend::Filter;
use apalis_core::task::status::Status;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int8, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::ledger::view::{JobView, view_columns};
use crate::sql::statement;

/// No page begins further back than this many jobs.
pub const DEEPEST: u32 = 10_000;
/// Most jobs of a page.
const LARGEST: u32 = 1_000;

macro_rules! page {
    ($of:literal) => {
        concat!("SELECT ", view_columns!(), " FROM queue.jobs WHERE queue = ANY($1) AND ", $of, " OFFSET $2 LIMIT $3")
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

/// A page of the jobs of `queues`.
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
    statement(sql)
        .bind::<Array<Text>, _>(queues)
        .bind::<Int8, _>(i64::from(offset))
        .bind::<Int8, _>(i64::from(limit))
        .load(conn)
        .await
}
