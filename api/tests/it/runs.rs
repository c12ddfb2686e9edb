//! Jobs that had their turn: a real worker runs them as a test says, and what they wait for then is told.

use std::time::Duration;

use apalis_core::worker::builder::WorkerBuilder;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::TypedId;
use patchbay_db::ids::{JobGroupId, JobId};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::ledger::groups;
use patchbay_queue::{Conflict, Handler, JobContext, JobError, Keeper, KeeperSettings, Outcome, Registry};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::TestApi;
use crate::holds::hold;
use crate::jobs::why;

/// What is said of a job whose time has come beside why it waited.
const DUE: &str = " It is due, and about to be put into its lane.";

/// How a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    Succeeds,
    Fails,
    IsRefused,
    Panics,
    /// Is put off until then.
    Snoozes(DateTime<Utc>),
    IsThrottled(DateTime<Utc>),
    /// Goes on until its worker is shut down.
    IsInterrupted,
}

#[async_trait]
impl Handler<SendMessages> for Run {
    async fn run(&self, _: SendMessages, _: &JobContext) -> Result<Outcome, JobError> {
        match *self {
            Self::Succeeds => Ok(Outcome::Done(None)),
            Self::Fails => Err(JobError::retryable("twilio_http_500", "as told")),
            Self::IsRefused => Err(JobError::permanent("twilio_21610", "as told")),
            Self::Panics => panic!("as told"),
            Self::Snoozes(until) => Ok(Outcome::Snooze { until, reason: "the recipient sleeps".to_owned() }),
            Self::IsThrottled(until) => Err(JobError::throttled(until, "twilio_20429", "slow down")),
            Self::IsInterrupted => std::future::pending().await,
        }
    }
}

impl TestApi {
    /// Has a worker run what is due as `run` says, until the job `id` does not run any more.
    pub async fn run(&self, run: Run, id: JobId) {
        let backend = self.worker();
        let (inflight, draining) = (backend.inflight(), backend.draining());
        let service = backend.service(Registry::default().with::<SendMessages, _>(run));
        let worker = WorkerBuilder::new("a worker").backend(backend).build(service);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let ended = tokio::spawn(worker.run_until(async move {
            let _sender_gone = stopped.await;
            Ok::<(), std::io::Error>(())
        }));
        if run == Run::IsInterrupted {
            while inflight.running().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            draining.cancel();
            inflight.interrupt_all();
        }
        self.until(id, |status| !["queued", "running"].contains(&status)).await;
        draining.cancel();
        stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the worker ends").unwrap().unwrap();
    }

