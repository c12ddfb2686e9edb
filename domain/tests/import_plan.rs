//! Promises of the plan of a batch: each row has one outcome, and no address ends up with two contacts.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use patchbay_domain::imports::file::{Next, Records};
use patchbay_domain::imports::options::Dedupe;
use patchbay_domain::imports::plan::{Book, Candidate, Cells, Known, Plan, plan};
use patchbay_domain::imports::row::{NewRow, RowOutcome, SmsConsent};
use proptest::prelude::*;
use uuid::Uuid;

const ANN: Uuid = Uuid::from_u128(1);
const BOB: Uuid = Uuid::from_u128(2);

fn phone(n: u32) -> String {
    format!("+4479111234{n:02}")
}

fn row(number: i32, name: &str, phone_of: Option<u32>, email_of: Option<u32>) -> Candidate {
    let row = NewRow {
        first_name: (!name.is_empty()).then(|| name.to_owned()),
        phone: phone_of.map(|n| phone(n).parse().unwrap()),
        email: email_of.map(|n| format!("p{n}@example.org").parse().unwrap()),
        ..NewRow::default()
    };
    let mut records = Records::new(b',');
    records.push("x,y\n");
    let Next::Record(record) = records.read() else { unreachable!("one whole record was pushed") };
    Candidate { row_number: number, row, cells: Cells::of(&record) }
}

fn known(phones: &[(u32, Uuid)], emails: &[(u32, Uuid)]) -> Book {
    let of = |contact| Known { contact, from_this_file: false };
    Book {
        phones: phones.iter().map(|(n, contact)| (phone(*n), of(*contact))).collect(),
        emails: emails.iter().map(|(n, contact)| (format!("p{n}@example.org"), of(*contact))).collect(),
    }
}

fn codes(plan: &Plan) -> Vec<(i32, RowOutcome, &'static str)> {
    plan.problems.iter().map(|problem| (problem.row_number, problem.outcome, problem.error.code)).collect()
}

#[test]
fn duplicates_are_skipped_with_the_reason() {
    let rows = vec![
        row(2, "A", Some(1), Some(1)),
        row(3, "B", Some(1), None),
        row(4, "C", None, Some(9)),
        row(5, "D", Some(2), Some(2)),
    ];
    let plan = plan(&rows, &known(&[], &[(9, ANN)]), Dedupe::Skip);
    assert_eq!(plan.created.len(), 2);
    assert_eq!(
        codes(&plan),
        [(3, RowOutcome::Skipped, "duplicate_phone"), (4, RowOutcome::Skipped, "duplicate_email")]
    );
    assert!(plan.problems[0].error.detail.contains("this file"));
    assert_eq!(plan.problems[0].fields, r#"["x","y"]"#);
}

#[test]
fn an_update_changes_the_contact_found_by_phone_then_by_email() {
    let rows = vec![row(2, "A", Some(1), Some(5)), row(3, "B", Some(6), Some(2))];
    let plan = plan(&rows, &known(&[(1, ANN)], &[(2, BOB)]), Dedupe::Update);
    assert!(plan.created.is_empty() && plan.problems.is_empty());
    let added: Vec<_> = plan.updated.iter().map(|u| (u.contact, u.added[0].channel)).collect();
    assert_eq!(added, [(ANN, "email"), (BOB, "sms")]);
}

#[test]
fn a_later_row_overwrites_what_it_says_and_keeps_the_rest() {
    let mut second = row(3, "", Some(1), Some(2));
    second.row.city = Some("Oslo".into());
    second.row.sms_consent = SmsConsent::OptedOut;
    let plan = plan(&[row(2, "A", Some(1), None), second], &Book::default(), Dedupe::Update);
    let created = &plan.created[0];
    assert_eq!((created.row.first_name.as_deref(), created.row.city.as_deref()), (Some("A"), Some("Oslo")));
    assert_eq!(created.addresses.len(), 2);
    assert_eq!(created.addresses[0].consent, SmsConsent::OptedOut);
    assert_eq!(plan.rows_updated, 1);
}

#[test]
fn a_row_that_belongs_to_two_contacts_is_handed_back() {
    let plan = plan(&[row(2, "A", Some(1), Some(2))], &known(&[(1, ANN)], &[(2, BOB)]), Dedupe::Update);
    assert_eq!(codes(&plan), [(2, RowOutcome::Failed, "row_matches_two_contacts")]);
}

proptest! {
    #[test]
    fn every_row_has_one_outcome_and_every_address_one_contact(
        rows in prop::collection::vec((prop::option::of(0..6_u32), prop::option::of(0..6_u32)), 0..40),
        phones in prop::collection::vec((0..6_u32, 1..4_u128), 0..4), update in any::<bool>(),
    ) {
        let rows: Vec<_> = rows.into_iter().filter(|(p, e)| p.is_some() || e.is_some()).collect();
        let candidates: Vec<_> = rows.iter().zip(2..).map(|((p, e), n)| row(n, "A", *p, *e)).collect();
        let phones: Vec<_> = phones.into_iter().map(|(n, id)| (n, Uuid::from_u128(id))).collect();
        let book = known(&phones, &[]);
        let dedupe = if update { Dedupe::Update } else { Dedupe::Skip };
        let plan = plan(&candidates, &book, dedupe);
        prop_assert_eq!(plan.created.len() + plan.rows_updated + plan.problems.len(), rows.len());
        let mut seen: HashSet<String> = book.phones.keys().cloned().collect();
        let created = plan.created.iter().flat_map(|c| &c.addresses);
        for address in created.chain(plan.updated.iter().flat_map(|u| &u.added)) {
            prop_assert!(seen.insert(address.address.clone()), "{} twice", address.address);
        }
    }
}
