//! Takes ticks: at each, a job is enqueued, exactly once among all schedulers.
//!
//! A look is one transaction: the due schedules move forward and the jobs of their ticks are inserted. A scheduler that
//! dies in between has done neither, and the next look of any takes the ticks. What is due is read from the rows and
//! their rules, never from what this process remembers, and at the database's time: a scheduler on a machine whose clock
//! is off ticks with the others.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::ids::{JobId, ScheduleId};
use patchbay_db::{Db, DbResult, SystemTx, TypedId as _};
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::ledger::{self, DepthGuard, Inserted};
use patchbay_queue::schedule::take::{self, Look, Most, Tick};
use patchbay_queue::schedule::{CatchUp, Declared, Schedule, declare};
use patchbay_queue::{Job as _, JobRequest, NewJob, SYSTEM_TENANT};
use patchbay_service::{Clock, telemetry};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::table::Entry;

/// How long a ticker sleeps at the most: a schedule that was made meanwhile is seen then, and one that another scheduler
/// died on.
const LOOK_AT_LEAST: Duration = Duration::from_millis(500);
/// How long it sleeps at the least, where more is due.
const LOOK_AT_MOST: Duration = Duration::from_millis(20);
/// How often the table is declared again, so that it is not forgotten.
const DECLARE_EVERY: Duration = Duration::from_secs(600);
/// The pause after a failure of the database.
const WEATHER: Duration = Duration::from_secs(2);
/// The `schedule` of tenants' ticks in the metrics: one for all.
const TENANTS: &str = "tenants";

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Instants {
    /// The database's, which all schedulers share.
    OfDatabase,
    /// A test's.
    Of(Arc<dyn Clock>),
}

/// A tick that was taken here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Whose schedule.
    pub tenant: Uuid,
    /// Its name.
    pub name: String,
    /// Which.
    pub tick: DateTime<Utc>,
    /// What became of its job: a unique one of an earlier tick may live still.
    pub job: Inserted,
}

/// What a look came to.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The ticks that it took.
    pub taken: Vec<Taken>,
    /// When to look again.
    pub again_in: Duration,
}

/// Takes the ticks of a table and of all tenants' schedules.
#[derive(Debug, Clone)]
pub struct Ticker {
    db: Db,
    instants: Instants,
    table: Arc<[Entry]>,
    names: Arc<[&'static str]>,
    depth: DepthGuard,
    looked: Looks,
}

/// When a ticker last looked and took what was due; clones see the same.
#[derive(Debug, Clone, Default)]
pub struct Looks(Arc<Mutex<Option<Instant>>>);

impl Looks {
    fn now(&self) {
        *self.0.lock().expect("no holder of this lock can panic") = Some(Instant::now());
    }

    /// How long ago that was; none where it has not yet.
    #[must_use]
    pub fn ago(&self) -> Option<Duration> {
        self.0.lock().expect("no holder of this lock can panic").map(|at| at.elapsed())
    }
}

impl Ticker {
    /// A ticker of `table` and of the tenants; `depth` guards how many runs of a tenant may wait, as at the API's door.
    #[must_use]
    pub fn new(db: Db, instants: Instants, table: Vec<Entry>, depth: DepthGuard) -> Self {
        let names = table.iter().map(|entry| entry.declared.name).collect();
        Self { db, instants, table: table.into(), names, depth, looked: Looks::default() }
    }

    /// When it looks.
    #[must_use]
    pub fn looks(&self) -> Looks {
        self.looked.clone()
    }

