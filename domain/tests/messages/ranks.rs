//! Reports are applied by rank: order and repetition do not matter.

use std::time::Duration;

use patchbay_domain::messages::settle::{ProviderReport, Settling, apply};
use patchbay_domain::messages::{Message, MessageState};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{World, now};

const REPORTED: [MessageState; 4] =
    [MessageState::Sent, MessageState::Failed, MessageState::Undelivered, MessageState::Delivered];

fn report(world: &World, message: &Message, provider_id: &str, state: MessageState) -> ProviderReport {
    ProviderReport {
        account: world.account,
        provider_id: provider_id.into(),
        message: Some(message.id),
        state,
        code: None,
        detail: None,
        at: now(),
        redrivable: true,
    }
}

async fn tell(world: &World, reports: Vec<ProviderReport>) -> usize {
    let mut tx = world.tx().await;
    let settling =
        Settling { ids: world.db().ids(), now: now(), worker: "test", check_after: Duration::from_secs(300) };
    let settled = apply(&mut tx, settling, reports).await.unwrap();
    tx.commit().await.unwrap();
    settled.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_and_repetition_of_reports_ends_in_the_strongest() {
    let world = World::new().await;
    let series = prop::collection::vec((0..REPORTED.len(), any::<bool>()), 1..8);
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let handle = tokio::runtime::Handle::current();
    let outcome = runner.run(&series, |series| {
        let strongest = series.iter().map(|(i, _)| REPORTED[*i]).max_by_key(|s| s.rank()).unwrap();
        let end = tokio::task::block_in_place(|| handle.block_on(play(&world, &series)));
        prop_assert_eq!(end, strongest);
        Ok(())
    });
    outcome.unwrap();
}

/// Tells of one message in this order, some together, and answers its end.
async fn play(world: &World, series: &[(usize, bool)]) -> MessageState {
    let message = world.queued("+12025550111").await;
    let id = message.id.to_string();
    world.set_state(message.id, MessageState::Sending, None).await;
    let mut together = Vec::new();
    for (state, wait) in series {
        together.push(report(world, &message, &id, REPORTED[*state]));
        if !wait {
            tell(world, std::mem::take(&mut together)).await;
        }
    }
    tell(world, together).await;
    world.message(message.id).await.state
}

#[tokio::test]
async fn the_database_ranks_as_the_program_does() {
    #[derive(diesel::QueryableByName)]
    struct Rank {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        rank: i32,
    }
    let world = World::new().await;
    let mut tx = world.tx().await;
    for state in MessageState::ALL {
        let query =
            diesel::sql_query("SELECT message_rank($1) AS rank").bind::<diesel::sql_types::Text, _>(state.as_str());
        let row: Rank = diesel_async::RunQueryDsl::get_result(query, &mut *tx).await.unwrap();
        assert_eq!(row.rank, i32::from(state.rank()), "{state}");
    }
}

#[tokio::test]
async fn a_receipt_settles_a_send_whose_answer_was_lost() {
    let world = World::new().await;
    let message = world.queued("+12025550111").await;
    assert_eq!(tell(&world, vec![report(&world, &message, "SM1", MessageState::Sent)]).await, 0, "never tried");
    world.set_state(message.id, MessageState::Sending, None).await;
    assert_eq!(tell(&world, vec![report(&world, &message, "SM1", MessageState::Sent)]).await, 1);
    let stored = world.message(message.id).await;
    assert_eq!((stored.state, stored.provider_message_id.as_deref()), (MessageState::Sent, Some("SM1")));
}

#[tokio::test]
async fn a_late_receipt_of_an_earlier_send_does_not_settle_the_next() {
    let world = World::new().await;
    let message = world.queued("+12025550111").await;
    world.set_state(message.id, MessageState::Sent, Some("SM1")).await;
    tell(&world, vec![report(&world, &message, "SM1", MessageState::Undelivered)]).await;
    let mut tx = world.tx().await;
    patchbay_domain::messages::redrive::requeue_for_redrive(&mut tx, &[message.id]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tell(&world, vec![report(&world, &message, "SM1", MessageState::Undelivered)]).await, 0);
    assert_eq!(world.message(message.id).await.state, MessageState::Queued);
    assert_eq!(
        tell(&world, vec![report(&world, &message, "SM1", MessageState::Delivered)]).await,
        1,
        "it arrived after all"
    );
}

#[tokio::test]
async fn a_failure_makes_a_dead_letter_and_a_delivery_puts_it_away() {
    let world = World::new().await;
    let message = world.queued("+12025550111").await;
    world.set_state(message.id, MessageState::Sent, Some("SM1")).await;
    tell(&world, vec![report(&world, &message, "SM1", MessageState::Undelivered)]).await;
    let job = world.message(message.id).await.job_id.unwrap();
    assert_ne!(Some(job), message.job_id);
    assert_eq!(job_state(&world, job).await, "dead");
    tell(&world, vec![report(&world, &message, "SM1", MessageState::Delivered)]).await;
    assert_eq!(job_state(&world, job).await, "discarded");
}

async fn job_state(world: &World, job: patchbay_db::ids::JobId) -> String {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        state: String,
    }
    let mut tx = world.tx().await;
    let query = diesel::sql_query("SELECT state FROM queue.jobs WHERE id = $1").bind::<diesel::sql_types::Uuid, _>(job);
    let row: Row = diesel_async::RunQueryDsl::get_result(query, &mut *tx).await.unwrap();
    row.state
}
