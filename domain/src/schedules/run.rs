//! One run of a schedule: its action is accepted as a call of the API would be, once.
//!
//! A job may run more than once. What it came to is written to the job's own row in the transaction that accepts the
//! messages, and a second run finds it there: no table of runs is needed, and none grows.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Jsonb, Nullable, Uuid};
use diesel::{OptionalExtension as _, QueryableByName};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{JobId, MessageId};
use patchbay_db::{DbResult, Ids, Tx, TypedId};
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::schedule::store;
use patchbay_queue::sql::statement;
use serde_json::{Value, json};

use super::Action;
use crate::messages::accept::{self, Call, Measure, Refusal, Verdict};
use crate::tenants::{self, TenantStatus};

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It is done, now or by an earlier run of the same job; the job's result.
    Done(Value),
    /// Nothing was accepted, for a reason that somebody can take away.
    Refused(Refusal),
}

/// A run to be made.
#[derive(Debug, Clone)]
pub struct Run {
    /// The job that makes it.
    pub job: JobId,
    /// What the job says.
    pub what: RunSchedule,
    /// When.
    pub now: DateTime<Utc>,
    /// W3C `traceparent` of what caused the job.
    pub trace: Option<String>,
    /// The request that caused it, where somebody asked for the run.
    pub request_id: Option<String>,
}

#[derive(QueryableByName)]
struct Earlier {
    #[diesel(sql_type = Nullable<Jsonb>)]
    result: Option<Value>,
}

/// Makes a run. Commit if it is done.
///
/// # Errors
/// The database's.
pub async fn run(tx: &mut Tx, ids: &Ids, measure: Measure, run: Run) -> DbResult<Ran> {
    let Run { job, what, now, trace, request_id } = run;
    let tenant = tx.tenant();
    let earlier: Option<Earlier> =
        statement("SELECT result FROM queue.jobs WHERE tenant_id = $1 AND id = $2 FOR UPDATE")
            .bind::<Uuid, _>(tenant)
            .bind::<Uuid, _>(job)
            .get_result(tx)
            .await
            .optional()?;
    if let Some(result) = earlier.and_then(|earlier| earlier.result) {
        return Ok(Ran::Done(result));
    }
    let Some(schedule) = store::find(tx, tenant.uuid(), what.schedule_id.uuid()).await? else {
        return Ok(skipped("schedule_deleted"));
    };
    // Who pauses a schedule means the tick that waits already, too.
    if schedule.paused_at.is_some() && what.tick.is_some() {
        return Ok(skipped("schedule_paused"));
    }
    if tenants::get_own(tx).await?.is_none_or(|tenant| tenant.status != TenantStatus::Active) {
        return Ok(skipped("tenant_suspended"));
    }
    let Ok(action) = serde_json::from_value::<Action>(schedule.action) else {
        let detail = "The stored action cannot be read: store it again.".to_owned();
        return Ok(Ran::Refused(Refusal {
            pointer: "/action".into(),
            code: "action_unreadable",
            detail: detail.into(),
        }));
    };
    let ran = accepted(tx, ids, now, measure, action.call(trace, request_id)).await?;
    if let Ran::Done(result) = &ran {
        let written = statement("UPDATE queue.jobs SET result = $3 WHERE tenant_id = $1 AND id = $2")
            .bind::<Uuid, _>(tenant)
            .bind::<Uuid, _>(job)
            .bind::<Jsonb, _>(result)
            .execute(tx)
            .await?;
        expect_rows(1, written)?;
    }
    Ok(ran)
}

fn skipped(why: &str) -> Ran {
    Ran::Done(json!({ "skipped": why }))
}

async fn accepted(tx: &mut Tx, ids: &Ids, now: DateTime<Utc>, measure: Measure, call: Call) -> DbResult<Ran> {
    let asked = call.drafts.len();
    let verdict = accept::accept(tx, ids, now, measure, vec![call]).await?.into_iter().next();
    let (job, messages, refused) = match verdict {
        Some(Verdict::Accepted { job, results }) => {
            let (mut messages, mut refused) = (Vec::<MessageId>::new(), Vec::new());
            for (index, result) in results.into_iter().enumerate() {
                match result {
                    Ok(message) => messages.push(message.id),
                    Err(reasons) => refused.extend(reasons.into_iter().map(|reason| (Some(index), reason))),
                }
            }
            (Some(job), messages, refused)
        }
        Some(Verdict::Refused(refused)) => (None, Vec::new(), refused),
        None => (None, Vec::new(), Vec::new()),
    };
    // That a recipient does not want it is an outcome; anything else with nothing sent is a mistake that can be mended.
    if messages.is_empty()
        && let Some((_, mistake)) = refused.iter().find(|(_, refusal)| !is_recipients_will(refusal))
    {
        return Ok(Ran::Refused(mistake.clone()));
    }
    let refused: Vec<Value> = refused.iter().map(|(index, refusal)| told(*index, refusal)).collect();
    Ok(Ran::Done(json!({
        "job_id": job, "message_ids": messages, "accepted": messages.len(), "refused": asked - messages.len(),
        "refusals": refused,
    })))
}

fn is_recipients_will(refusal: &Refusal) -> bool {
    matches!(refusal.code, "recipient_opted_out" | "recipient_suppressed" | "recipient_not_opted_in")
}

fn told(index: Option<usize>, refusal: &Refusal) -> Value {
    json!({ "index": index, "pointer": refusal.pointer, "code": refusal.code, "detail": refusal.detail })
}
