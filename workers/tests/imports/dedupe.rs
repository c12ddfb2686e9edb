//! Duplicates: inside a file, against contacts, against another import at the same time; and consent that a
//! file must not undo.

use patchbay_domain::imports::options::{Dedupe, DefaultConsent, Options};
use patchbay_domain::imports::store::CHUNK_BYTES;

use super::bench::{Bench, counts};

const LINES: &[(&str, &str)] =
    &[("Name", "first_name"), ("Mobile", "phone"), ("Mail", "email"), ("Note", "attributes.note")];

fn with(dedupe: Dedupe) -> Options {
    Options { dedupe, sms_consent: DefaultConsent::OptedIn, ..Options::default() }
}

#[tokio::test]
async fn duplicates_are_skipped_or_update_the_contact_they_belong_to() {
    let bench = Bench::new().await;
    let first = b"Name,Mobile,Mail,Note\nAnn,+447911123456,,a\nAnn again,07911 123456,,b\nBob,,bob@example.org,c\n";
    let options = Options { default_country: Some("GB".parse().unwrap()), ..with(Dedupe::Skip) };
    let import = bench.import(first, LINES, options).await;
    assert_eq!(counts(&import), [3, 2, 0, 1, 0]);
    assert_eq!(bench.codes(import.id).await, [(3, "duplicate_phone".to_owned())]);
    let second = b"Name,Mobile,Mail,Note\nAnna,+447911123456,ann@example.org,\n,+447911123457,BOB@example.org,d\nCy,+447911123458,,e\n";
    let import = bench.import(second, LINES, with(Dedupe::Update)).await;
    assert_eq!(counts(&import), [3, 1, 2, 0, 0]);
    let found = bench
        .rows("SELECT ARRAY[c.first_name, c.attributes ->> 'note', string_agg(h.address, ' ' ORDER BY h.id)] AS row
               FROM contacts c JOIN contact_channels h ON h.contact_id = c.id GROUP BY c.id, c.first_name, c.attributes ORDER BY c.id")
        .await;
    assert_eq!(
        found,
        [
            ["Anna", "a", "+447911123456 ann@example.org"],
            ["Bob", "d", "bob@example.org +447911123457"],
            ["Cy", "e", "+447911123458"],
        ]
    );
    assert_eq!(bench.count("SELECT count(*) AS n FROM leads").await, 3);
}

#[tokio::test]
async fn a_file_never_undoes_a_persons_no() {
    let bench = Bench::new().await;
    let text = b"Name,Mobile,Mail,Note\nAnn,+447911123456,,a\nBob,+447911123457,,b\n";
    bench.execute(&format!(
        "INSERT INTO suppressions (tenant_id, channel, address, reason) VALUES ('{}', 'sms', '+447911123456', 'stop')",
        uuid_of(&bench)
    )).await;
    bench.import(text, LINES, with(Dedupe::Skip)).await;
    bench.execute("UPDATE contact_channels SET consent = 'opted_out' WHERE address = '+447911123457'").await;
    bench.import(text, LINES, with(Dedupe::Update)).await;
    assert_eq!(bench.count("SELECT count(*) AS n FROM contact_channels WHERE consent = 'opted_out'").await, 2);
    assert_eq!(bench.count("SELECT count(*) AS n FROM consent_events WHERE address = '+447911123456'").await, 0);
}

fn uuid_of(bench: &Bench) -> String {
    use patchbay_db::TypedId;
    bench.tenant.uuid().to_string()
}

#[tokio::test]
async fn two_imports_of_the_same_people_at_once_make_each_person_once() {
    let bench = Bench::new().await;
    let mut text = String::from("Name,Mobile,Mail,Note\n");
    (0..9_000).for_each(|n| text.push_str(&format!("P{n},+44791112{n:04},p{n}@example.org,x\n")));
    let reversed: Vec<&str> = text.lines().skip(1).collect();
    let reversed = format!("Name,Mobile,Mail,Note\n{}\n", reversed.into_iter().rev().collect::<Vec<_>>().join("\n"));
    let one = bench.upload(text.as_bytes(), CHUNK_BYTES).await;
    let two = bench.upload(reversed.as_bytes(), CHUNK_BYTES).await;
    let jobs = (
        bench.start(one, LINES, with(Dedupe::Skip), false).await,
        bench.start(two, LINES, with(Dedupe::Skip), false).await,
    );
    let (a, b) = tokio::join!(bench.run(one, jobs.0), bench.run(two, jobs.1));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    let (one, two) = (counts(&bench.get(one).await), counts(&bench.get(two).await));
    assert_eq!((one[1] + two[1], one[3] + two[3]), (9_000, 9_000));
    assert_eq!(bench.count("SELECT count(*) AS n FROM contacts").await, 9_000);
    assert_eq!(bench.count("SELECT count(*) AS n FROM contact_channels").await, 18_000);
}

#[tokio::test]
async fn a_dry_run_counts_what_the_real_run_does_and_writes_no_record() {
    for dedupe in [Dedupe::Skip, Dedupe::Update] {
        let bench = Bench::new().await;
        bench.import(b"Name,Mobile,Mail,Note\nOld,+447911120001,,x\n", LINES, with(dedupe)).await;
        let mut text = String::from("Name,Mobile,Mail,Note\n");
        (0..5_000).for_each(|n| text.push_str(&format!("P{n},+44791112{:04},,x\nbad,12,,x\n", n % 4_900)));
        let id = bench.upload(text.as_bytes(), 70_000).await;
        let job = bench.start(id, LINES, with(dedupe), true).await;
        bench.run(id, job).await.unwrap();
        let dry = counts(&bench.get(id).await);
        assert_eq!(bench.count("SELECT count(*) AS n FROM contacts").await, 1);
        assert_eq!((dry[1], dry[2] + dry[3], dry[4]), (4_899, 101, 5_000));
        let job = bench.start(id, LINES, with(dedupe), false).await;
        bench.run(id, job).await.unwrap();
        assert_eq!(counts(&bench.get(id).await), dry);
        assert_eq!(bench.count("SELECT count(*) AS n FROM contacts").await, 4_900);
        assert_eq!(bench.count("SELECT count(*) AS n FROM import_addresses").await, 0);
        assert_eq!(bench.count("SELECT count(*) AS n FROM import_rows").await, i64::from(dry[3] + dry[4]));
    }
}
