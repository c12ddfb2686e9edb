//! `look_up` must find a message that is there, and must never say "nothing there" when it does not know.

use patchbay_providers::{BodyMatch, DeliveryStatus, ErrorClass, FoundMessage, LookUp, Provider, Sender, SenderKind};
use serde_json::{Value, json};

use crate::support::*;

fn page(messages: &[Value], next: Option<&str>) -> Reply {
    reply(200, &json!({"messages": messages, "next_page_uri": next}))
}

fn sid(n: u32) -> String {
    format!("SM{n:032}")
}

async fn found(messages: &[Value], wanted: &LookUp) -> Vec<FoundMessage> {
    let fake = Fake::start(vec![page(messages, None)]).await;
    fake.twilio().look_up(&account(), wanted).await.unwrap()
}

#[tokio::test]
async fn a_message_still_in_twilios_queue_is_found() {
    let found = found(&[resource(&json!({"date_sent": null}))], &look_up()).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].body, BodyMatch::Same);
    let state = &found[0].state;
    assert_eq!((state.provider_message_id.as_str(), state.status), (MESSAGE_SID, DeliveryStatus::Accepted));
    assert_eq!(state.created_at, Some("2026-11-20T10:00:01Z".parse().unwrap()));
}

#[tokio::test]
async fn the_list_is_asked_for_by_person_and_sender_and_not_by_sent_date() {
    let fake = Fake::start(vec![page(&[], None)]).await;
    assert!(fake.twilio().look_up(&account(), &look_up()).await.unwrap().is_empty());
    let seen = &fake.seen()[0];
    assert!(seen.line.starts_with(&format!("GET /2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json?")));
    let expected = [("To", "+14155550123"), ("PageSize", "1000"), ("From", "+14155550100")];
    assert_eq!(seen.query(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn other_messages_are_left_out() {
    let others = [
        json!({"body": "another text"}),
        json!({"to": "+14155550999"}),
        json!({"from": "+14155550999"}),
        json!({"direction": "inbound"}),
        json!({"date_created": "Fri, 20 Nov 2026 09:58:00 +0000"}),
        json!({"date_created": "Fri, 20 Nov 2026 10:07:00 +0000"}),
        json!({"sid": sid(7)}),
    ];
    let mut wanted = look_up();
    wanted.exclude.insert(sid(7));
    assert_eq!(found(&others.map(|changes| resource(&changes)), &wanted).await, []);
}

#[tokio::test]
async fn clocks_that_differ_by_less_than_a_minute_do_not_hide_it() {
    for at in ["Fri, 20 Nov 2026 09:59:10 +0000", "Fri, 20 Nov 2026 10:05:50 +0000"] {
        assert_eq!(found(&[resource(&json!({"date_created": at}))], &look_up()).await.len(), 1, "{at}");
    }
}

#[tokio::test]
async fn a_redacted_text_is_a_match_that_says_so() {
    assert_eq!(found(&[resource(&json!({"body": ""}))], &look_up()).await[0].body, BodyMatch::Hidden);
}

#[tokio::test]
async fn a_pool_is_matched_by_its_id_whatever_number_it_picked() {
    let pool = "MG00000000000000000000000000000003";
    let mut wanted = look_up();
    wanted.from = Sender { kind: SenderKind::Pool, address: pool.to_owned() };
    let ours = resource(&json!({"messaging_service_sid": pool, "from": "+14155550777"}));
    let theirs = resource(&json!({"messaging_service_sid": "MG00000000000000000000000000000004", "sid": sid(4)}));
    let fake = Fake::start(vec![page(&[ours, theirs], None)]).await;
    let found = fake.twilio().look_up(&account(), &wanted).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].state.from.as_deref(), Some("+14155550777"));
    assert!(fake.seen()[0].query().iter().all(|(name, _)| name != "From"));
}

#[tokio::test]
async fn every_page_is_read_and_the_oldest_comes_first() {
    let later = resource(&json!({"sid": sid(2), "date_created": "Fri, 20 Nov 2026 10:03:00 +0000"}));
    let next = "/2010-04-01/Accounts/X/Messages.json?Page=1&PageToken=PA1";
    let fake = Fake::start(vec![page(&[later], Some(next)), page(&[resource(&json!({"sid": sid(1)}))], None)]).await;
    let found = fake.twilio().look_up(&account(), &look_up()).await.unwrap();
    let sids: Vec<_> = found.into_iter().map(|message| message.state.provider_message_id).collect();
    assert_eq!(sids, [sid(1), sid(2)]);
    assert_eq!(fake.seen()[1].line, format!("GET {next} HTTP/1.1"));
}

#[tokio::test]
async fn a_next_page_on_another_host_is_not_called() {
    let elsewhere = Fake::start(vec![page(&[], None)]).await;
    let host = elsewhere.url.strip_prefix("http:").unwrap();
    let fake = Fake::start(vec![page(&[], Some(&elsewhere.url))]).await;
    let outcome = fake.twilio().look_up(&account(), &look_up()).await;
    assert_eq!(outcome.unwrap_err().class, ErrorClass::Permanent, "the rest of the list is not known");
    let fake = Fake::start(vec![page(&[], Some(&format!("{host}/x"))), page(&[], None)]).await;
    assert_eq!(fake.twilio().look_up(&account(), &look_up()).await.unwrap(), []);
    assert_eq!(fake.seen().len(), 2, "a path that looks like a host stays at ours");
    assert!(elsewhere.seen().is_empty(), "the credentials would have gone with the request");
}

#[tokio::test]
async fn not_knowing_is_an_error_and_never_an_empty_list() {
    for (name, reply, class) in [
        ("dropped", Reply::Drop, ErrorClass::Retryable),
        ("hung", Reply::Hang, ErrorClass::Retryable),
        ("server fault", Reply::Answer(500, "", String::new()), ErrorClass::Retryable),
        ("not JSON", Reply::Answer(200, "", "[]".to_owned()), ErrorClass::Retryable),
        ("limited", reply(429, &json!({"code": 20429})), ErrorClass::Throttled),
        ("not allowed", reply(401, &json!({"code": 20003})), ErrorClass::AuthFailed),
        ("pages without end", page(&[], Some("/more")), ErrorClass::Permanent),
    ] {
        let fake = Fake::start(vec![reply]).await;
        let error = fake.twilio().look_up(&account(), &look_up()).await.unwrap_err();
        assert_eq!(error.class, class, "{name}");
        assert!(!format!("{error:?}").contains("+14155550123"), "{name}: {error:?}");
    }
}
