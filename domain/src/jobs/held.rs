//! The held jobs of a tenant, by who holds them: what waits for an approval, what an operator put aside.
//!
//! By their own index: they are few among many.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use patchbay_db::{DbResult, Page, Paged, Tx, TypedId};
use patchbay_queue::ledger::view::{self, JobView};
use patchbay_queue::sql::statement;
use uuid::Uuid;

use super::list::Filter;

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

const HELD: &str = "
SELECT id FROM queue.jobs WHERE tenant_id = $1 AND state = 'held' AND id < $2 AND held_by = $3
    AND ($4 IS NULL OR queue = $4) AND ($5 IS NULL OR kind = $5) AND ($6 IS NULL OR subject = $6)
ORDER BY id DESC LIMIT $7";

/// A page of the tenant's jobs that `by` holds, newest first; times and statuses of `filter` are not looked at.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, by: &str, filter: &Filter, page: Page) -> DbResult<Paged<JobView>> {
    let tenant = tx.tenant().uuid();
    let held: Vec<Held> = statement(HELD)
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(page.before())
        .bind::<Text, _>(by)
        .bind::<Nullable<Text>, _>(&filter.queue)
        .bind::<Nullable<Text>, _>(&filter.kind)
        .bind::<Nullable<Text>, _>(&filter.subject)
        .bind::<BigInt, _>(page.fetch())
        .load(&mut **tx)
        .await?;
    let known: Vec<_> = held.iter().map(|job| (tenant, job.id, -1)).collect();
    let mut rows = view::changed(tx, &known).await?;
    rows.sort_unstable_by_key(|job| std::cmp::Reverse(job.id));
    Ok(page.cut(rows, |job| job.id))
}
