//! Strict order per key: each job waits for the one accepted before it.
//!
//! The last job of each key is remembered; the next one is tied to it like to any other job. Who takes a key in hand
//! keeps it until the commit, so that the order of acceptance is the order of commits and no two jobs follow the same one.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::NewJob;
use crate::sql::statement;

/// The ends of the orders that a batch adds to.
#[derive(Default)]
pub(super) struct Tails {
    last: HashMap<(Uuid, String), Uuid>,
    moved: bool,
}

#[derive(QueryableByName)]
struct Tail {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
}

// The update that changes nothing locks the row and answers it in either case. The nil id: nobody yet.
const TAKE: &str = "
INSERT INTO queue.order_tails AS t (tenant_id, key, job_id)
SELECT DISTINCT n.tenant_id, n.key, '00000000-0000-0000-0000-000000000000'::uuid
FROM unnest($1, $2) AS n (tenant_id, key) ORDER BY n.tenant_id, n.key
ON CONFLICT (tenant_id, key) DO UPDATE SET job_id = t.job_id
RETURNING t.tenant_id, t.key, t.job_id";

pub(super) async fn take_in_hand(conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<Tails> {
    let keyed: Vec<(Uuid, &str)> = jobs.iter().filter_map(|job| Some((job.tenant_id, key(job)?))).collect();
    if keyed.is_empty() {
        return Ok(Tails::default());
    }
    let rows: Vec<Tail> = statement(TAKE)
        .bind::<Array<SqlUuid>, _>(keyed.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keyed.iter().map(|(_, key)| *key).collect::<Vec<_>>())
        .load(conn)
        .await?;
    let last = rows.into_iter().map(|row| ((row.tenant_id, row.key), row.job_id)).collect();
    Ok(Tails { last, moved: false })
}

fn key(job: &NewJob) -> Option<&str> {
    job.flow.as_ref()?.order.as_deref()
}

impl Tails {
    /// The jobs that stand at the ends.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (Uuid, Uuid)> {
        self.last.iter().filter(|(_, id)| !id.is_nil()).map(|((tenant, _), id)| (*tenant, *id))
    }

    /// Puts `job` at the end of its order; answers whom it follows.
    pub(super) fn next(&mut self, job: &NewJob) -> Option<Uuid> {
        let last = self.last.get_mut(&(job.tenant_id, key(job)?.to_owned()))?;
        self.moved = true;
        Some(std::mem::replace(last, job.id)).filter(|id| !id.is_nil())
    }

    pub(super) async fn write(self, conn: &mut AsyncPgConnection) -> QueryResult<()> {
        if !self.moved {
            return Ok(());
        }
        statement(
            "UPDATE queue.order_tails t SET job_id = n.job_id FROM unnest($1, $2, $3) AS n (tenant_id, key, job_id)
             WHERE t.tenant_id = n.tenant_id AND t.key = n.key",
        )
        .bind::<Array<SqlUuid>, _>(self.last.keys().map(|(tenant, _)| *tenant).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(self.last.keys().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(self.last.values().copied().collect::<Vec<_>>())
        .execute(conn)
        .await
        .map(drop)
    }
}
