//! What redriving and discarding at a pace share: what is asked for, and the job that does it.

use chrono::{DateTime, Utc};
use patchbay_db::{
    Tx, TypedId,
    ids::{JobId, TenantId},
};
use patchbay_domain::jobs::{
    self, dead_keys,
    pace::{self, MOST},
    situation::Situation,
};
use patchbay_jobs::jobs::Selection;
use patchbay_queue::{Job as Kind, JobRequest, SYSTEM_TENANT};
use poem_openapi::{Object, types::Example};
use serde_json::json;

use super::dto::{DeadLetterFilter, ErrorClass};
use crate::{
    http::{Accepted, Caller, Handled, Id, Problem, Written, door, idempotency::Once},
    jobs::{Write, dto::Job},
};

/// Many dead letters, and how fast to work through them.
#[derive(Debug, Object)]
#[oai(example)]
pub struct DeadLetterJobCreate {
    /// These. Either this or `filter` is given.
    #[oai(validator(min_items = 1, max_items = 1000))]
    pub ids: Option<Vec<Id<JobId>>>,
    /// Those that match, those that gave up first at the front (tenant by tenant, for the system key); an empty filter
    /// matches all. What gives up from now on is not taken.
    pub filter: Option<DeadLetterFilter>,
    /// How many at most.
    #[oai(default = "most", validator(minimum(value = "1"), maximum(value = "100000")))]
    pub limit: u32,
    /// How many a second, on average; as fast as it goes where it is left out.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub per_second: Option<u32>,
    /// Whose, for the system key, which means everybody's where it is left out. A tenant's key means its own.
    pub tenant_id: Option<Id<TenantId>>,
}

const fn most() -> u32 {
    MOST
}

impl Example for DeadLetterJobCreate {
    fn example() -> Self {
        let filter = DeadLetterFilter {
            queue: None,
            kind: Some("messages.send".to_owned()),
            lane: None,
            group_id: None,
            subject: None,
            error_class: Some(ErrorClass::Retryable),
            error_code: None,
            failed_from: None,
            failed_before: None,
        };
        Self { ids: None, filter: Some(filter), limit: 10_000, per_second: Some(50), tenant_id: None }
    }
}

impl DeadLetterJobCreate {
    /// What the job is told: never what dies after `now`.
    pub(super) fn selection(&self, whose: Option<TenantId>, now: DateTime<Utc>) -> Result<Selection, Problem> {
        let all = |failed_before| Selection {
            of_all: whose.is_none(),
            ids: Vec::new(),
            queue: None,
            kind: None,
            lane: None,
            group: None,
            subject: None,
            error_class: None,
            error_code: None,
            failed_from: None,
            failed_before,
        };
        match (&self.ids, &self.filter) {
            (Some(ids), None) => Ok(Selection { ids: ids.iter().map(|id| id.0).collect(), ..all(now) }),
            (None, Some(filter)) => {
                let filter = filter.clone();
                let before = filter.failed_before.map_or(now, |before| before.0.min(now));
                Ok(Selection {
                    queue: filter.queue,
                    kind: filter.kind,
                    lane: filter.lane,
                    group: filter.group_id.map(|id| id.0),
                    subject: filter.subject,
                    error_class: filter.error_class.map(ErrorClass::stored),
                    error_code: filter.error_code,
                    failed_from: filter.failed_from.map(|from| from.0),
                    ..all(before)
                })
            }
            _ => Err(Problem::refused("", "ids_or_filter", "Give either ids or filter.")),
        }
    }
}

/// Whose job it is: for everybody's dead letters the installation's.
pub(super) fn owner(whose: Option<TenantId>) -> TenantId {
    whose.unwrap_or_else(|| TenantId::from_uuid(SYSTEM_TENANT))
}

/// How many there are now: the job's total.
pub(super) async fn total(
    call: &Caller<Write>,
    whose: Option<TenantId>,
    selection: &Selection,
    limit: u32,
) -> Handled<i32> {
    let most = i64::from(limit);
    let mut tx = call.read().await?;
    let found = if selection.ids.is_empty() {
        dead_keys::count(&mut tx, whose, &selection.clone().into(), most).await?
    } else {
        let found = pace::find(&mut tx, whose, selection, None, most).await?;
        i64::try_from(found.len()).map_err(Problem::internal)?
    };
    tx.commit().await?;
    Ok(i32::try_from(found).map_err(Problem::internal)?)
}

/// Enqueues `work` on `total` dead letters, notes it, and answers with its job.
pub(super) async fn accept<J: Kind>(
    call: &Caller<Write>,
    mut tx: Once<Tx>,
    work: J,
    total: i32,
    action: &'static str,
    detail: serde_json::Value,
) -> Written<Accepted<Job>> {
    let tenant = tx.tenant();
    door::admit(&call.app().depth, &mut tx, tenant, J::QUEUE, 1).await?;
    let id: JobId = call.app().db.new_id(call.now());
    let trace = patchbay_service::telemetry::current_traceparent();
    let request = JobRequest::new(id.uuid(), tenant.uuid(), work)
        .total(total)
        .caused_by(trace, Some(call.request_id().to_owned()));
    tx.enqueue(request).await?;
    let detail = json!({ "selected": detail, "found": total });
    call.audit(&mut tx, Some(tenant), action, id.to_string(), detail).await?;
    let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::internal("a job vanished"))?;
    let situation = Situation { status: jobs::JobStatus::of(&job, false), waiting: None };
    let record = Job::of(job, situation, call.asked(), &call.app().config.retention);
    tx.finish(Accepted { job: id, run_at: None, record }).await
}
