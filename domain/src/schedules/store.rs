//! Schedules of a tenant: made, changed, stopped, and run by hand.
//!
//! The rows and their SQL are the engine's; here each change is judged, and its event written with it.

use chrono::{DateTime, SubsecRound as _, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::ids::{JobId, ScheduleId, TenantId};
use patchbay_db::{DbError, DbResult, Page, Paged, Tx, TypedId};
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::JobRequest;
use patchbay_queue::schedule::{CatchUp, NewSchedule, Rule, RuleError, Schedule, store};
use serde_json::{Value, json};

use super::Action;
use crate::events::{self, Cause};
use crate::messages::accept::{self, Measure, Refusal};

/// Schedules that a tenant may have.
const MOST: i64 = 1_000;

/// Why a schedule is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Its rule is none.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Its rule has no tick to come.
    #[error("The rule never ticks.")]
    Never,
    /// The tenant has as many as it may have.
    #[error("A tenant has at most {MOST} schedules.")]
    TooMany,
    /// What it is to do would be refused; each reason with the place of its message, none where it is about all.
    #[error("the action would be refused")]
    Action(Vec<(Option<usize>, Refusal)>),
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for ScheduleError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// A schedule to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What people call it.
    pub name: String,
    /// When.
    pub cron: String,
    /// On whose clocks.
    pub time_zone: String,
    /// What becomes of the ticks of a downtime.
    pub catch_up: CatchUp,
    /// What a tick does.
    pub action: Action,
}

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What people call it.
    pub name: Option<String>,
    /// When.
    pub cron: Option<String>,
    /// On whose clocks.
    pub time_zone: Option<String>,
    /// What becomes of the ticks of a downtime.
    pub catch_up: Option<CatchUp>,
    /// What a tick does.
    pub action: Option<Action>,
}

/// The rule, if it has a tick after `now`.
fn rule(cron: &str, zone: &str, now: DateTime<Utc>) -> Result<Rule, ScheduleError> {
    let rule = Rule::new(cron, zone)?;
    if rule.next(now).is_none() { Err(ScheduleError::Never) } else { Ok(rule) }
}

/// The first `count` ticks after `from` of a rule that is stored nowhere, with the zone that they are to be shown in.
///
/// # Errors
/// Why it is no rule, or that it never ticks after `from`.
pub fn next_times(
    cron: &str,
    zone: &str,
    from: DateTime<Utc>,
    count: usize,
) -> Result<(Rule, Vec<DateTime<Utc>>), ScheduleError> {
    let rule = rule(cron, zone, from)?;
    let times = rule.ticks(from).take(count).collect();
    Ok((rule, times))
}

/// Whether `action` would be accepted at this moment.
async fn check(tx: &mut Tx, measure: Measure, action: &Action) -> Result<(), ScheduleError> {
    let refused = accept::check(tx, measure, action.clone().call(None, None)).await?;
    if refused.is_empty() { Ok(()) } else { Err(ScheduleError::Action(refused)) }
}

fn stored(action: &Action) -> Value {
    serde_json::to_value(action).expect("an action is plain data and serialises")
}

/// Makes a schedule.
///
/// # Errors
/// Why it is refused.
pub async fn create(
    tx: &mut Tx,
    cause: &Cause<'_>,
    measure: Measure,
    wanted: Wanted,
) -> Result<Schedule, ScheduleError> {
    let now = cause.now.trunc_subsecs(6);
    let Wanted { name, cron, time_zone, catch_up, action } = wanted;
    let rule = rule(&cron, &time_zone, now)?;
    check(tx, measure, &action).await?;
    let tenant = tx.tenant().uuid();
    if store::count(tx, tenant).await? >= MOST {
        return Err(ScheduleError::TooMany);
    }
    let id: ScheduleId = cause.ids.make(now);
    let new = NewSchedule { tenant_id: tenant, id: id.uuid(), name, rule, catch_up, action: stored(&action) };
    let schedule = store::insert(tx, &new, now).await?;
    happened(tx, cause, "schedule.created", &schedule).await?;
    Ok(schedule)
}

/// A schedule of the tenant.
///
/// # Errors
/// The database's.
pub async fn get(tx: &mut Tx, id: ScheduleId) -> DbResult<Option<Schedule>> {
    let tenant = tx.tenant().uuid();
    Ok(store::find(tx, tenant, id.uuid()).await?)
}

