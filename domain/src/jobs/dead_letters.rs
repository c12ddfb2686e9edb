//! Dead letters: the jobs that gave up.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::ids::{JobGroupId, JobId, TenantId};
use patchbay_db::{DbResult, Page, Paged, Tx, TypedId};
use patchbay_jobs::imports::ImportLeads;
use patchbay_jobs::jobs::{DiscardDead, RedriveDead};
use patchbay_jobs::messages::{ApplyReceipts, Reconcile, SendMessages, TakeInbound};
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::Job;
use patchbay_queue::ledger::list::{JobFilter, list as read};
use patchbay_queue::ledger::view::{self, JobView};
use serde_json::Value;

use super::model::storable;

/// Kinds whose payload holds nothing secret. A new kind is shown without its payload until it is named here.
const OPEN: &[&str] = &[
    ImportLeads::KIND,
    SendMessages::KIND,
    ApplyReceipts::KIND,
    TakeInbound::KIND,
    Reconcile::KIND,
    RunSchedule::KIND,
    RedriveDead::KIND,
    DiscardDead::KIND,
];

/// Which dead letters; all where nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this lane.
    pub lane: Option<String>,
    /// Of this group.
    pub group: Option<JobGroupId>,
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
            lane: filter.lane,
            group: filter.group.map(TypedId::uuid),
            subject: filter.subject,
            error_class: filter.error_class,
            error_code: filter.error_code,
            finished_from: filter.failed_from.map(storable),
            finished_before: filter.failed_before.map(storable),
            ..Self::default()
        }
    }
}

/// A page of `tenant`'s dead letters, newest job first.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut AsyncPgConnection,
    tenant: TenantId,
    filter: Filter,
    page: Page,
) -> DbResult<Paged<JobView>> {
    let found = read(conn, tenant.uuid(), &filter.into(), page.before(), page.fetch()).await?;
    Ok(page.cut_at(found.jobs, found.reached, |job| job.id))
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
