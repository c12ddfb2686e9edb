//! Promises of `phone`: one number, one address, however it is written, and a reason for each refusal.
#![expect(clippy::unwrap_used, reason = "tests")]

use patchbay_domain::countries::Country;
use patchbay_domain::phone::{E164, PhoneError};
use proptest::prelude::*;

fn read(text: &str, country: &str) -> Result<String, PhoneError> {
    let country = (!country.is_empty()).then(|| Country::parse(country).unwrap());
    E164::parse(text, country).map(E164::into_string)
}

#[test]
fn every_spelling_of_one_number_is_one_address() {
    let spellings = [
        ("+44 7911 123456", ""),
        ("+44 (0)7911 123456", ""),
        ("0044 7911 123456", ""),
        ("tel:+44-7911-123456", ""),
        ("tel:7911-123456;phone-context=+44", ""),
        ("'+447911123456", ""),
        ("p:+447911123456", "US"),
        ("＋４４ ７９１１ １２３４５６", ""),
        ("+٤٤ ٧٩١١ ١٢٣٤٥٦", ""),
        ("\u{202A}+44\u{00A0}7911\u{2011}123456\u{202C}", ""),
        ("07911 123456", "GB"),
        ("7911123456", "GB"),
        ("447911123456", "GB"),
        ("00447911123456", "GB"),
        ("011 44 7911 123456", "US"),
        ("0044 7911 123456", "US"),
        ("+011 44 7911 123456", "US"),
        ("+44 7911 123456", "US"),
    ];
    for (text, country) in spellings {
        assert_eq!(read(text, country).as_deref(), Ok("+447911123456"), "{text} in {country}");
    }
}

#[test]
fn another_countrys_number_never_loses_digits_to_the_default_country() {
    assert_eq!(read("+49 1512 3456789", "US").as_deref(), Ok("+4915123456789"));
    assert_eq!(read("+7 812 123 45 67", "").as_deref(), Ok("+78121234567"));
}

#[test]
fn national_rules_of_several_countries_are_followed() {
    let cases = [
        ("(415) 555-0123", "US", "+14155550123"),
        ("1-415-555-0123", "US", "+14155550123"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 698 12345", "IT", "+390669812345"),
        ("8 812 123-45-67", "RU", "+78121234567"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("050 123 4567", "AE", "+971501234567"),
        ("(11) 91234-5678", "BR", "+5511912345678"),
        ("+1 500 555 0006", "", "+15005550006"),
    ];
    for (text, country, expected) in cases {
        assert_eq!(read(text, country).as_deref(), Ok(expected), "{text} in {country}");
    }
}

#[test]
fn each_refusal_says_why() {
    let cases = [
        ("", "US", PhoneError::Empty),
        ("n/a", "US", PhoneError::NotANumber),
        ("+44 7911 123456; +44 7911 123457", "", PhoneError::NotANumber),
        ("+44 7911 +123456", "", PhoneError::NotANumber),
        ("+1 650 253 0000 ext. 12", "", PhoneError::Extension),
        ("650-253-0000 x12", "US", PhoneError::Extension),
        ("tel:+1-650-253-0000;ext=12", "", PhoneError::Extension),
        ("4.47911E+11", "GB", PhoneError::Scientific),
        ("07911 123456", "", PhoneError::NoCountry),
        ("+999 1234567", "", PhoneError::UnknownCountryCode),
        ("12", "", PhoneError::TooShort),
        ("+1 650 253", "", PhoneError::TooShort),
        ("+1 650 253 0000 000", "", PhoneError::TooLong),
        ("+1 000 000 0000", "", PhoneError::Invalid),
    ];
    for (text, country, error) in cases {
        assert_eq!(read(text, country), Err(error), "{text} in {country}");
    }
}

#[test]
fn serde_reads_what_it_wrote_and_refuses_the_rest() {
    let number: E164 = "+447911123456".parse().unwrap();
    let json = serde_json::to_string(&number).unwrap();
    assert_eq!(json, "\"+447911123456\"");
    assert_eq!(serde_json::from_str::<E164>(&json).unwrap(), number);
    assert!(serde_json::from_str::<E164>("\"07911123456\"").is_err());
}

proptest! {
    #[test]
    fn reading_is_idempotent_whatever_the_default_country(
        digits in "[0-9]{4,15}", first in "\\+?", country in prop::sample::select(vec!["US", "GB", "DE", "IT", "RU", "BY", "AR", "HU", "BR"]),
        later in prop::sample::select(vec!["", "US", "DE", "RU", "BY", "LT"]),
    ) {
        if let Ok(number) = read(&format!("{first}{digits}"), country) {
            prop_assert_eq!(read(&number, later), Ok(number));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = read(&text, "US");
        let _ = read(&text, "");
    }

    #[test]
    fn every_address_has_the_form_the_database_demands(text in "\\+?[0-9 ()x-]{3,20}") {
        if let Ok(number) = read(&text, "GB") {
            let digits = number.strip_prefix('+').unwrap();
            prop_assert!((2..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0'));
        }
    }
}
