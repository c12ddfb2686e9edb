//! What the provider refuses, and what follows.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::TypedId as _;
use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::redrive::requeue_for_redrive;
use patchbay_queue::LaneName;
use patchbay_queue::lanes::{Blocker, BreakerRule, Key, Limit};
use patchbay_queue::ledger::{controls, dead};
use patchbay_simulator::{FaultKind, Faults, Rule};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_refusal_is_a_dead_letter_that_can_be_redriven() {
    let world = World::new().await;
    world.sim.mark_number("+12025550111", Some(21_614));
    let (job, message) = world.send_one("+12025550111", "hello").await;
    let _workers = world.work(&["sends", "receipts"]);
    let error = world.until_job(job, "dead").await;
    assert!(error.starts_with("twilio_21614"), "{error}");
    let failed = world.message(message).await;
    assert_eq!((failed.state, failed.error_code.as_deref()), (MessageState::Failed, Some("twilio_21614")));

    world.sim.mark_number("+12025550111", None);
    let mut tx = world.tx().await;
    requeue_for_redrive(&mut tx, &[message]).await.unwrap();
    let rows = dead::redrive(&mut tx, world.tenant.uuid(), &[job.uuid()]).await.unwrap();
    tx.commit().await.unwrap();
    let envelopes: Vec<_> = rows.into_iter().map(|row| patchbay_queue::Envelope::from(row.job)).collect();
    let lanes = world.db().dispatcher().lanes();
    lanes.push("sends", &envelopes, patchbay_queue::lanes::Window::default(), Instant::now()).await.unwrap();
    world.until(message, MessageState::Delivered).await;
    world.until_job(job, "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_number_of_a_batch_is_a_dead_letter_of_its_own() {
    let world = World::new().await;
    let texts = [("+12025550111", "a"), ("+15005550009", "b"), ("+12025550113", "c")];
    let (job, messages) = world.send(&texts).await;
    let _workers = world.work(&["sends", "receipts"]);
    world.until_job(job, "succeeded").await;
    let failed = world.message(messages[1]).await;
    assert_eq!(failed.state, MessageState::Failed);
    let own = failed.job_id.unwrap();
    assert_ne!(own, job);
    assert_eq!(world.job(own).await.0, "dead");
    for (id, state) in [(messages[0], MessageState::Delivered), (messages[2], MessageState::Delivered)] {
        world.until(id, state).await;
    }
    let counts = "SELECT (progress_succeeded * 100 + progress_failed)::int8 AS n FROM queue.jobs WHERE state = 'succeeded' AND kind = 'messages.send'";
    assert_eq!(world.count(counts).await, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_puts_the_message_back_and_costs_no_attempt() {
    let world = World::new().await;
    let (job, message) = world.send_one("+15005550103", "slow down").await;
    let _workers = world.work(&["sends", "receipts"]);
    world.until_job(job, "scheduled").await;
    assert_eq!(world.message(message).await.state, MessageState::Queued);
    let reason = world.job(job).await.1;
    assert!(reason.contains(&format!("rate limit of provider account {}", world.account)), "{reason}");
    // Twilio's 20429 is about the account: whoever sends through it waits, and not this sender alone.
    let (other, _) = world.send_one("+12025550111", "hello").await;
    let blocked = world.until_blocked(other).await;
    assert_eq!((blocked.by, blocked.key), (Blocker::Penalised, Key::Lane(world.account.to_string())));
    world.until_job(other, "succeeded").await;
    world.until_job(job, "succeeded").await;
    assert_eq!(world.count("SELECT errors::int8 AS n FROM queue.jobs WHERE kind = 'messages.send'").await, 0);
    assert_eq!((world.sim.counts().accepted, world.sim.counts().duplicates), (2, 0));
}

/// A provider asks for a pause, on a machine where it is as late as `local_clock` says.
async fn paused_for_seconds(local_clock: fn() -> DateTime<Utc>) {
    let world = World::on_a_machine_at(local_clock).await;
    let (job, _) = world.send_one("+15005550103", "slow down").await;
    let _workers = world.work(&["sends"]);
    world.until_job(job, "scheduled").await;
    let (other, _) = world.send_one("+12025550111", "hello").await;
    let blocked = world.until_blocked(other).await;
    assert_eq!(blocked.by, Blocker::Penalised);
    let left = blocked.until_ms.unwrap() - Utc::now().timestamp_millis();
    assert!(left < 30_000, "the provider is left alone for {left} ms more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_holds_on_a_machine_that_is_five_minutes_slow() {
    paused_for_seconds(|| Utc::now() - TimeDelta::minutes(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_ends_on_a_machine_that_is_five_minutes_fast() {
    paused_for_seconds(|| Utc::now() + TimeDelta::minutes(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_left_alone_and_tried_by_one_message() {
    let world = World::new().await;
    let key = LaneName { tenant: world.tenant.uuid(), lane: world.account.to_string() };
    let rule = BreakerRule { failures: 3, within: Duration::from_secs(60), open_for: Duration::from_secs(3) };
    let limit = Limit { breaker: Some(rule), ..Limit::new(key) };
    let mut tx = world.tx().await;
    controls::set_limit(&mut tx, "sends", &limit).await.unwrap();
    tx.commit().await.unwrap();
    world.db().dispatcher().lanes().set_limits("sends", &[limit]).await.unwrap();
    let away = Rule { code: Some(20_500), times: Some(3), ..Rule::new(FaultKind::Reject) };
    let faults = Faults { rules: vec![away], ..Faults::default() };
    world.sim.set_faults(Some(crate::world::ACCOUNT_SID), faults).unwrap();
    let mut sent = Vec::new();
    for n in 0..3 {
        sent.push(world.send_one(&format!("+1202555011{n}"), "hello").await.0);
    }
    let _workers = world.work(&["sends", "receipts"]);
    for job in &sent {
        world.until_job(*job, "scheduled").await;
    }
    let (later, _) = world.send_one("+12025550119", "hello").await;
    let blocked = world.until_blocked(later).await;
    assert_eq!((blocked.by, blocked.key), (Blocker::Breaker, Key::Lane(world.account.to_string())));
    sent.push(later);
    for job in sent {
        world.until_job(job, "succeeded").await;
    }
    assert_eq!((world.sim.counts().accepted, world.sim.counts().duplicates), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_the_provider_knew_is_recorded() {
    let world = World::new().await;
    let (job, message) = world.send_one("+15005550004", "hello").await;
    let _workers = world.work(&["sends"]);
    world.until_job(job, "succeeded").await;
    let refused = world.message(message).await;
    assert_eq!((refused.state, refused.error_code.as_deref()), (MessageState::Refused, Some("recipient_opted_out")));
    let known = "SELECT count(*) AS n FROM consent_events WHERE address = '+15005550004' AND action = 'opt_out'";
    assert_eq!(world.count(known).await, 1);
    assert_eq!(world.count("SELECT count(*) AS n FROM suppressions WHERE reason = 'stop'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_stop_the_account() {
    let world = World::new().await;
    let settings = patchbay_simulator::AccountSettings {
        auth_token: Some("another".to_owned().into()),
        ..patchbay_simulator::AccountSettings::default()
    };
    world.sim.configure(crate::world::ACCOUNT_SID, settings);
    let (job, message) = world.send_one("+12025550111", "hello").await;
    let _workers = world.work(&["sends"]);
    let error = world.until_job(job, "dead").await;
    assert!(error.starts_with("twilio_20003"), "{error}");
    assert_eq!(world.message(message).await.state, MessageState::Failed);
    let refused = "SELECT count(*) AS n FROM provider_accounts WHERE status = 'auth_failed'";
    assert_eq!(world.count(refused).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_between_door_and_send_is_obeyed() {
    let world = World::new().await;
    let (job, message) = world.send_one("+12025550111", "hello").await;
    world
        .execute(&format!(
            "INSERT INTO suppressions (tenant_id, channel, address, reason) VALUES ('{}', 'sms', '+12025550111', 'stop')",
            world.tenant.uuid()
        ))
        .await;
    let _workers = world.work(&["sends"]);
    world.until_job(job, "succeeded").await;
    assert_eq!(world.message(message).await.state, MessageState::Refused);
    assert_eq!(world.sim.counts().requests, 0);
}
