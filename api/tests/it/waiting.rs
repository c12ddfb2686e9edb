//! Why a job waits: one test a reason, each brought about as it comes about, against real Redis and PostgreSQL.

use std::time::Duration;

use chrono::{Datelike, TimeDelta};
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use patchbay_db::{
    TypedId,
    ids::{JobGroupId, JobId},
};
use patchbay_queue::{LaneName, Registry, lanes::Report};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    harness::{SYSTEM_KEY, TestApi},
    jobs::why,
    runs::Run,
    work::{ACCOUNT, LANE, QUEUE},
};

const SEND: &[&str] = &["messages.send"];

impl TestApi {
    async fn limit(&self, key: &str, lane: &str, query: &str, limit: Value) {
        let path = format!("/v1/queues/sends/lanes/{}/limit{query}", lane.replace('+', "%2B"));
        let set = self.send(Method::PUT, &path, Some(key), Some(&limit), &[]).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    }

    async fn pause(&self, key: &str, queue: &str, body: Value) {
        let paused = self.post(&format!("/v1/queues/{queue}/pause"), key, &body).await;
        assert_eq!(paused.status, StatusCode::OK, "{}", paused.text);
    }

    async fn told(&self, id: JobId, reason: &str, words: &str) -> Value {
        let job = self.job(id).await;
        assert_eq!(job["waiting"]["reason"], reason, "{job}");
        let detail = job["waiting"]["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
        job
    }

    async fn until_held(&self, id: JobId) {
        for _ in 0..500 {
            if why(&self.job(id).await).0 == "held" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} was not put aside");
    }

    /// Hours that are over today and tomorrow.
    fn shut(&self) -> Value {
        let day = (self.app.clock.now() + TimeDelta::days(2)).weekday();
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let day = days[day.num_days_from_monday() as usize];
        let openings = json!([{ "days": [day], "opens": "09:00", "closes": "17:00" }]);
        json!({ "hours": { "timezone": "America/Chicago", "openings": openings } })
    }
}

#[tokio::test]
async fn before_the_limits_are_known_it_says_that_the_dispatcher_is_starting() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    api.told(id, "starting", "being told the limits").await;
}

#[tokio::test]
async fn without_a_worker_of_its_queue_nobody_comes_round() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    api.app.db.dispatcher().lanes().open(QUEUE, false).await.unwrap();
    api.told(id, "no_worker", "No worker serves the queue sends").await;
    api.serve(&["another.kind"]).await;
    api.told(id, "no_worker", "knows the kind messages.send").await;
    api.serve(SEND).await;
    api.told(id, "in_turn", "0 jobs of its lane are before it").await;
}

#[tokio::test]
async fn a_worker_that_is_too_old_is_none() {
    let api = TestApi::new().await;
    api.serve(&[]).await;
    let id = api.accept(api.a.id).await;
    let worker = api.worker();
    let _knows_nothing = worker.service(Registry::default());
    api.until_held(id).await;
    api.told(id, "no_worker", "waits for a newer worker: no worker here knows kind messages.send version 1").await;
}

#[tokio::test]
async fn as_many_run_as_may() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let (_first, second) = (api.accept(api.a.id).await, api.accept(api.a.id).await);
    api.limit(&api.a.key, ACCOUNT, "", json!({ "concurrency": 1 })).await;
    assert_eq!(api.claim(5).await.len(), 1);
    let job = api.told(second, "concurrency", ACCOUNT).await;
    assert_eq!((&job["waiting"]["until"], &job["waiting"]["position"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn a_ceiling_that_all_share_is_told_to_each() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    api.limit(SYSTEM_KEY, ACCOUNT, "?shared=true", json!({ "rate_per_second": 0.01, "burst": 1 })).await;
    api.accept(api.b.id).await;
    let (first, second) = (api.accept(api.a.id).await, api.accept(api.a.id).await);
    // Wherever the bucket stands after opening: once one was let through, the others wait.
    let taken = api.claim(5).await;
    assert!(taken.len() <= 1);
    let waiting = if taken.iter().any(|job| job.id == first.uuid()) { second } else { first };
    let job = api.told(waiting, "rate_limited", "everybody's lanes").await;
    assert!(job["waiting"]["until"].is_string());
}

#[tokio::test]
async fn outside_of_its_hours_it_says_when_they_open() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let id = api.accept(api.a.id).await;
    api.limit(&api.a.key, "*", "", api.shut()).await;
    assert!(api.claim(1).await.is_empty());
    let job = api.told(id, "outside_hours", "your share").await;
    let until = job["waiting"]["until"].as_str().unwrap();
    assert!(until.ends_with("14:00:00Z") || until.ends_with("15:00:00Z"), "nine in Chicago: {until}");
}

#[tokio::test]
async fn what_fails_is_left_alone() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let id = api.accept(api.a.id).await;
    let rule = json!({ "breaker": { "failures": 2, "within_seconds": 60, "open_seconds": 60 } });
    api.limit(&api.a.key, ACCOUNT, "", rule).await;
    let key = LaneName { tenant: api.a.id.uuid(), lane: ACCOUNT.to_owned() };
    let lanes = api.app.db.dispatcher().lanes();
    for _ in 0..2 {
        lanes.report(QUEUE, &key, Report::Failure).await.unwrap();
    }
    let job = api.told(id, "breaker_open", ACCOUNT).await;
    assert!(job["waiting"]["until"].is_string());
    assert!(api.claim(1).await.is_empty());
}

