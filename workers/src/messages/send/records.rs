//! Records of jobs that run at the same time share a transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use patchbay_db::ids::{MessageId, ProviderAccountId, TenantId};
use patchbay_db::{DbError, DbResult};
use patchbay_domain::consent::{self, ConsentChange};
use patchbay_domain::events::Cause;
use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::dead::{Failed, split_off};
use patchbay_domain::messages::events::{self, Fact};
use patchbay_domain::messages::send::{Recorded, Report, record};
use patchbay_domain::provider_accounts::mark_auth_failed;
use patchbay_queue::group_commit::{GroupCommit, GroupError, GroupSize};

use super::super::Messaging;
use super::fate::Fate;

/// Entries (a job's each) of one transaction, and of one tenant waiting for theirs.
const SIZE: GroupSize = GroupSize { set: 200, waiting: 10_000, pause: Duration::ZERO };

/// What one job has to record.
#[derive(Debug)]
struct Entry {
    reports: Vec<Report>,
    opt_outs: Vec<ConsentChange>,
    auth_failed: Option<(ProviderAccountId, DateTime<Utc>)>,
    /// The worker, where failures leave their job.
    split: Option<String>,
}

/// The records of one process.
#[derive(Debug)]
pub(super) struct Records(GroupCommit<TenantId, Entry, (), Arc<DbError>>);

impl Records {
    pub fn new(messaging: &Messaging) -> Self {
        let messaging = messaging.clone();
        Self(GroupCommit::new(SIZE, move |tenant, entries: Vec<Entry>| {
            let messaging = messaging.clone();
            async move {
                let answers = vec![(); entries.len()];
                write(&messaging, tenant, entries).await.map_err(Arc::new)?;
                Ok(answers)
            }
        }))
    }

    /// Records what became of a job's messages. `split` names the worker where each failure is to become a dead
    /// letter of its own; otherwise the job itself will be one.
    pub async fn record(
        &self,
        tenant: TenantId,
        fates: &[Fate],
        split: Option<&str>,
    ) -> Result<(), GroupError<Arc<DbError>>> {
        let mut entry = Entry {
            reports: fates.iter().filter_map(Fate::report).cloned().collect(),
            opt_outs: Vec::new(),
            auth_failed: None,
            split: split.map(str::to_owned),
        };
        for fate in fates {
            match fate {
                Fate::OptedOut(_, change) => entry.opt_outs.push(change.clone()),
                Fate::AuthFailed(_, account, version) => entry.auth_failed = Some((*account, *version)),
                _ => {}
            }
        }
        if entry.reports.is_empty() { Ok(()) } else { self.0.submit(tenant, entry).await }
    }
}

async fn write(messaging: &Messaging, tenant: TenantId, entries: Vec<Entry>) -> DbResult<()> {
    let db = &messaging.db;
    let now = messaging.clock.now();
    let mut tx = db.begin(tenant).await?;
    let reports: Vec<Report> = entries.iter().flat_map(|entry| entry.reports.iter().cloned()).collect();
    let recorded = record(&mut tx, &reports, messaging.settings.check_after).await?;
    let by_id: HashMap<MessageId, &Recorded> = recorded.iter().map(|message| (message.id, message)).collect();
    let facts: Vec<Fact> = recorded.iter().filter(|m| m.state != MessageState::Queued).map(fact).collect();
    events::record(&mut tx, db.ids(), now, &facts).await?;
    let cause = Cause { ids: db.ids(), now, request_id: None };
    for entry in &entries {
        for change in &entry.opt_outs {
            consent::record(&mut tx, &cause, change).await?;
        }
        if let Some((account, version)) = entry.auth_failed {
            mark_auth_failed(&mut tx, account, version).await?;
            messaging.accounts.forget(account);
        }
        if let Some(worker) = &entry.split {
            let failed = entry.reports.iter().filter(|report| by_id.contains_key(&report.message));
            let failed: Vec<Failed> = failed.filter_map(failure).collect();
            split_off(&mut tx, db.ids(), now, worker, &failed).await?;
        }
    }
    tx.commit().await
}

fn fact(message: &Recorded) -> Fact {
    Fact {
        message: message.id,
        contact: message.contact_id,
        state: message.state,
        error_code: message.error_code.clone(),
    }
}

/// A report of a failure for good, as its dead letter tells it.
fn failure(report: &Report) -> Option<Failed> {
    matches!(report.state, MessageState::Failed | MessageState::Undelivered).then(|| Failed {
        message: report.message,
        code: report.code.clone().unwrap_or_default(),
        detail: report.detail.clone().unwrap_or_default(),
    })
}
