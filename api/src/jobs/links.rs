//! Where to read what a job did: one arm a kind, for kinds that leave something to read.

use patchbay_db::{TypedId, ids::JobId};
use patchbay_jobs::{imports::ImportLeads, messages::SendMessages, schedules::RunSchedule};
use patchbay_queue::{Job, ledger::view::JobView};

/// The paths of what came out and of what went wrong, where there are such.
pub(super) fn of(job: &JobView) -> (Option<String>, Option<String>) {
    match (job.kind.as_str(), job.subject.as_deref()) {
        (ImportLeads::KIND, Some(import)) => {
            (Some(format!("/v1/imports/{import}")), Some(format!("/v1/imports/{import}/errors")))
        }
        (SendMessages::KIND, Some(message)) => (Some(format!("/v1/messages/{message}")), None),
        (SendMessages::KIND, None) => {
            let messages = format!("/v1/messages?job_id={}", JobId::from_uuid(job.id));
            let failed = format!("{messages}&state=failed");
            (Some(messages), Some(failed))
        }
        (RunSchedule::KIND, Some(schedule)) => (Some(format!("/v1/schedules/{schedule}")), None),
        _ => (None, None),
    }
}
