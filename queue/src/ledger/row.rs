//! A ledger row as the dispatcher needs it: enough to make an envelope.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Bytea, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::envelope::{Envelope, Header, due_later};

/// The columns of [`JobRow`], for `SELECT` and `RETURNING` (the table's alias is `j`).
macro_rules! job_row_columns {
    () => {
        "j.tenant_id, j.id, j.queue, j.kind, j.version, j.lane, j.priority, j.cost, \
         CASE WHEN octet_length(j.payload) > 4096 THEN ''::bytea ELSE j.payload END AS payload, \
         octet_length(j.payload) > 4096 AS left_behind, j.subject, \
         j.cancel_requested_at IS NOT NULL AS cancel_requested, \
         coalesce(j.generation, 0) AS generation, j.run_at, j.not_after, j.max_attempts, j.errors, j.crashes, \
         coalesce(j.attempts -> -1 ->> 'code' = 'worker_lost', false) AS suspect, j.trace, j.request_id"
    };
}
pub(crate) use job_row_columns;

/// A waiting job, as read from the ledger.
#[derive(Debug, QueryableByName)]
#[expect(missing_docs, reason = "the columns of queue.jobs, described there")]
pub struct JobRow {
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub queue: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Int2)]
    pub version: i16,
    #[diesel(sql_type = Text)]
    pub lane: String,
    #[diesel(sql_type = Int2)]
    pub priority: i16,
    #[diesel(sql_type = Int4)]
    pub cost: i32,
    #[diesel(sql_type = Bytea)]
    pub payload: Vec<u8>,
    #[diesel(sql_type = Bool)]
    pub left_behind: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub subject: Option<String>,
    #[diesel(sql_type = Bool)]
    pub cancel_requested: bool,
    #[diesel(sql_type = Int4)]
    pub generation: i32,
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub not_after: Option<DateTime<Utc>>,
    #[diesel(sql_type = Int2)]
    pub max_attempts: i16,
    #[diesel(sql_type = Int2)]
    pub errors: i16,
    #[diesel(sql_type = Int2)]
    pub crashes: i16,
    #[diesel(sql_type = Bool)]
    pub suspect: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub trace: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub request_id: Option<String>,
}

impl From<JobRow> for Envelope {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            token: 0,
            cost: row.cost,
            header: Header {
                tenant: row.tenant_id,
                kind: row.kind,
                version: row.version,
                lane: row.lane,
                priority: row.priority,
                errors: row.errors,
                crashes: row.crashes,
                suspect: row.suspect,
                max_attempts: row.max_attempts,
                left_behind: row.left_behind,
                cancel_requested: row.cancel_requested,
                generation: row.generation,
                due_ms: due_later(row.id, Some(row.run_at)),
                not_after: row.not_after,
                subject: row.subject,
                trace: row.trace,
                request_id: row.request_id,
            },
            payload: Bytes::from(row.payload),
        }
    }
}
