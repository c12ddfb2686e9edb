//! Jobs: where they stand and why they wait, cancelling and retrying.

use patchbay_db::TypedId;
use patchbay_queue::LaneName;
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{Reply, SYSTEM_KEY, TestApi},
    work::{LANE, QUEUE},
};

impl TestApi {
    pub async fn job(&self, id: patchbay_db::ids::JobId) -> Value {
        let reply = self.get(&format!("/v1/jobs/{id}"), &self.a.key).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        reply.body
    }

    pub async fn act(&self, id: patchbay_db::ids::JobId, verb: &str) -> Reply {
        self.post(&format!("/v1/jobs/{id}/{verb}"), &self.a.key, &json!({})).await
    }
}

pub fn why(job: &Value) -> (&str, &str) {
    (job["status"].as_str().unwrap(), job["waiting"]["reason"].as_str().unwrap_or("none"))
}

#[tokio::test]
async fn a_job_in_its_lane_says_how_many_are_before_it() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    let first = api.accept(api.a.id).await;
    let second = api.accept(api.a.id).await;
    assert_eq!(api.job(first).await["waiting"]["position"], 0);
    let job = api.job(second).await;
    assert_eq!((why(&job), &job["waiting"]["position"]), (("queued", "in_turn"), &json!(1)));
}

#[tokio::test]
async fn a_job_that_redis_does_not_have_waits_in_the_ledger() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    api.accept_unpushed(api.a.id).await;
    let job = api.job(api.accept_unpushed(api.a.id).await).await;
    assert_eq!((why(&job), &job["waiting"]["position"]), (("queued", "backlog"), &json!(1)));
}

#[tokio::test]
async fn a_claimed_job_runs() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    assert_eq!(api.claim(1).await.len(), 1);
    assert_eq!(why(&api.job(id).await), ("running", "none"));
}

#[tokio::test]
async fn a_paused_job_says_who_paused_it_and_why() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    let id = api.accept(api.a.id).await;
    let body = json!({ "reason": "The number is being ported.", "until": "2027-01-01T00:00:00Z", "lane": LANE });
    let paused = api.post("/v1/queues/sends/pause", &api.a.key, &body).await;
    assert_eq!(paused.status, StatusCode::OK, "{}", paused.text);
    assert!(api.claim(1).await.is_empty(), "Redis knows of the pause at once");
    let job = api.job(id).await;
    assert_eq!((why(&job), &job["waiting"]["until"]), (("queued", "paused"), &json!("2027-01-01T00:00:00Z")));
    let detail = job["waiting"]["detail"].as_str().unwrap();
    assert!(
        detail.contains("The number is being ported.") && detail.contains("key_") && detail.contains(LANE),
        "{detail}"
    );
    let resumed = api.post("/v1/queues/sends/resume", &api.a.key, &json!({ "lane": LANE })).await;
    assert_eq!(resumed.body["pauses"], json!([]));
    assert_eq!(why(&api.job(id).await), ("queued", "in_turn"));
    assert_eq!(api.claim(1).await.len(), 1);
}

#[tokio::test]
async fn a_pause_of_the_whole_queue_by_the_operator_is_told_too() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    api.post("/v1/queues/sends/pause", SYSTEM_KEY, &json!({ "reason": "Maintenance." })).await;
    let job = api.job(id).await;
    assert_eq!(why(&job), ("queued", "paused"));
    assert_eq!(job["waiting"]["detail"], "The whole queue was paused by system: Maintenance.");
}

#[tokio::test]
async fn a_job_without_tokens_says_until_when() {
    let api = TestApi::new().await;
    // A queue that is opened with a rate set begins with nothing in its bucket.
    api.app.db.dispatcher().lanes().open(QUEUE, false).await.unwrap();
    let (_first, second) = (api.accept(api.a.id).await, api.accept(api.a.id).await);
    let path = format!("/v1/queues/sends/lanes/{}/limit", LANE.replace('+', "%2B"));
    let body = json!({ "rate_per_second": 0.01, "burst": 1 });
    let limited = api.send(poem::http::Method::PUT, &path, Some(&api.a.key), Some(&body), &[]).await;
    assert_eq!(limited.status, StatusCode::OK, "{}", limited.text);
    assert_eq!(api.claim(5).await.len(), 1);
    let job = api.job(second).await;
    assert_eq!(why(&job), ("queued", "rate_limited"));
    assert!(job["waiting"]["until"].is_string());
}