    /// Takes ticks until `stop`. Trouble with the database is waited out.
    pub async fn run(self, stop: CancellationToken) {
        let mut declared: Option<tokio::time::Instant> = None;
        loop {
            let looked = async {
                if declared.is_none_or(|at| at.elapsed() > DECLARE_EVERY) {
                    self.declare().await?;
                    declared = Some(tokio::time::Instant::now());
                }
                self.look().await
            };
            let pause = match looked.await {
                Ok(looked) => {
                    self.looked.now();
                    looked.again_in
                }
                Err(error) => {
                    tracing::warn!(%error, "ticks wait for the database");
                    WEATHER
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Stores the table, so that its ticks are taken like those of tenants. One seen for the first time starts now: its
    /// first tick is its next.
    ///
    /// # Errors
    /// The database's.
    pub async fn declare(&self) -> DbResult<()> {
        let own: Vec<Declared> = self.table.iter().map(|entry| entry.declared.clone()).collect();
        let mut tx = self.db.system("schedules: those of the program").await?;
        let now = self.now(&mut tx).await?;
        declare(&mut tx, &own, now, || self.db.new_id::<ScheduleId>(now).uuid()).await?;
        tx.commit().await
    }

    async fn now(&self, tx: &mut SystemTx) -> DbResult<DateTime<Utc>> {
        match &self.instants {
            Instants::OfDatabase => Ok(ledger::now(tx).await?),
            Instants::Of(clock) => Ok(clock.now()),
        }
    }

    /// Takes what is due and nobody else has.
    ///
    /// # Errors
    /// The database's; no tick is taken then (or, where the connection was lost at the commit, all are, with their
    /// jobs).
    pub async fn look(&self) -> DbResult<Looked> {
        let span = tracing::info_span!("ticks");
        async {
            let mut tx = self.db.system("schedules: ticks and their jobs").await?;
            let now = self.now(&mut tx).await?;
            let look = take::due(&mut tx, &self.names, now, Most::USUAL, &self.depth, RunSchedule::QUEUE).await?;
            let trace = telemetry::current_traceparent();
            let jobs: Vec<NewJob> =
                look.ticks.iter().map(|tick| NewJob { trace: trace.clone(), ..self.job(&look, tick) }).collect();
            let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
            let inserted = if jobs.is_empty() { Vec::new() } else { tx.enqueue_all(jobs).await? };
            let living = |(id, inserted): (&Uuid, &Inserted)| match inserted {
                Inserted::Existing(other) => *other,
                _ => *id,
            };
            let living: Vec<Uuid> = ids.iter().zip(&inserted).map(living).collect();
            look.advance(&mut tx, &living).await?;
            // Who only waits for what others have in hand, or for room, need not look again at once.
            let next = take::next(&mut tx, &self.names, look.is_idle().then_some(now)).await?;
            tx.commit().await?;
            let taken = look.ticks.iter().zip(inserted).map(|(tick, job)| report(&look, *tick, job)).collect();
            Ok(Looked { taken, again_in: pause(next, now) })
        }
        .instrument(span)
        .await
    }

    /// The job of a tick.
    fn job(&self, look: &Look, tick: &Tick) -> NewJob {
        let schedule = &look.schedules[tick.schedule];
        let id = self.db.new_id::<JobId>(look.now).uuid();
        if schedule.tenant_id == SYSTEM_TENANT {
            let entry = self.table.iter().find(|entry| entry.declared.name == schedule.name);
            return entry.expect("only the schedules of this table are asked for").job(id);
        }
        tenants_job(schedule, id, tick.at)
    }
}

/// The job of a tenant's tick. While the job of the tick before lives, only a schedule that wants all its ticks gets
/// another: the others would pile up while nobody works.
fn tenants_job(schedule: &Schedule, id: Uuid, tick: DateTime<Utc>) -> NewJob {
    let schedule_id = ScheduleId::from_uuid(schedule.id);
    let request = JobRequest::new(id, schedule.tenant_id, RunSchedule { schedule_id, tick: Some(tick) })
        .subject(schedule_id.to_string());
    match schedule.catch_up {
        CatchUp::All => request.into(),
        CatchUp::Last | CatchUp::None => request.unique(schedule_id.to_string()).into(),
    }
}

/// How long to sleep before the next look.
fn pause(next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    let until = next.map_or(TimeDelta::MAX, |next| next - now).to_std().unwrap_or_default();
    until.clamp(LOOK_AT_MOST, LOOK_AT_LEAST)
}

fn report(look: &Look, tick: Tick, job: Inserted) -> Taken {
    let Schedule { tenant_id: tenant, name, .. } = look.schedules[tick.schedule].clone();
    let late = (look.now - tick.at).to_std().unwrap_or_default().as_secs_f64();
    let outcome = if matches!(job, Inserted::Existing(_)) { "still_running" } else { "enqueued" };
    let label = if tenant == SYSTEM_TENANT { name.clone() } else { TENANTS.to_owned() };
    metrics::histogram!("patchbay_schedule_lateness_seconds", "schedule" => label.clone()).record(late);
    metrics::counter!("patchbay_schedule_ticks_total", "schedule" => label, "outcome" => outcome).increment(1);
    tracing::debug!(schedule = name, tick = %tick.at, outcome, late_seconds = late, "tick");
    Taken { tenant, name, tick: tick.at, job }
}
