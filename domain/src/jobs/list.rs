//! The list of jobs, newest first.
//!
//! It shows what the ledger knows: a job counts as running once it has run for a second (`ledger::crash::mark_running`).
//! Asking Redis about each row was rejected: the filter by status could not follow, and would contradict what it shows.

use chrono::{DateTime, Utc};
use patchbay_db::{DbResult, Page, Paged, Tx, TypedId};
use patchbay_queue::ledger::list::{JobFilter, list as read};
use patchbay_queue::ledger::view::JobView;

use super::model::{JobStatus, storable};

/// Which jobs; all where nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Where they stand.
    pub status: Option<JobStatus>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this record.
    pub subject: Option<String>,
    /// Made at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Made before.
    pub created_before: Option<DateTime<Utc>>,
}

/// A page of the tenant's jobs.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, filter: Filter, page: Page) -> DbResult<Paged<JobView>> {
    let mut wanted = JobFilter {
        queue: filter.queue,
        kind: filter.kind,
        subject: filter.subject,
        created_from: filter.created_from.map(storable),
        created_before: filter.created_before.map(storable),
        ..JobFilter::default()
    };
    if let Some(status) = filter.status {
        status.narrow(&mut wanted);
    }
    let tenant = tx.tenant().uuid();
    let found = read(tx, tenant, &wanted, page.before(), page.fetch()).await?;
    Ok(page.cut_at(found.jobs, found.reached, |job| job.id))
}
