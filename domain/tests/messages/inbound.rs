//! STOP, START, HELP.

use patchbay_domain::keywords::Keyword;
use patchbay_domain::messages::accept::Verdict;
use patchbay_domain::messages::inbound::{NewInbound, TakenIn, take_in};
use patchbay_domain::messages::list::{Filter, list};
use patchbay_domain::messages::{Body, Direction, Message, MessageClass, MessageState};

use crate::support::{SENDER, World, call, measure, now, text};

const PHONE: &str = "+12025550111";

fn inbound(world: &World, provider_id: &str, body: &str, keyword: Option<Keyword>) -> NewInbound {
    NewInbound {
        account: world.account,
        provider_id: provider_id.into(),
        from: PHONE.into(),
        to: SENDER.into(),
        body: Body(body.into()),
        segments: 1,
        keyword,
        lifts_only: body == "YES",
        answered: false,
        toll_free: false,
        received_at: now(),
    }
}

async fn take(world: &World, messages: &[NewInbound]) -> TakenIn {
    let mut tx = world.tx().await;
    let taken = take_in(&mut tx, world.db().ids(), now(), measure, messages).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn all(world: &World, direction: Direction) -> Vec<Message> {
    let filter = Filter { direction: Some(direction), ..Filter::default() };
    list(&mut world.tx().await, &filter, patchbay_db::Page::default()).await.unwrap().data
}

async fn refused(world: &World) -> bool {
    matches!(world.accept(call(vec![text(PHONE, "hello")])).await, Verdict::Refused(_))
}

#[tokio::test]
async fn stop_opts_out_is_confirmed_once_and_start_undoes_it() {
    let world = World::new().await;
    let contact = world.contact(PHONE, "opted_in").await;
    let stop = [inbound(&world, "SM1", "Stop", Some(Keyword::Stop))];
    assert_eq!(take(&world, &stop).await, TakenIn { new: 1, confirmed: 1 });
    assert_eq!(take(&world, &stop).await, TakenIn { new: 0, confirmed: 0 }, "the same webhook again");
    let again = [inbound(&world, "SM2", "STOP", Some(Keyword::Stop))];
    assert_eq!(take(&world, &again).await, TakenIn { new: 1, confirmed: 0 }, "they had stopped already");
    assert!(refused(&world).await);

    let sent = all(&world, Direction::Outbound).await;
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].class, sent[0].contact_id), (MessageClass::Compliance, Some(contact)));
    assert_eq!((sent[0].from_address.as_str(), sent[0].to_address.as_str()), (SENDER, PHONE));

    let start = [inbound(&world, "SM3", "YES", Some(Keyword::Start))];
    assert_eq!(take(&world, &start).await, TakenIn { new: 1, confirmed: 1 });
    assert!(!refused(&world).await);
}

#[tokio::test]
async fn yes_from_somebody_who_never_stopped_is_conversation() {
    let world = World::new().await;
    world.contact(PHONE, "unknown").await;
    let yes = [inbound(&world, "SM1", "YES", Some(Keyword::Start))];
    assert_eq!(take(&world, &yes).await, TakenIn { new: 1, confirmed: 0 });
    let received = all(&world, Direction::Inbound).await;
    assert_eq!((received[0].state, received[0].body.0.as_str()), (MessageState::Received, "YES"));
}

#[tokio::test]
async fn an_unknown_number_is_kept_without_a_contact_and_its_stop_holds() {
    let world = World::new().await;
    take(&world, &[inbound(&world, "SM1", "arrêt", Some(Keyword::Stop))]).await;
    assert_eq!(all(&world, Direction::Inbound).await[0].contact_id, None);
    assert!(refused(&world).await);
}

#[tokio::test]
async fn what_the_provider_answered_is_recorded_and_not_answered_again() {
    let world = World::new().await;
    let stop = NewInbound { answered: true, ..inbound(&world, "SM1", "STOP", Some(Keyword::Stop)) };
    assert_eq!(take(&world, &[stop]).await, TakenIn { new: 1, confirmed: 0 });
    assert!(refused(&world).await);
}