#[tokio::test]
async fn a_penalty_of_its_account_holds_for_each_sender() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let id = api.accept(api.a.id).await;
    let key = LaneName { tenant: api.a.id.uuid(), lane: ACCOUNT.to_owned() };
    let until = api.app.clock.now().timestamp_millis() + 60_000;
    api.app.db.dispatcher().lanes().penalise(QUEUE, &key, until).await.unwrap();
    assert!(api.claim(1).await.is_empty());
    api.told(id, "penalised", ACCOUNT).await;
}

#[tokio::test]
async fn a_pause_says_what_it_covers_and_who_paused_it() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let id = api.accept(api.a.id).await;
    let cases = [
        (
            api.a.key.as_str(),
            "sends",
            json!({ "reason": "x", "lane": ACCOUNT }),
            format!("The lane {ACCOUNT} was paused by key_"),
        ),
        (
            SYSTEM_KEY,
            "sends",
            json!({ "reason": "x", "lane": ACCOUNT, "shared": true }),
            format!("Everybody's lanes under {ACCOUNT}"),
        ),
        (
            api.a.key.as_str(),
            "sends",
            json!({ "reason": "x" }),
            "Your share of the queue was paused by key_".to_owned(),
        ),
        (
            SYSTEM_KEY,
            "*",
            json!({ "reason": "Unpaid.", "tenant_id": api.a.id.to_string() }),
            "All of your work was paused by system: Unpaid.".to_owned(),
        ),
        (
            SYSTEM_KEY,
            "sends",
            json!({ "reason": "x", "kind": "messages.send" }),
            "The kind messages.send was paused by system".to_owned(),
        ),
        (SYSTEM_KEY, "sends", json!({ "reason": "x" }), "The whole queue was paused by system".to_owned()),
    ];
    for (key, queue, body, words) in cases {
        api.pause(key, queue, body.clone()).await;
        api.told(id, "paused", &words).await;
        let mut scope = body.clone();
        scope.as_object_mut().unwrap().remove("reason");
        let resumed = api.post(&format!("/v1/queues/{queue}/resume"), key, &scope).await;
        assert_eq!(resumed.body["pauses"], json!([]), "{}", resumed.text);
        api.told(id, "in_turn", "before it").await;
    }
}

#[tokio::test]
async fn a_pause_is_told_however_many_others_there_are() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let id = api.accept(api.a.id).await;
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    diesel::sql_query(
        "INSERT INTO queue.pauses (queue, tenant_id, lane, paused_by)
         SELECT 'sends', $1, 'lane' || n, 'somebody' FROM generate_series(1, 1000) n",
    )
    .bind::<SqlUuid, _>(api.a.id.uuid())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    api.pause(&api.a.key, "sends", json!({ "reason": "The last of many.", "lane": ACCOUNT })).await;
    api.told(id, "paused", "The last of many.").await;
}

#[tokio::test]
async fn a_job_put_aside_because_its_kind_is_paused_says_so() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let id = api.accept(api.a.id).await;
    let body = json!({ "reason": "A bad release.", "kind": "messages.send", "until": "2030-01-01T00:00:00Z" });
    api.pause(SYSTEM_KEY, "sends", body).await;
    let _worker = api.worker();
    api.until_held(id).await;
    let job = api.told(id, "paused", "A bad release.").await;
    assert_eq!((why(&job).0, &job["waiting"]["until"]), ("held", &json!("2030-01-01T00:00:00Z")));
}

#[tokio::test]
async fn an_approval_is_waited_for_by_name() {
    let api = TestApi::new().await;
    let id =
        api.accept_as(api.a.id, |job| job.held("approval", "a person looks at campaigns of more than 1,000")).await;
    let job = api.told(id, "approval", "a person looks at campaigns").await;
    assert_eq!((why(&job).0, &job["held_by"]), ("held", &json!("approval")));
}

