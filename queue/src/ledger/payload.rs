//! The payloads of claimed jobs that did not come with them.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bytea, Int4, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::sql::statement;

/// A payload, and which one of its job's it is.
#[derive(Debug, QueryableByName)]
pub struct Payload {
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// As it was enqueued.
    #[diesel(sql_type = Bytea)]
    pub payload: Vec<u8>,
    /// How often it was replaced.
    #[diesel(sql_type = Int4)]
    pub generation: i32,
}

const PAYLOADS: &str = "
SELECT j.id, j.payload, coalesce(j.generation, 0) AS generation FROM unnest($1, $2) AS n (tenant_id, id)
JOIN queue.jobs j ON j.tenant_id = n.tenant_id AND j.id = n.id WHERE j.state IN ('waiting', 'held')";

/// The payloads of those of `jobs` (tenant and id) that are not over.
///
/// # Errors
/// The database's.
pub async fn payloads(conn: &mut AsyncPgConnection, jobs: &[(Uuid, Uuid)]) -> QueryResult<Vec<Payload>> {
    statement(PAYLOADS)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.1).collect::<Vec<_>>())
        .load(conn)
        .await
}
