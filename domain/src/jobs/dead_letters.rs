//! Dead letters: the jobs that gave up.

use chrono::{DateTime, Utc};
use patchbay_db::ids::JobId;
use patchbay_db::{DbResult, Page, Paged, Tx, TypedId};
use patchbay_jobs::imports::ImportLeads;
use patchbay_jobs::messages::{ApplyReceipts, Reconcile, SendMessages, TakeInbound};
use patchbay_queue::Job;
use patchbay_queue::ledger::dead;
use patchbay_queue::ledger::list::{JobFilter, dead_ids, list as read};
use patchbay_queue::ledger::view::{self, JobView};
use serde_json::Value;

use super::model::storable;

/// Kinds whose payload holds nothing secret. A new kind is shown without its payload until it is named here.
const OPEN: &[&str] = &[ImportLeads::KIND, SendMessages::KIND, ApplyReceipts::KIND, TakeInbound::KIND, Reconcile::KIND];

/// Which dead letters; all where nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this record.
    pub subject: Option<String>,
    /// With this class of error.
    pub error_class: Option<String>,
    /// With this error.
    pub error_code: Option<String>,
    /// That gave up at or after.
    pub failed_from: Option<DateTime<Utc>>,
    /// That gave up before.
    pub failed_before: Option<DateTime<Utc>>,
}

impl From<Filter> for JobFilter {
    fn from(filter: Filter) -> Self {
        Self {
            states: vec!["dead".to_owned()],
            queue: filter.queue,
            kind: filter.kind,
            subject: filter.subject,
            error_class: filter.error_class,
            error_code: filter.error_code,
            finished_from: filter.failed_from.map(storable),
            finished_before: filter.failed_before.map(storable),
            ..Self::default()
        }
    }
}

/// A page of the tenant's dead letters, newest job first.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, filter: Filter, page: Page) -> DbResult<Paged<JobView>> {
    let tenant = tx.tenant().uuid();
    let rows = read(tx, tenant, &filter.into(), page.before(), page.fetch()).await?;
    Ok(page.cut(rows, |job| job.id))
}

/// The dead letter `id`, with its payload where that may be shown; none where the tenant has no such dead letter.
///
/// # Errors
/// The database's.
pub async fn get(tx: &mut Tx, id: JobId) -> DbResult<Option<(JobView, Option<Value>)>> {
    let tenant = tx.tenant().uuid();
    let Some(job) = view::get(tx, tenant, id.uuid()).await?.filter(|job| job.state == "dead") else {
        return Ok(None);
    };
    let payload = if OPEN.contains(&job.kind.as_str()) { view::payload(tx, tenant, id.uuid()).await? } else { None };
    let payload = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(Some((job, payload)))
}

/// The oldest dead letters that match, `limit` at most.
///
/// # Errors
/// The database's.
pub async fn pick(tx: &mut Tx, filter: Filter, limit: i64) -> DbResult<Vec<JobId>> {
    let tenant = tx.tenant().uuid();
    let ids = dead_ids(tx, tenant, &filter.into(), limit).await?;
    Ok(ids.into_iter().map(JobId::from_uuid).collect())
}

/// Those of `ids` that are dead letters.
///
/// # Errors
/// The database's.
pub async fn dead_among(tx: &mut Tx, ids: &[JobId]) -> DbResult<Vec<JobId>> {
    let tenant = tx.tenant().uuid();
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    Ok(dead::dead_among(tx, tenant, &ids).await?.into_iter().map(JobId::from_uuid).collect())
}
