//! Claim, record, redrive.

use std::time::Duration;

use patchbay_db::ids::JobId;
use patchbay_domain::messages::accept::Verdict;
use patchbay_domain::messages::dead::{Failed, split_off};
use patchbay_domain::messages::redrive::requeue_for_redrive;
use patchbay_domain::messages::send::{Claim, Claimed, Report, claim, counts, known, record};
use patchbay_domain::messages::{Message, MessageState, cancel};

use crate::support::{World, call, now, text};

const SETTLE: Duration = Duration::from_secs(20);

async fn claimed(world: &World, jobs: &[JobId], limit: i64, segments: i64) -> Vec<Claimed> {
    let mut tx = world.tx().await;
    let claimed = claim(&mut tx, &Claim { jobs, limit, segments, settle: SETTLE }).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn claim_one(world: &World, message: &Message) -> Claimed {
    claimed(world, &[message.job_id.unwrap()], 100, 100).await.pop().unwrap()
}

fn sent(claimed: &Claimed, provider_id: &str) -> Report {
    Report {
        message: claimed.id,
        attempt: claimed.attempts,
        state: MessageState::Sent,
        provider_id: Some(provider_id.into()),
        code: None,
        detail: None,
    }
}

async fn recorded(world: &World, report: Report) -> usize {
    let mut tx = world.tx().await;
    let recorded = record(&mut tx, &[report], Duration::from_secs(300)).await.unwrap();
    tx.commit().await.unwrap();
    recorded.len()
}

#[tokio::test]
async fn a_claim_takes_no_more_than_it_can_afford_and_nothing_twice() {
    let world = World::new().await;
    let drafts = (0..5).map(|n| text(&format!("+1202555011{n}"), "x")).collect();
    let Verdict::Accepted { job, .. } = world.accept(call(drafts)).await else { panic!() };
    assert_eq!(claimed(&world, &[job], 100, 2).await.len(), 2);
    let rest = claimed(&world, &[job], 100, 100).await;
    assert_eq!(rest.iter().filter(|c| c.fresh).count(), 3);
    assert_eq!(rest.iter().filter(|c| !c.fresh && !c.settled).count(), 2, "the first two may be on their way");
    let counts = counts(&mut world.tx().await, job).await.unwrap();
    assert_eq!(counts.pending, 5);
}

#[tokio::test]
async fn a_stop_after_the_door_is_seen_by_the_claim() {
    let world = World::new().await;
    let plain = world.queued("+12025550111").await;
    let suppressed = world.queued("+12025550112").await;
    world.contact("+12025550111", "opted_out").await;
    world
        .execute(
            "INSERT INTO suppressions (tenant_id, channel, address, reason) VALUES ($1, 'sms', $2, 'bounce')",
            world.tenant,
            ["+12025550112"],
        )
        .await;
    for (message, code) in [(plain, "recipient_opted_out"), (suppressed, "recipient_suppressed")] {
        let claimed = claim_one(&world, &message).await;
        assert_eq!((claimed.state, claimed.error_code.as_deref()), (MessageState::Refused, Some(code)));
        assert!(claimed.body.0.is_empty());
    }
}

#[tokio::test]
async fn a_disabled_account_fails_what_is_queued() {
    let world = World::new().await;
    let message = world.queued("+12025550111").await;
    world.execute("UPDATE provider_accounts SET status = 'disabled' WHERE id = $1", world.account, []).await;
    let claimed = claim_one(&world, &message).await;
    assert_eq!(
        (claimed.state, claimed.error_code.as_deref()),
        (MessageState::Failed, Some("provider_account_disabled"))
    );
}

#[tokio::test]
async fn only_the_attempt_that_sent_records() {
    let world = World::new().await;
    let message = world.queued("+12025550111").await;
    let first = claim_one(&world, &message).await;
    let mut late = sent(&first, "SM1");
    late.attempt -= 1;
    assert_eq!(recorded(&world, late).await, 0);
    assert_eq!(recorded(&world, sent(&first, "SM1")).await, 1);
    assert_eq!(recorded(&world, sent(&first, "SM1")).await, 0, "a second time changes nothing");
    let stored = world.message(message.id).await;
    assert_eq!((stored.state, stored.provider_message_id.as_deref()), (MessageState::Sent, Some("SM1")));
}

#[tokio::test]
async fn an_id_that_another_message_holds_does_not_break_the_set() {
    let world = World::new().await;
    let (one, two) = (world.queued("+12025550111").await, world.queued("+12025550111").await);
    let first = claim_one(&world, &one).await;
    assert_eq!(recorded(&world, sent(&first, "SM1")).await, 1);
    let second = claim_one(&world, &two).await;
    assert_eq!(recorded(&world, sent(&second, "SM1")).await, 1);
    assert_eq!(world.message(two.id).await.provider_message_id, None);
}

#[tokio::test]
async fn a_twin_on_its_way_makes_a_found_message_nobodys() {
    let world = World::new().await;
    let (one, two) = (world.queued("+12025550111").await, world.queued("+12025550111").await);
    for message in [&one, &two] {
        claim_one(&world, message).await;
    }
    let mut tx = world.tx().await;
    let found = ["SM9".to_owned()];
    let known = known(&mut tx, world.account, &[one.id], &found, SETTLE).await.unwrap();
    assert!(known.twins.contains(&one.id) && known.taken.is_empty());
}

#[tokio::test]
async fn a_failed_message_becomes_a_dead_letter_and_can_be_sent_again() {
    let world = World::new().await;
    let message = world.queued("+12025550111").await;
    world.set_state(message.id, MessageState::Undelivered, Some("SM1")).await;
    let mut tx = world.tx().await;
    let failed = Failed { message: message.id, code: "twilio_30003".into(), detail: "off".into() };
    split_off(&mut tx, world.db().ids(), now(), "test", &[failed]).await.unwrap();
    tx.commit().await.unwrap();
    let moved = world.message(message.id).await;
    assert_ne!(moved.job_id, message.job_id);

    let mut tx = world.tx().await;
    assert_eq!(requeue_for_redrive(&mut tx, &[message.id]).await.unwrap(), 1);
    assert_eq!(requeue_for_redrive(&mut tx, &[message.id]).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let again = claim_one(&world, &moved).await;
    assert!(again.fresh && again.past_provider_ids == ["SM1"]);
}

#[tokio::test]
async fn what_is_claimed_cannot_be_cancelled() {
    let world = World::new().await;
    let (early, late) = (world.queued("+12025550111").await, world.queued("+12025550112").await);
    claim_one(&world, &late).await;
    let mut tx = world.tx().await;
    let done = cancel::cancel(&mut tx, early.id).await.unwrap();
    assert_eq!(done, cancel::Cancelled::Yes { job: early.job_id });
    assert_eq!(cancel::cancel(&mut tx, late.id).await.unwrap(), cancel::Cancelled::TooLate);
}
