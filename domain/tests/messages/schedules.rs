//! A run of a schedule accepts its messages once, by the rules of the moment at which it runs.

use patchbay_db::TypedId as _;
use patchbay_db::ids::{JobId, ScheduleId};
use patchbay_domain::events::Cause;
use patchbay_domain::schedules::{self, Action, Change, Ran, Run, ScheduleError, Wanted};
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::JobRequest;
use patchbay_queue::schedule::CatchUp;
use serde_json::{Value, json};

use crate::support::{World, measure, now};

const TO: &str = "+12025550123";

fn action(value: Value) -> Action {
    serde_json::from_value(value).unwrap()
}

fn hello() -> Action {
    action(json!({ "type": "send_message", "to": TO, "body": "hello" }))
}

async fn try_make(world: &World, action: Action) -> Result<ScheduleId, ScheduleError> {
    let wanted = Wanted {
        name: "n".into(),
        cron: "0 0 9 * * *".into(),
        time_zone: "UTC".into(),
        catch_up: CatchUp::Last,
        action,
    };
    let cause = Cause { ids: world.db().ids(), now: now(), request_id: None };
    let mut tx = world.tx().await;
    let made = schedules::create(&mut tx, &cause, measure, wanted).await?;
    tx.commit().await.unwrap();
    Ok(ScheduleId::from_uuid(made.id))
}

/// A job of a tick, or of a run by hand.
async fn job(world: &World, schedule: ScheduleId, by_hand: bool) -> Run {
    let job: JobId = world.db().new_id(now());
    let what = RunSchedule { schedule_id: schedule, tick: (!by_hand).then(now) };
    let mut tx = world.tx().await;
    tx.enqueue(JobRequest::new(job.uuid(), world.tenant.uuid(), what)).await.unwrap();
    tx.commit().await.unwrap();
    Run { job, what, now: now(), trace: None, request_id: None }
}

async fn run(world: &World, run: Run) -> Ran {
    let mut tx = world.tx().await;
    let ran = schedules::run(&mut tx, world.db().ids(), measure, run).await.unwrap();
    if matches!(ran, Ran::Done(_)) {
        tx.commit().await.unwrap();
    }
    ran
}

