//! The door.

use patchbay_domain::messages::accept::{Call, Mode, Refusal, Verdict};
use patchbay_domain::messages::{MessageClass, MessageState};

use crate::support::{World, call, templated, text};

/// The codes and pointers of what was refused.
fn reasons(verdict: &Verdict) -> Vec<(Option<usize>, String, &'static str)> {
    match verdict {
        Verdict::Refused(refused) => refused.iter().map(|(i, r)| (*i, r.pointer.to_string(), r.code)).collect(),
        Verdict::Accepted { results, .. } => {
            let of = |(i, all): (usize, &Vec<Refusal>)| {
                all.iter().map(move |r| (Some(i), r.pointer.to_string(), r.code)).collect::<Vec<_>>()
            };
            results.iter().enumerate().filter_map(|(i, r)| Some((i, r.as_ref().err()?))).flat_map(of).collect()
        }
    }
}

async fn refused(world: &World, number: &str, class: Option<MessageClass>) -> Vec<&'static str> {
    let mut draft = text(number, "hello");
    draft.class = class;
    reasons(&world.accept(call(vec![draft])).await).into_iter().map(|(_, _, code)| code).collect()
}

#[tokio::test]
async fn consent_is_asked_at_the_door() {
    let world = World::new().await;
    for (number, consent) in [("+12025550111", "opted_out"), ("+12025550112", "unknown"), ("+12025550113", "opted_in")]
    {
        world.contact(number, consent).await;
    }
    let marketing = Some(MessageClass::Marketing);
    assert_eq!(refused(&world, "+12025550111", None).await, ["recipient_opted_out"]);
    assert_eq!(refused(&world, "+12025550112", None).await, [""; 0]);
    assert_eq!(refused(&world, "+12025550112", marketing).await, ["recipient_not_opted_in"]);
    assert_eq!(refused(&world, "+12025550113", marketing).await, [""; 0]);
    assert_eq!(refused(&world, "+12025550119", marketing).await, ["recipient_not_opted_in"], "nobody's number");
}

#[tokio::test]
async fn a_template_is_filled_and_its_faults_have_pointers() {
    let world = World::new().await;
    let contact = world.contact("+12025550113", "opted_in").await;
    world.template("welcome", "marketing", "Hi {{ name }}").await;
    let verdict = world.accept(call(vec![templated(contact, "welcome", &[("name", "Åsa")])])).await;
    let Verdict::Accepted { results, job } = verdict else { panic!("{verdict:?}") };
    let message = results[0].as_ref().unwrap();
    assert_eq!((message.body.0.as_str(), message.class), ("Hi Åsa", MessageClass::Marketing));
    let stored = world.message(message.id).await;
    assert_eq!((stored.state, stored.job_id, stored.contact_id), (MessageState::Queued, Some(job), Some(contact)));

    let faulty = world.accept(call(vec![templated(contact, "welcome", &[("nmae", "x")])])).await;
    assert_eq!(
        reasons(&faulty),
        [
            (Some(0), "/variables/name".into(), "missing_variable"),
            (Some(0), "/variables/nmae".into(), "unknown_variable")
        ]
    );
    let none = world.accept(call(vec![templated(contact, "wellcome", &[])])).await;
    assert_eq!(reasons(&none), [(Some(0), "/template".into(), "template_not_found")]);
}

#[tokio::test]
async fn strict_is_all_or_none_and_permissive_takes_the_rest() {
    let world = World::new().await;
    let drafts = || vec![text("+12025550113", "a"), text("nonsense", "b"), text("+12025550114", "")];
    let strict = world.accept(call(drafts())).await;
    let expected = [(Some(1), "/to".to_owned(), "phone_invalid"), (Some(2), "/body".into(), "body_empty")];
    assert!(matches!(strict, Verdict::Refused(_)));
    assert_eq!(reasons(&strict), expected);

    let permissive = world.accept(Call { mode: Mode::Permissive, ..call(drafts()) }).await;
    assert_eq!(permissive.message_ids().len(), 1);
    assert_eq!(reasons(&permissive), expected);
}

#[tokio::test]
async fn a_text_over_the_limit_is_refused() {
    let world = World::new().await;
    let verdict = world.accept(call(vec![text("+12025550113", &"x".repeat(1_601))])).await;
    assert_eq!(reasons(&verdict), [(Some(0), "/body".into(), "body_too_long")]);
}

#[tokio::test]
async fn an_unknown_sender_and_a_disabled_account_refuse_the_call() {
    let world = World::new().await;
    let mut unknown = call(vec![text("+12025550113", "a")]);
    unknown.from = Some("+12025550199".into());
    assert_eq!(reasons(&world.accept(unknown).await), [(None, "/from".into(), "sender_not_found")]);
    world.execute("UPDATE provider_accounts SET status = 'disabled' WHERE id = $1", world.account, []).await;
    let refused = world.accept(call(vec![text("+12025550113", "a")])).await;
    assert_eq!(reasons(&refused), [(None, "/from".into(), "provider_account_disabled")]);
}

#[tokio::test]
async fn a_contact_of_another_tenant_is_not_found() {
    let world = World::new().await;
    let contact = world.contact("+12025550113", "opted_in").await;
    let other = World { tenant: world.test.tenant().await, ..world };
    let mut tx = other.tx().await;
    let found = patchbay_domain::messages::accept::accept(
        &mut tx,
        other.db().ids(),
        crate::support::now(),
        crate::support::measure,
        vec![call(vec![templated(contact, "x", &[])])],
    )
    .await
    .unwrap();
    assert_eq!(reasons(&found[0]), [(None, "/from".into(), "no_sender")]);
}