#[tokio::test]
async fn a_penalised_lane_says_so() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    let id = api.accept(api.a.id).await;
    let lane = LaneName { tenant: api.a.id.uuid(), lane: LANE.to_owned() };
    let until = api.app.clock.now().timestamp_millis() + 60_000;
    api.app.db.dispatcher().lanes().penalise(QUEUE, &lane, until).await.unwrap();
    assert_eq!(why(&api.job(id).await), ("queued", "penalised"));
}

#[tokio::test]
async fn jobs_that_are_not_due_say_what_they_wait_for() {
    let api = TestApi::new().await;
    let put_off = [
        ("state = 'scheduled', run_at = now() + interval '1 hour'", ("scheduled", "scheduled")),
        (
            "state = 'scheduled', run_at = now() + interval '1 hour', started_at = now(), errors = 1, \
             last_error = 'twilio_http_500: x'",
            ("scheduled", "retry"),
        ),
        (
            "state = 'scheduled', run_at = now() + interval '1 hour', started_at = now(), \
             held_reason = 'throttled: slow down'",
            ("held", "held"),
        ),
        ("state = 'held', held_by = 'operator', held_reason = 'a doubt'", ("held", "held")),
        ("state = 'succeeded', finished_at = now()", ("succeeded", "none")),
        ("state = 'discarded', finished_at = now()", ("failed", "none")),
    ];
    for (change, wanted) in put_off {
        let id = api.accept_unpushed(api.a.id).await;
        api.set(api.a.id, id, change).await;
        assert_eq!(why(&api.job(id).await), wanted, "{change}");
    }
    for (status, count) in [("scheduled", 2), ("held", 2), ("succeeded", 1), ("failed", 1), ("queued", 0)] {
        let list = api.get(&format!("/v1/jobs?status={status}"), &api.a.key).await;
        assert_eq!(list.body["data"].as_array().unwrap().len(), count, "{status}: {}", list.text);
        assert!(list.body["data"].as_array().unwrap().iter().all(|job| job["status"] == status), "{status}");
    }
}

#[tokio::test]
async fn what_is_due_and_not_in_its_lane_yet_says_so_and_no_time_that_is_past() {
    let api = TestApi::new().await;
    let overdue = [
        ("", "scheduled", "It was planned for 2020-01-01T09:00:01Z."),
        (", started_at = now(), errors = 1, last_error = 'x: y'", "retry", "It failed 1 of 8 times, last with x."),
        (", started_at = now(), held_reason = 'throttled: slow down'", "held", "throttled: slow down."),
    ];
    for (change, reason, words) in overdue {
        let id = api.accept_unpushed(api.a.id).await;
        api.set(api.a.id, id, &format!("state = 'scheduled', run_at = '2020-01-01 09:00:01Z'{change}")).await;
        let job = api.job(id).await;
        let waiting = &job["waiting"];
        let detail = format!("{words} It is due, and about to be put into its lane.");
        assert_eq!((&waiting["reason"], &waiting["detail"]), (&json!(reason), &json!(detail)));
        assert_eq!(waiting["until"], Value::Null, "{change}");
    }
}

#[tokio::test]
async fn an_ended_job_is_kept_from_its_end_on() {
    let api = TestApi::new().await;
    let id = api.accept_unpushed(api.a.id).await;
    let change = "state = 'succeeded', created_at = '2020-01-01 09:00:00Z', finished_at = '2020-02-15 09:00:00Z'";
    api.set(api.a.id, id, change).await;
    assert_eq!(api.job(id).await["expires_at"], "2020-03-16T09:00:00Z", "30 days");
}

#[tokio::test]
async fn a_list_is_filtered_and_paged() {
    let api = TestApi::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(api.accept_unpushed(api.a.id).await.to_string());
    }
    api.accept_unpushed(api.b.id).await;
    let page = api.get("/v1/jobs?limit=2&kind=messages.send&queue=sends", &api.a.key).await;
    assert_eq!(page.body["data"][0]["id"], ids[2].as_str());
    assert_eq!(page.body["data"][0]["attempts"], Value::Null);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("/v1/jobs?limit=2&cursor={cursor}"), &api.a.key).await;
    assert_eq!((&rest.body["data"][0]["id"], &rest.body["has_more"]), (&json!(ids[0]), &json!(false)));
    let one = api.get(&format!("/v1/jobs?subject={}", ids[1]), &api.a.key).await;
    assert_eq!(one.body["data"].as_array().unwrap().len(), 1);
    for all in ["created_from=1900-01-01T00:00:00Z", "created_before=9999-01-01T00:00:00Z"] {
        let found = api.get(&format!("/v1/jobs?{all}"), &api.a.key).await;
        assert_eq!(found.body["data"].as_array().unwrap().len(), 3, "{all}");
    }
    for nothing in ["kind=other", "created_before=2020-01-01T00:00:00Z", "created_from=2999-01-01T00:00:00Z"] {
        let none = api.get(&format!("/v1/jobs?{nothing}"), &api.a.key).await;
        assert_eq!(none.body["data"], json!([]), "{nothing}");
    }
}

