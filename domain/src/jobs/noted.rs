//! What is done to many dead letters, in the audit logs of those whose they are: an entry for each tenant with every id
//! that was changed, all in one statement, however many tenants there are.

use std::collections::BTreeMap;

use diesel_async::AsyncPgConnection;
use patchbay_db::DbResult;
use patchbay_db::ids::{AuditEntryId, JobId, TenantId};
use serde_json::{Value, json};

use super::pace::Deed;
use crate::audit;
use crate::events::Cause;

/// Notes that `actor` carried out `deed` on `done`; nothing where nothing was done.
///
/// # Errors
/// As any write.
pub async fn by_call(
    conn: &mut AsyncPgConnection,
    cause: &Cause<'_>,
    deed: Deed,
    actor: &str,
    done: &[(TenantId, JobId)],
) -> DbResult<()> {
    note(conn, cause, deed, actor, done, |ids| json!({ "count": ids.len(), "ids": ids })).await
}

/// The same, of what the installation's `job` did.
///
/// # Errors
/// As any write.
pub async fn by_job(
    conn: &mut AsyncPgConnection,
    cause: &Cause<'_>,
    deed: Deed,
    job: JobId,
    done: &[(TenantId, JobId)],
) -> DbResult<()> {
    let detail = |ids: Vec<String>| json!({ "count": ids.len(), "ids": ids, "job_id": job });
    note(conn, cause, deed, "system", done, detail).await
}

async fn note(
    conn: &mut AsyncPgConnection,
    cause: &Cause<'_>,
    deed: Deed,
    actor: &str,
    done: &[(TenantId, JobId)],
    detail: impl Fn(Vec<String>) -> Value,
) -> DbResult<()> {
    let mut by_tenant: BTreeMap<TenantId, Vec<String>> = BTreeMap::new();
    for (tenant, job) in done {
        by_tenant.entry(*tenant).or_default().push(job.to_string());
    }
    if by_tenant.is_empty() {
        return Ok(());
    }
    let entries = by_tenant.into_iter().map(|(tenant, ids)| audit::Entry {
        id: cause.ids.make::<AuditEntryId>(cause.now),
        tenant,
        actor,
        action: deed.action(),
        subject: if ids.len() == 1 { ids[0].clone() } else { "dead_letters".to_owned() },
        detail: detail(ids),
        request_id: cause.request_id,
        at: cause.now,
    });
    audit::record_all(conn, &entries.collect::<Vec<_>>()).await
}