#[tokio::test]
async fn a_job_after_another_names_it_and_how_it_stands() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let first = api.accept(api.a.id).await;
    let second = api.accept_as(api.a.id, |job| job.after(first.uuid())).await;
    let job = api.told(second, "dependency", &format!("It runs after {first}")).await;
    assert_eq!((why(&job).0, &job["held_by"]), ("held", &json!("dependency")));
    api.run(Run::IsRefused, first).await;
    api.told(second, "dependency", "has failed: redrive or discard that one first").await;
}

#[tokio::test]
async fn a_job_after_a_group_names_the_group() {
    let api = TestApi::new().await;
    let group: JobGroupId = api.app.db.new_id(api.app.clock.now());
    api.accept_as(api.a.id, |job| job.group(group.uuid())).await;
    let after = api.accept_as(api.a.id, |job| job.after_group(group.uuid())).await;
    api.told(after, "group", &group.to_string()).await;
}

#[tokio::test]
async fn the_longest_of_several_things_is_told() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let id = api.accept(api.a.id).await;
    let lane = LaneName { tenant: api.a.id.uuid(), lane: LANE.to_owned() };
    let until = api.app.clock.now().timestamp_millis() + 1_000;
    api.app.db.dispatcher().lanes().penalise(QUEUE, &lane, until).await.unwrap();
    let rule = json!({ "breaker": { "failures": 1, "within_seconds": 60, "open_seconds": 600 } });
    api.limit(&api.a.key, ACCOUNT, "", rule).await;
    let key = LaneName { lane: ACCOUNT.to_owned(), ..lane };
    api.app.db.dispatcher().lanes().report(QUEUE, &key, Report::Failure).await.unwrap();
    api.told(id, "breaker_open", ACCOUNT).await;
}

#[tokio::test]
async fn beyond_the_window_of_its_lane_a_job_is_told_what_the_lane_waits_for() {
    let api = TestApi::new().await;
    api.serve(SEND).await;
    let lanes = api.app.db.dispatcher().lanes();
    let breaker = json!({ "breaker": { "failures": 1, "within_seconds": 60, "open_seconds": 60 } });
    let cases = [
        ("rate_limited", json!({ "rate_per_second": 0.01, "burst": 1 })),
        ("concurrency", json!({ "concurrency": 1 })),
        ("outside_hours", api.shut()),
        ("breaker_open", breaker),
        ("penalised", Value::Null),
    ];
    for (n, (reason, limit)) in cases.into_iter().enumerate() {
        let account = LaneName { tenant: api.a.id.uuid(), lane: format!("account{n}") };
        let lane = LaneName { lane: format!("{}~+12025550100", account.lane), ..account.clone() };
        let first = api.accept_as(api.a.id, |job| job.lane(&lane.lane)).await;
        api.until_pushed(first).await;
        lanes.mark_full(QUEUE, std::slice::from_ref(&lane)).await.unwrap();
        // A full lane turns it away.
        let beyond = api.accept_as(api.a.id, |job| job.lane(&lane.lane)).await;
        let job = api.told(beyond, "backlog", "loaded when there is room").await;
        assert_eq!(job["waiting"]["position"], 1);
        match limit {
            Value::Null => {
                let until = api.app.clock.now().timestamp_millis() + 60_000;
                lanes.penalise(QUEUE, &account, until).await.unwrap();
            }
            limit => api.limit(&api.a.key, &account.lane, "", limit).await,
        }
        if reason == "breaker_open" {
            lanes.report(QUEUE, &account, Report::Failure).await.unwrap();
        }
        api.claim(1).await;
        let job = api.told(beyond, reason, &account.lane).await;
        assert_eq!((why(&job).0, &job["waiting"]["position"]), ("queued", &json!(1)));
        assert_eq!(lanes.present(QUEUE, &[beyond.uuid()]).await.unwrap(), [false]);
    }
}

#[tokio::test]
async fn beyond_the_window_too_nobody_comes_round_without_a_worker() {
    let api = TestApi::new().await;
    api.app.db.dispatcher().lanes().open(QUEUE, false).await.unwrap();
    let id = api.accept_unpushed(api.a.id).await;
    api.told(id, "no_worker", "No worker serves the queue sends").await;
}

#[tokio::test]
async fn without_redis_nobody_can_say_and_the_job_is_safe() {
    let api = TestApi::without_redis().await;
    let due = api.accept_unpushed(api.a.id).await;
    let job = api.told(due, "unknown", "the job is safe in the ledger").await;
    assert_eq!(why(&job).0, "queued");
    let later = api.app.clock.now() + TimeDelta::hours(1);
    let planned = api.accept_as(api.a.id, |job| job.run_at(Some(later))).await;
    api.told(planned, "scheduled", "It is planned for").await;
}