/// A page of schedules, newest first: those of `whose`, or all that the role may see (for the operator's, the program's
/// own among them).
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut AsyncPgConnection, whose: Option<TenantId>, page: Page) -> DbResult<Paged<Schedule>> {
    let rows = store::list(conn, whose.map(TypedId::uuid), page.before(), page.fetch()).await?;
    Ok(page.cut(rows, |schedule| schedule.id))
}

/// Changes a schedule; none if there is no such. A changed rule counts from now on.
///
/// # Errors
/// Why it is refused.
pub async fn update(
    tx: &mut Tx,
    cause: &Cause<'_>,
    measure: Measure,
    id: ScheduleId,
    change: Change,
) -> Result<Option<Schedule>, ScheduleError> {
    let now = cause.now.trunc_subsecs(6);
    let tenant = tx.tenant().uuid();
    let Some(mut schedule) = store::lock(tx, tenant, id.uuid()).await? else { return Ok(None) };
    let Change { name, cron, time_zone, catch_up, action } = change;
    if cron.is_some() || time_zone.is_some() {
        let cron = cron.as_deref().unwrap_or(&schedule.cron);
        let rule = rule(cron, time_zone.as_deref().unwrap_or(&schedule.time_zone), now)?;
        schedule.set_rule(&rule, now);
    }
    if let Some(action) = action {
        check(tx, measure, &action).await?;
        schedule.action = stored(&action);
    }
    schedule.name = name.unwrap_or(schedule.name);
    schedule.catch_up = catch_up.unwrap_or(schedule.catch_up);
    store::save(tx, &mut schedule, now).await?;
    happened(tx, cause, "schedule.updated", &schedule).await?;
    Ok(Some(schedule))
}

/// Stops a schedule's ticks; none if there is no such schedule. One that is paused stays as it is.
///
/// # Errors
/// The database's.
pub async fn pause(tx: &mut Tx, cause: &Cause<'_>, id: ScheduleId) -> DbResult<Option<Schedule>> {
    let now = cause.now.trunc_subsecs(6);
    let tenant = tx.tenant().uuid();
    let Some(mut schedule) = store::lock(tx, tenant, id.uuid()).await? else { return Ok(None) };
    if schedule.paused_at.is_none() {
        schedule.pause(now);
        store::save(tx, &mut schedule, now).await?;
        happened(tx, cause, "schedule.paused", &schedule).await?;
    }
    Ok(Some(schedule))
}

/// Lets a schedule tick again, from now on; none if there is no such schedule. One that is not paused stays as it is.
///
/// # Errors
/// Where its rule cannot be read any more.
pub async fn resume(tx: &mut Tx, cause: &Cause<'_>, id: ScheduleId) -> Result<Option<Schedule>, ScheduleError> {
    let now = cause.now.trunc_subsecs(6);
    let tenant = tx.tenant().uuid();
    let Some(mut schedule) = store::lock(tx, tenant, id.uuid()).await? else { return Ok(None) };
    if schedule.paused_at.is_some() {
        schedule.resume(now)?;
        store::save(tx, &mut schedule, now).await?;
        happened(tx, cause, "schedule.resumed", &schedule).await?;
    }
    Ok(Some(schedule))
}

/// Removes a schedule; answers it as it was. Messages and jobs that came of it stay.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &mut Tx, cause: &Cause<'_>, id: ScheduleId) -> DbResult<Option<Schedule>> {
    let tenant = tx.tenant().uuid();
    let Some(schedule) = store::delete(tx, tenant, id.uuid()).await? else { return Ok(None) };
    happened(tx, cause, "schedule.deleted", &schedule).await?;
    Ok(Some(schedule))
}

/// Enqueues a run now, whatever the rule says and also while it is paused; none if there is no such schedule.
///
/// # Errors
/// The database's.
pub async fn run_now(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: ScheduleId,
    trace: Option<String>,
) -> DbResult<Option<(Schedule, JobId)>> {
    let Some(schedule) = get(tx, id).await? else { return Ok(None) };
    let job: JobId = cause.ids.make(cause.now);
    let request = JobRequest::new(job.uuid(), tx.tenant().uuid(), RunSchedule { schedule_id: id, tick: None })
        .subject(id.to_string())
        .caused_by(trace, cause.request_id.map(str::to_owned));
    tx.enqueue(request).await?;
    Ok(Some((schedule, job)))
}

async fn happened(tx: &mut Tx, cause: &Cause<'_>, kind: &'static str, schedule: &Schedule) -> DbResult<()> {
    let id = ScheduleId::from_uuid(schedule.id);
    let payload = json!({ "schedule_id": id, "name": schedule.name });
    events::record(tx, cause, kind, id.to_string(), payload).await
}
