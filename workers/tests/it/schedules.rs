//! A tick's job, run by the real program: the message is accepted once and its own job takes it from there.

use patchbay_db::TypedId as _;
use patchbay_db::ids::{JobId, ScheduleId};
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::JobRequest;
use patchbay_queue::schedule::{CatchUp, NewSchedule, Rule, store};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_ticks_job_accepts_the_message_of_its_schedule() {
    let world = World::new().await;
    let tenant = world.db.tenant().await;
    let (uuid, now) = (tenant.uuid(), chrono::Utc::now());
    world
        .execute(&format!(
            "INSERT INTO provider_accounts (tenant_id, id, kind, name, external_id, credentials)
             VALUES ('{uuid}', '00000000-0000-0000-0000-000000000003', 'twilio', 'n', 'AC1', '')"
        ))
        .await;
    world
        .execute(&format!(
            "INSERT INTO senders (tenant_id, id, provider_account_id, channel, address, is_default)
             VALUES ('{uuid}', gen_random_uuid(), '00000000-0000-0000-0000-000000000003', 'sms', '+15005550001', true)"
        ))
        .await;
    let schedule: ScheduleId = world.db.db().new_id(now);
    let new = NewSchedule {
        tenant_id: uuid,
        id: schedule.uuid(),
        name: "n".into(),
        rule: Rule::new("0 0 9 * * *", "UTC").unwrap(),
        catch_up: CatchUp::Last,
        action: json!({ "type": "send_message", "to": "+12025550123", "body": "hello" }),
    };
    let job: JobId = world.db.db().new_id(now);
    let mut tx = world.db.db().begin(tenant).await.unwrap();
    store::insert(&mut tx, &new, now).await.unwrap();
    tx.enqueue(JobRequest::new(job.uuid(), uuid, RunSchedule { schedule_id: schedule, tick: Some(now) }))
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut worker = world.worker(&["--queues", "schedules"]).spawn().unwrap();
    world
        .until("SELECT count(*) AS count FROM queue.jobs WHERE kind = 'schedules.run' AND state = 'succeeded'", 1)
        .await;
    let sent = "SELECT count(*) AS count FROM messages m JOIN queue.jobs j ON j.id = m.job_id
                WHERE m.state = 'queued' AND m.body = 'hello' AND j.kind = 'messages.send' AND j.state = 'waiting'";
    assert_eq!(world.count(sent).await, 1);
    let told =
        "SELECT count(*) AS count FROM queue.jobs WHERE kind = 'schedules.run' AND (result ->> 'accepted') = '1'";
    assert_eq!(world.count(told).await, 1);
    worker.kill().await.unwrap();
}
