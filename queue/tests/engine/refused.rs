//! Outcomes that PostgreSQL does not take as they are: text with a NUL in it, and what it refuses for whatever reason.

use async_trait::async_trait;
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::told::request;
use crate::world::{Doer, QUEUE, World, in_ms};

/// How a run ends, word for word.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Say {
    Done(Value),
    Permanent(String, String),
    Throttled(String),
    Snooze(String),
    Panic(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct Speech {
    say: Say,
}

impl Job for Speech {
    const KIND: &'static str = "tests.speech";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy { backoff: std::time::Duration::from_secs(60), ..Policy::DEFAULT };
}

struct Speaker;

#[async_trait]
impl Handler<Speech> for Speaker {
    async fn run(&self, job: Speech, _: &JobContext) -> Result<Outcome, JobError> {
        let later = in_ms(60_000);
        match job.say {
            Say::Done(value) => Ok(Outcome::Done(Some(value))),
            Say::Permanent(code, detail) => Err(JobError::permanent(code, detail)),
            Say::Throttled(detail) => Err(JobError::throttled(later, "slow_down", detail)),
            Say::Snooze(reason) => Ok(Outcome::Snooze { until: later, reason }),
            Say::Panic(text) => panic!("{text}"),
        }
    }
}

/// Runs jobs that say these things among others that say nothing of note, and sees that the others end well.
async fn run<const N: usize>(world: &World, say: [Say; N], well: i64) -> [Uuid; N] {
    let tenant = Uuid::now_v7();
    let said = say.map(|say| NewJob::from(JobRequest::new(Uuid::now_v7(), tenant, Speech { say })));
    let ids = said.each_ref().map(|job| job.id);
    let mut jobs: Vec<NewJob> = (0..60).map(|_| request(tenant).into()).collect();
    for (n, job) in said.into_iter().enumerate() {
        jobs.insert(n * 7, job);
    }
    world.enqueue(&jobs).await;
    let worker = world.work(Doer::default().registry().with::<Speech, _>(Speaker), 32);
    world.until_count("succeeded", 60 + well).await;
    for id in ids {
        world.until_view(id, |view| view.state != "waiting").await;
    }
    worker.stop().await;
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().running, 0, "no lease is left");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nul_in_what_a_handler_says_is_replaced_and_keeps_no_outcome_from_being_written() {
    let world = World::new().await;
    let say = [
        Say::Permanent("co\0de".into(), "de\0tail".into()),
        Say::Done(json!({"ke\0y": ["a\0", {"b\0": "c\0"}], "whole": 1})),
        Say::Panic("pa\0nic".into()),
        Say::Snooze("qui\0et".into()),
        Say::Throttled("slo\0wly".into()),
    ];
    let [dead, done, panicked, snoozed, throttled] = run(&world, say, 1).await;
    let view = world.view(dead).await;
    assert_eq!((view.state.as_str(), view.last_error.as_deref()), ("dead", Some("co\u{fffd}de: de\u{fffd}tail")));
    let kept = json!({"ke\u{fffd}y": ["a\u{fffd}", {"b\u{fffd}": "c\u{fffd}"}], "whole": 1});
    assert_eq!(world.view(done).await.result, Some(kept));
    let view = world.view(panicked).await;
    assert_eq!((view.crashes, view.last_error.as_deref()), (1, Some("panicked: pa\u{fffd}nic")));
    assert_eq!(world.view(snoozed).await.held_reason.as_deref(), Some("qui\u{fffd}et"));
    assert_eq!(world.view(throttled).await.held_reason.as_deref(), Some("throttled: slo\u{fffd}wly"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_the_ledger_refuses_becomes_a_dead_letter_and_the_others_are_written() {
    let world = World::new().await;
    // One is refused by a rule, the other by an error inside of it: the driver tells only the first by its kind.
    world
        .sql("ALTER TABLE queue.jobs ADD CONSTRAINT heard CHECK ((result ->> 'number')::integer IS DISTINCT FROM 7)")
        .await;
    let say = [7.into(), json!("secret"), json!(8)].map(|number: Value| Say::Done(json!({"number": number})));
    let [ruled_out, failed, fine] = run(&world, say, 1).await;
    for id in [ruled_out, failed] {
        let view = world.view(id).await;
        assert_eq!((view.state.as_str(), view.error_class.as_deref(), view.result), ("dead", Some("permanent"), None));
        let error = view.last_error.unwrap();
        assert!(error.starts_with("outcome_refused: ") && !error.contains("secret"), "{error}");
    }
    assert_eq!(world.state(fine).await, "succeeded");
}
