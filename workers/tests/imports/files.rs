//! Files as they really come: encodings, delimiters, broken quotes, giant fields, numbers without a country.

use patchbay_domain::countries::Country;
use patchbay_domain::imports::ImportState;
use patchbay_domain::imports::options::{DefaultConsent, Options};

use super::bench::{Bench, counts};

const LINES: &[(&str, &str)] = &[("Name", "full_name"), ("Mobile", "phone"), ("City", "attributes.city")];

#[tokio::test]
async fn a_row_becomes_a_contact_with_channels_consent_and_a_lead() {
    let bench = Bench::new().await;
    let text = "First,Last,Mobile,Mail,Land,Budget,Agreed\nAnna,Müller,0151 23456789,Anna@Example.DE,Germany,\"1,200\",ja\nBob,,+44 7911 123456,,,,no\n";
    let lines = [
        ("First", "first_name"),
        ("Last", "last_name"),
        ("Mobile", "phone"),
        ("Mail", "email"),
        ("Land", "country"),
        ("Budget", "attributes.budget"),
        ("Agreed", "sms_consent"),
    ];
    let options = Options { consent_source: Some("fair 2026".into()), ..Options::default() };
    let import = bench.import(text.as_bytes(), &lines, options).await;
    assert_eq!((counts(&import), import.state), ([2, 2, 0, 0, 0], ImportState::Completed));
    let contacts = bench
        .rows("SELECT ARRAY[first_name, last_name, country, attributes::text] AS row FROM contacts ORDER BY id")
        .await;
    assert_eq!(contacts, [["Anna", "Müller", "DE", r#"{"budget": "1,200"}"#], ["Bob", "", "", "{}"]]);
    let channels = bench.rows("SELECT ARRAY[channel, address, consent, consent_source, is_primary::text] AS row FROM contact_channels ORDER BY id").await;
    assert_eq!(
        channels,
        [
            ["sms", "+4915123456789", "opted_in", "fair 2026", "true"],
            ["email", "anna@example.de", "unknown", "", "true"],
            ["sms", "+447911123456", "opted_out", "fair 2026", "true"],
        ]
    );
    let leads =
        bench.rows("SELECT ARRAY[first_name, phone, email, source, status] AS row FROM leads ORDER BY id").await;
    assert_eq!(
        leads,
        [["Anna", "+4915123456789", "anna@example.de", "import", "new"], ["Bob", "+447911123456", "", "import", "new"]]
    );
    let ledger = bench.rows("SELECT ARRAY[address, action] AS row FROM consent_events ORDER BY id").await;
    assert_eq!(ledger, [["+4915123456789", "opt_in"], ["+447911123456", "opt_out"]]);
    assert_eq!(bench.count("SELECT count(*) AS n FROM suppressions WHERE address = '+447911123456'").await, 1);
    assert_eq!(bench.count("SELECT count(*) AS n FROM events WHERE type = 'import.completed'").await, 1);
    assert_eq!(bench.count("SELECT count(*) AS n FROM events").await, 1);
    assert_eq!(bench.count("SELECT count(*) AS n FROM import_chunks").await, 0);
}

#[tokio::test]
async fn every_encoding_and_delimiter_gives_the_same_contacts() {
    let comma = "Name,Mobile,City\nJosé Núñez,+34 612 345 678,Málaga\nZoë,+32 470 12 34 56,Liège\n";
    let utf16 = |unit: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        mark.then_some(0xFEFF).into_iter().chain(comma.encode_utf16()).flat_map(unit).collect()
    };
    let latin: Vec<u8> = comma.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let files = [
        ("UTF-8", comma.as_bytes().to_vec()),
        ("UTF-8 with BOM", format!("\u{FEFF}{comma}").into_bytes()),
        ("UTF-16LE with BOM", utf16(u16::to_le_bytes, true)),
        ("UTF-16BE with BOM", utf16(u16::to_be_bytes, true)),
        ("UTF-16LE", utf16(u16::to_le_bytes, false)),
        ("Latin-1", latin),
        (";", comma.replace(',', ";").into_bytes()),
        ("tab", comma.replace(',', "\t").into_bytes()),
        ("|", comma.replace(',', "|").replace('\n', "\r\n").into_bytes()),
        ("sep=;", format!("sep=;\r\n{}", comma.replace(',', ";")).into_bytes()),
    ];
    for (name, bytes) in files {
        let bench = Bench::new().await;
        let import = bench.import(&bytes, LINES, Options::default()).await;
        assert_eq!(counts(&import), [2, 2, 0, 0, 0], "{name}: {:?}", bench.problems(import.id).await);
        let found = bench
            .rows("SELECT ARRAY[first_name, last_name, attributes ->> 'city'] AS row FROM contacts ORDER BY id")
            .await;
        assert_eq!(found, [["José", "Núñez", "Málaga"], ["Zoë", "", "Liège"]], "{name}");
    }
}

#[test]
fn a_file_that_is_no_table_is_refused_with_the_reason() {
    let cases: [(&[u8], &str); 8] = [
        (b"", "file_empty"),
        (b"\n \n\n", "file_empty"),
        (b"Name,Mobile\n", "file_has_no_rows"),
        (b"Anna,+447911123456\nBob,+447911123457\n", "file_header_missing"),
        (b"anna@example.org\nbob@example.org\n", "file_header_missing"),
        (b"PK\x03\x04rest of a workbook", "file_is_a_spreadsheet"),
        (b"\x00\x01\x02\xFF\x00\x00\x00binary\x00", "file_not_text"),
        (b"\"Name,Mobile\nAnna,1\n", "file_header_unreadable"),
    ];
    for (bytes, code) in cases {
        assert_eq!(Bench::look_at(bytes).unwrap_err().code(), code, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_national_number_takes_the_tenants_country_and_fails_without_one() {
    let text = b"Name,Mobile,City\nAnn,07911 123456,x\nBob,+44 7911 123457,y\n";
    let bench = Bench::new().await;
    let import = bench.import(text, LINES, Options::default()).await;
    assert_eq!(counts(&import), [2, 1, 0, 0, 1]);
    assert_eq!(bench.codes(import.id).await, [(2, "phone_no_country".to_owned())]);
    bench.execute("UPDATE tenants SET default_country = 'GB'").await;
    let again = bench.import(text, LINES, Options::default()).await;
    assert_eq!(counts(&again), [2, 1, 0, 1, 0]);
    let options = Options { default_country: Some(Country::parse("US").unwrap()), ..Options::default() };
    let chosen = bench.import(b"Name,Mobile,City\nAnn,(415) 555-0123,x\n", LINES, options).await;
    assert_eq!(counts(&chosen), [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn a_field_of_a_megabyte_fails_its_row_only_and_not_at_all_where_it_is_ignored() {
    let bench = Bench::new().await;
    let big = "x".repeat(1024 * 1024);
    let text = format!("Name,Mobile,City\nAnn,+447911123456,{big}\nBob,+447911123457,Rome\n");
    let import = bench.import(text.as_bytes(), LINES, Options::default()).await;
    assert_eq!(counts(&import), [2, 1, 0, 0, 1]);
    let problem = bench.problems(import.id).await.remove(0);
    assert_eq!((problem.code.as_str(), problem.column_name.as_deref()), ("field_too_long", Some("City")));
    assert!(problem.fields.to_string().len() < 10_000);
    let ignored = bench.import(text.as_bytes(), &LINES[..2], Options::default()).await;
    assert_eq!(counts(&ignored), [2, 1, 0, 1, 0]);
}

#[tokio::test]
async fn a_quote_that_is_not_closed_costs_its_row_only() {
    let bench = Bench::new().await;
    let ends =
        bench.import(b"Name,Mobile,City\nAnn,+447911123456,x\n\"Bob,+447911123457,y", LINES, Options::default()).await;
    assert_eq!(counts(&ends), [2, 1, 0, 0, 1]);
    assert_eq!(bench.codes(ends.id).await, [(3, "unterminated_quote".to_owned())]);
    let mut text = String::from("Name,Mobile,City\nAnn,+447911123400,\"x\n");
    (10..60).for_each(|n| text.push_str(&format!("P,+4479111234{n},y\n")));
    let stray = bench.import(text.as_bytes(), LINES, Options::default()).await;
    assert_eq!(counts(&stray), [51, 49, 0, 1, 1]);
}

#[tokio::test]
async fn rows_that_cannot_be_taken_say_why_and_keep_their_fields() {
    let bench = Bench::new().await;
    let text = "Name,Mobile,City\nAnn,,x\n,,\nBob,12,y\nCy,+447911123456,z,too,many\nDi,+44\u{0}7911123457,z\nEd,+447911123458,ok\n";
    let options = Options { sms_consent: DefaultConsent::OptedIn, ..Options::default() };
    let import = bench.import(text.as_bytes(), LINES, options).await;
    assert_eq!(counts(&import), [6, 1, 0, 1, 4]);
    let codes: Vec<String> = bench.codes(import.id).await.into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["row_without_address", "row_empty", "phone_too_short", "row_too_many_fields", "text_has_nul"]);
    assert_eq!(bench.problems(import.id).await[2].fields, serde_json::json!(["Bob", "12", "y"]));
    assert_eq!(bench.count("SELECT count(*) AS n FROM contact_channels WHERE consent = 'opted_in'").await, 1);
}