    async fn until(&self, id: JobId, wanted: impl Fn(&str) -> bool) {
        for _ in 0..1_000 {
            if wanted(why(&self.job(id).await).0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{}", self.job(id).await);
    }

    fn keeper(&self) -> Keeper {
        let pools = patchbay_db::Pools::new(self.db.config()).unwrap();
        let lanes = self.app.db.dispatcher().lanes().clone();
        Keeper::new(lanes, pools.system().clone(), KeeperSettings::new("a keeper"))
    }

    fn in_hours(&self, hours: i64) -> DateTime<Utc> {
        let at = self.app.clock.now() + TimeDelta::hours(hours);
        DateTime::from_timestamp(at.timestamp(), 0).unwrap()
    }

    /// The job, with the status, the reason and all of the words that it has to give; but for those that come once its time
    /// has, which may be while this looks.
    async fn says(&self, id: JobId, status: &str, reason: &str, words: &str) -> Value {
        let job = self.job(id).await;
        let detail = job["waiting"]["detail"].as_str().map(|detail| detail.trim_end_matches(DUE));
        assert_eq!((why(&job), detail), ((status, reason), Some(words)), "{job}");
        job
    }

    async fn accept_unique(&self, conflict: Conflict, run_at: Option<DateTime<Utc>>) -> JobId {
        self.accept_as(self.a.id, |job| job.unique("key").on_conflict(conflict).run_at(run_at)).await
    }
}

async fn served() -> TestApi {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    api
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[tokio::test]
async fn errors_and_crashes_are_told_each_with_their_own_end() {
    let api = served().await;
    let failed = api.accept(api.a.id).await;
    api.run(Run::Fails, failed).await;
    let job = api.says(failed, "scheduled", "retry", "It failed 1 of 8 times, last with twilio_http_500.").await;
    assert!([&job["run_at"], &Value::Null].contains(&&job["waiting"]["until"]), "{job}");

    let crashed = api.accept(api.a.id).await;
    api.run(Run::Panics, crashed).await;
    api.says(crashed, "scheduled", "retry", "It crashed 1 of 3 times, last with panicked.").await;
    let keeper = api.keeper();
    while why(&api.job(crashed).await).0 == "scheduled" {
        tokio::time::sleep(Duration::from_millis(50)).await;
        keeper.sweep().await.unwrap();
    }
    api.run(Run::Fails, crashed).await;
    let words = "It failed 1 of 8 times and crashed 1 of 3 times, last with twilio_http_500.";
    api.says(crashed, "scheduled", "retry", words).await;
}

#[tokio::test]
async fn what_its_worker_gave_back_says_so() {
    let api = served().await;
    let id = api.accept(api.a.id).await;
    api.run(Run::IsInterrupted, id).await;
    let job = api.says(id, "scheduled", "retry", "Its worker was shut down and gave it back.").await;
    assert_eq!((&job["interruptions"], &job["errors"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn what_is_put_off_says_why_and_until_when() {
    let api = served().await;
    let until = api.in_hours(3);
    for (run, words) in
        [(Run::Snoozes(until), "the recipient sleeps"), (Run::IsThrottled(until), "throttled: slow down")]
    {
        let id = api.accept(api.a.id).await;
        api.run(run, id).await;
        let job = api.says(id, "held", "held", words).await;
        assert_eq!(job["waiting"]["until"], rfc3339(until));
    }
}

#[tokio::test]
async fn what_is_planned_says_for_when() {
    let api = TestApi::new().await;
    let at = api.in_hours(3);
    let id = api.accept_as(api.a.id, |job| job.run_at(Some(at))).await;
    let job = api.says(id, "scheduled", "scheduled", &format!("It is planned for {}.", rfc3339(at))).await;
    assert_eq!(job["waiting"]["until"], rfc3339(at));
}

#[tokio::test]
async fn what_is_replaced_by_something_later_is_planned_however_it_had_gone() {
    let runs = [Run::Fails, Run::Panics, Run::IsInterrupted];
    for run in runs {
        let api = served().await;
        let at = api.in_hours(3);
        let id = api.accept_unique(Conflict::Keep, None).await;
        api.run(run, id).await;
        api.accept_unique(Conflict::Replace, Some(at)).await;
        let words = format!("It is planned for {}.", rfc3339(at));
        let job = api.says(id, "scheduled", "scheduled", &words).await;
        assert_eq!((&job["started_at"], &job["errors"]), (&Value::Null, &json!(0)), "{run:?}");
        assert_eq!(job["attempts"].as_array().unwrap().len(), 1, "the history stays");
    }
}

#[tokio::test]
async fn what_was_put_off_and_is_pushed_back_is_planned_for_then() {
    let api = served().await;
    let (until, at) = (api.in_hours(1), api.in_hours(3));
    let id = api.accept_unique(Conflict::Keep, None).await;
    api.run(Run::IsThrottled(until), id).await;
    api.accept_unique(Conflict::PushBack, Some(at)).await;
    let job = api.says(id, "scheduled", "scheduled", &format!("It is planned for {}.", rfc3339(at))).await;
    assert_eq!((&job["held_reason"], &job["waiting"]["until"]), (&Value::Null, &json!(rfc3339(at))));
}

#[tokio::test]
async fn a_job_after_a_group_that_is_over_says_what_of_it_failed() {
    let api = served().await;
    let group: JobGroupId = api.app.db.new_id(api.app.clock.now());
    let member = || api.accept_as(api.a.id, |job| job.group(group.uuid()));
    let (first, second) = (member().await, member().await);
    let after = api.accept_as(api.a.id, |job| job.after_group(group.uuid())).await;
    let after_any_end = api.accept_as(api.a.id, |job| job.after_group_end(group.uuid())).await;
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    groups::seal(&mut tx, api.a.id.uuid(), group.uuid()).await.unwrap();
    tx.commit().await.unwrap();
    let over = format!("It runs once the jobs of group {group} are over");
    api.says(after, "held", "group", &format!("{over}.")).await;

    assert_eq!(hold(&api, second).await.status, StatusCode::OK);
    api.run(Run::IsRefused, first).await;
    api.keeper().sweep().await.unwrap();
    let mend = ", of which 1 has failed: redrive or discard that one first.";
    api.says(after, "held", "group", &format!("{over}{mend}")).await;
    api.says(after_any_end, "held", "group", &format!("{over}.")).await;

    assert_eq!(api.act(second, "cancel").await.status, StatusCode::OK);
    api.keeper().sweep().await.unwrap();
    api.says(after, "held", "group", &format!("It runs after the jobs of group {group}{mend}")).await;
    assert_ne!(why(&api.job(after_any_end).await).0, "held", "any end will do");
    assert_eq!(api.act(first, "retry").await.status, StatusCode::ACCEPTED);
    api.keeper().sweep().await.unwrap();
    api.says(after, "held", "group", &format!("{over}.")).await;
    api.run(Run::Succeeds, first).await;
    api.keeper().sweep().await.unwrap();
    assert_eq!(why(&api.job(after).await).0, "queued");
}