fn done(ran: Ran) -> Value {
    match ran {
        Ran::Done(result) => result,
        refused => panic!("{refused:?}"),
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

async fn messages(world: &World) -> i64 {
    let mut tx = world.tx().await;
    let count = diesel::sql_query("SELECT count(*) AS count FROM messages");
    diesel_async::RunQueryDsl::get_result::<Count>(count, &mut *tx).await.unwrap().count
}

#[tokio::test]
async fn a_job_that_runs_again_accepts_nothing_again() {
    let world = World::new().await;
    let schedule = try_make(&world, hello()).await.unwrap();
    let tick = job(&world, schedule, false).await;
    let first = done(run(&world, tick.clone()).await);
    assert_eq!((&first["accepted"], &first["refused"]), (&json!(1), &json!(0)));
    assert_eq!(done(run(&world, tick).await), first);
    assert_eq!(messages(&world).await, 1);
    let next = job(&world, schedule, false).await;
    assert_ne!(done(run(&world, next).await), first, "another tick is another message");
    assert_eq!(messages(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_two_workers_run_at_once_accepts_once() {
    let world = World::new().await;
    let schedule = try_make(&world, hello()).await.unwrap();
    let tick = job(&world, schedule, false).await;
    let (one, two) = tokio::join!(run(&world, tick.clone()), run(&world, tick));
    assert_eq!(done(one), done(two));
    assert_eq!(messages(&world).await, 1);
}

#[tokio::test]
async fn a_run_that_was_not_committed_did_nothing() {
    let world = World::new().await;
    let schedule = try_make(&world, hello()).await.unwrap();
    let tick = job(&world, schedule, false).await;
    let mut tx = world.tx().await;
    schedules::run(&mut tx, world.db().ids(), measure, tick.clone()).await.unwrap();
    tx.rollback().await.unwrap();
    done(run(&world, tick).await);
    assert_eq!(messages(&world).await, 1);
}

#[tokio::test]
async fn who_said_stop_since_is_an_outcome_and_a_mistake_is_a_refusal() {
    let world = World::new().await;
    world.template("hi", "transactional", "Hi {{ name }}").await;
    let contact = world.contact(TO, "unknown").await;
    let text =
        json!({ "type": "send_message", "contact_id": contact, "template": "hi", "variables": { "name": "Ada" } });
    let schedule = try_make(&world, action(text)).await.unwrap();
    world.execute("UPDATE contact_channels SET consent = $2 WHERE contact_id = $1", contact, ["opted_out"]).await;
    let result = done(run(&world, job(&world, schedule, false).await).await);
    assert_eq!((&result["accepted"], &result["refused"], &result["job_id"]), (&json!(0), &json!(1), &Value::Null));
    assert_eq!(result["refusals"][0]["code"], "recipient_opted_out");

    world.execute("UPDATE contact_channels SET consent = $2 WHERE contact_id = $1", contact, ["unknown"]).await;
    world.execute("UPDATE templates SET archived_at = now() WHERE tenant_id <> $1", contact, []).await;
    let tick = job(&world, schedule, false).await;
    let Ran::Refused(refusal) = run(&world, tick.clone()).await else { panic!("it was accepted") };
    assert_eq!(refusal.code, "template_not_found");
    // Mended, the same job runs.
    world.execute("UPDATE templates SET archived_at = NULL WHERE tenant_id <> $1", contact, []).await;
    assert_eq!(done(run(&world, tick).await)["accepted"], json!(1));
    assert_eq!(messages(&world).await, 1);
}

#[tokio::test]
async fn of_several_recipients_one_who_may_not_be_texted_costs_the_others_nothing() {
    let world = World::new().await;
    world.template("hi", "transactional", "Hi {{ name }}").await;
    let contact = world.contact(TO, "unknown").await;
    let several = json!({ "type": "send_messages", "template": "hi", "messages": [
        { "contact_id": contact, "variables": { "name": "Ada" } },
        { "to": "+12025550124", "variables": { "name": "Bea" } },
        { "to": "+12025550125", "body": "plain" },
    ] });
    let schedule = try_make(&world, action(several)).await.unwrap();
    world.execute("UPDATE contact_channels SET consent = $2 WHERE contact_id = $1", contact, ["opted_out"]).await;
    let result = done(run(&world, job(&world, schedule, false).await).await);
    assert_eq!((&result["accepted"], &result["refused"]), (&json!(2), &json!(1)));
    assert_eq!((&result["refusals"][0]["index"], messages(&world).await), (&json!(0), 2));
}

#[tokio::test]
async fn what_is_paused_deleted_or_suspended_meanwhile_does_nothing() {
    let world = World::new().await;
    let schedule = try_make(&world, hello()).await.unwrap();
    let cause = Cause { ids: world.db().ids(), now: now(), request_id: None };
    let mut tx = world.tx().await;
    schedules::pause(&mut tx, &cause, schedule).await.unwrap();
    tx.commit().await.unwrap();
    let skipped = |why: &str| json!({ "skipped": why });
    assert_eq!(done(run(&world, job(&world, schedule, false).await).await), skipped("schedule_paused"));
    assert_eq!(done(run(&world, job(&world, schedule, true).await).await)["accepted"], json!(1), "by hand it runs");

    let mut tx = world.tx().await;
    schedules::resume(&mut tx, &cause, schedule).await.unwrap();
    tx.commit().await.unwrap();
    let suspend = |status: &'static str| {
        let sql = format!("UPDATE tenants SET status = '{status}'");
        async {
            let mut tx = world.db().system("a test").await.unwrap();
            diesel_async::RunQueryDsl::execute(diesel::sql_query(sql), &mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    suspend("suspended").await;
    assert_eq!(done(run(&world, job(&world, schedule, false).await).await), skipped("tenant_suspended"));
    suspend("active").await;

    let tick = job(&world, schedule, false).await;
    let mut tx = world.tx().await;
    schedules::delete(&mut tx, &cause, schedule).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(done(run(&world, tick).await), skipped("schedule_deleted"));
    assert_eq!(messages(&world).await, 1);
}

#[tokio::test]
async fn a_changed_action_reaches_a_tick_that_waits() {
    let world = World::new().await;
    let schedule = try_make(&world, hello()).await.unwrap();
    let tick = job(&world, schedule, false).await;
    let other = json!({ "type": "send_message", "to": "+12025550177", "body": "other" });
    let cause = Cause { ids: world.db().ids(), now: now(), request_id: None };
    let mut tx = world.tx().await;
    let change = Change { action: Some(action(other)), ..Change::default() };
    schedules::update(&mut tx, &cause, measure, schedule, change).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let result = done(run(&world, tick).await);
    let id = result["message_ids"][0].as_str().unwrap().parse().unwrap();
    assert_eq!(world.message(id).await.to_address, "+12025550177");
}

#[tokio::test]
async fn an_action_that_would_be_refused_is_not_stored() {
    let world = World::new().await;
    let contact = world.contact(TO, "opted_out").await;
    let text = json!({ "type": "send_message", "contact_id": contact, "body": "x" });
    let Err(ScheduleError::Action(reasons)) = try_make(&world, action(text)).await else { panic!("it was stored") };
    assert_eq!(reasons[0].1.code, "recipient_opted_out");
    assert_eq!(messages(&world).await, 0);
}