#[tokio::test]
async fn cancelling_a_waiting_job_takes_it_out_of_its_lane() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    let message = api.failed_message(api.a.id, id).await;
    let reply = api.act(id, "cancel").await;
    assert_eq!((reply.status, why(&reply.body)), (StatusCode::OK, ("cancelled", "none")), "{}", reply.text);
    assert!(api.claim(1).await.is_empty());
    assert_eq!(api.message_state(api.a.id, message).await, "failed", "what has failed before is not cancelled");
    assert_eq!(api.act(id, "cancel").await.status, StatusCode::OK, "cancelling twice is once");
    assert_eq!(api.audited(api.a.id).await, [format!("jobs.cancel {id}")]);
    let ended = api.dead(api.a.id, "x").await;
    assert_eq!(api.act(ended, "cancel").await.code(), "state_conflict");
}

#[tokio::test]
async fn cancelling_the_job_of_an_import_cancels_the_import() {
    let api = TestApi::new().await;
    let import = crate::imports::upload(&api, &api.a.key, "phone\n+12025550143\n", None).await;
    let import = format!("/v1/imports/{}", import.body["id"].as_str().unwrap());
    let mapping = json!({ "mapping": [{ "column": "phone", "field": "phone" }] });
    let started = api.post(&format!("{import}/start"), &api.a.key, &mapping).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text);
    let job = started.header("location").to_owned();
    let shown = api.get(&job, &api.a.key).await;
    assert_eq!(shown.body["errors_url"], format!("{import}/errors"));
    let cancelled = api.post(&format!("{job}/cancel"), &api.a.key, &json!({})).await;
    assert_eq!(cancelled.body["status"], "cancelled", "{}", cancelled.text);
    assert_eq!(api.get(&import, &api.a.key).await.body["state"], "cancelled");
}

#[tokio::test]
async fn cancelling_a_running_job_asks_its_worker() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    assert_eq!(api.claim(1).await.len(), 1);
    let reply = api.act(id, "cancel").await;
    assert_eq!(reply.body["status"], "running");
    assert!(reply.body["cancel_requested_at"].is_string());
}

#[tokio::test]
async fn a_retried_job_runs_again_and_its_message_is_queued() {
    let api = TestApi::new().await;
    let id = api.dead(api.a.id, "twilio_30003").await;
    let message = api.failed_message(api.a.id, id).await;
    let reply = api.act(id, "retry").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    assert_eq!(reply.header("location"), format!("/v1/jobs/{id}"));
    assert_eq!((&reply.body["status"], &reply.body["errors"]), (&json!("queued"), &json!(0)));
    assert_eq!(api.message_state(api.a.id, message).await, "queued");
    api.until_pushed(id).await;
    assert_eq!(api.act(id, "retry").await.code(), "state_conflict", "it is not dead any more");
    assert_eq!(api.job(id).await["attempts"].as_array().unwrap().len(), 1, "the history stays");
    assert_eq!(api.audited(api.a.id).await, [format!("jobs.retry {id}")]);
}

#[tokio::test]
async fn a_retry_may_be_waited_for() {
    let api = TestApi::new().await;
    let id = api.dead(api.a.id, "twilio_30003").await;
    let path = format!("/v1/jobs/{id}/retry");
    let wait = [("prefer", "wait=20")];
    let waiting = api.send(poem::http::Method::POST, &path, Some(&api.a.key), None, &wait);
    let ending = async {
        api.until_pushed(id).await;
        api.set(api.a.id, id, "state = 'succeeded', finished_at = now()").await;
    };
    let (reply, ()) = tokio::join!(waiting, ending);
    assert_eq!((reply.status, &reply.body["status"]), (StatusCode::ACCEPTED, &json!("succeeded")), "{}", reply.text);
}

#[tokio::test]
async fn our_own_troubles_are_named_and_not_told() {
    let api = TestApi::new().await;
    let ours = api.job(api.dead(api.a.id, "database_error").await).await;
    assert_eq!(ours["attempts"][0]["code"], "database_error");
    assert!(!ours.to_string().contains("inner words"), "{ours}");
    let theirs = api.job(api.dead(api.a.id, "twilio_30003").await).await;
    assert_eq!(theirs["attempts"][0]["detail"], "inner words");
    assert!(!theirs.to_string().contains("box-1"), "no names of machines: {theirs}");
}
