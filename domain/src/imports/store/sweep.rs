//! Puts in order what nobody came back for: uploads that broke off, files that were never started, imports whose
//! job ended without them. Over all tenants; run by a maintenance job.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use patchbay_db::{DbResult, SystemTx};
use patchbay_queue::sql::statement;

/// An upload that takes longer has broken off.
const UPLOAD: TimeDelta = TimeDelta::hours(6);

/// How many imports were put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Uploads that broke off.
    pub uploads: usize,
    /// Imports whose job had ended.
    pub orphans: usize,
    /// Files dropped.
    pub files: usize,
}

const UPLOADS: &str = "
UPDATE imports SET state = 'failed', failure_code = 'upload_interrupted', failure = 'the upload broke off; upload the file again',
    updated_at = now(), finished_at = now()
WHERE state = 'uploading' AND created_at < $1";

const ORPHANS: &str = "
UPDATE imports i SET state = CASE j.state WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END,
    failure_code = CASE j.state WHEN 'cancelled' THEN NULL ELSE 'job_' || j.state END,
    failure = CASE j.state WHEN 'cancelled' THEN NULL ELSE 'the job of the import ended without it' END,
    updated_at = now(), finished_at = now()
FROM queue.jobs j
WHERE i.state = 'running' AND j.tenant_id = i.tenant_id AND j.id = i.job_id AND j.state IN ('dead', 'cancelled', 'discarded')";

const EXPIRED: &str = "
UPDATE imports SET state = 'cancelled', updated_at = now(), finished_at = now()
WHERE state = 'uploaded' AND updated_at < $1";

const FILES: &str = "
WITH dropped AS (
    DELETE FROM import_chunks c USING imports i
    WHERE i.tenant_id = c.tenant_id AND i.id = c.import_id
        AND (i.state = 'cancelled' OR i.state IN ('completed', 'failed') AND i.finished_at < $1)
    RETURNING c.tenant_id, c.import_id)
DELETE FROM import_addresses a USING (SELECT DISTINCT tenant_id, import_id FROM dropped) d
WHERE a.tenant_id = d.tenant_id AND a.import_id = d.import_id";

const ROWS: &str = "
DELETE FROM import_rows r USING imports i
WHERE i.tenant_id = r.tenant_id AND i.id = r.import_id AND i.finished_at < $1";

/// Puts every tenant's imports in order. What people uploaded is kept for `keep`, from the upload until somebody starts
/// it, and from the end of an import with the rows that were not taken: these hold what people are called and reached by.
///
/// # Errors
/// The database's.
pub async fn sweep(tx: &mut SystemTx, now: DateTime<Utc>, keep: TimeDelta) -> DbResult<Swept> {
    let before = now.checked_sub_signed(keep).unwrap_or(DateTime::UNIX_EPOCH);
    let uploads = statement(UPLOADS).bind::<Timestamptz, _>(now - UPLOAD).execute(&mut **tx).await?;
    let orphans = statement(ORPHANS).execute(&mut **tx).await?;
    let files = statement(EXPIRED).bind::<Timestamptz, _>(before).execute(&mut **tx).await?;
    for sql in [FILES, ROWS] {
        statement(sql).bind::<Timestamptz, _>(before).execute(&mut **tx).await?;
    }
    Ok(Swept { uploads, orphans, files })
}
