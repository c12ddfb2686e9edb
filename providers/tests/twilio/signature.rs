//! Twilio's published signature examples hold, and everything an attacker might send instead does not.

use std::sync::LazyLock;

use patchbay_providers::{
    Account, Provider, SignatureError, WebhookRequest,
    twilio::{Twilio, sign},
};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

use crate::support::*;

const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const CALL: &str = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309";
const CALL_SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
const JSON: &str = r#"{"property": "value", "boolean": true}"#;
const JSON_URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2\
    &bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const JSON_SIGNATURE: &str = "a9nBmqA0ju/hNViExpshrM61xv4=";

/// One for all tests: making a client reads the system's certificates.
fn twilio() -> &'static Twilio {
    static TWILIO: LazyLock<Twilio> = LazyLock::new(|| twilio_at("http://127.0.0.1:1"));
    &TWILIO
}

fn examples_account() -> Account {
    account_with(&json!({"account_sid": ACCOUNT_SID, "auth_token": "12345"}))
}

fn request(url: &str, content_type: &str, body: &[u8], signatures: &[&str]) -> WebhookRequest {
    let mut request = WebhookRequest {
        method: reqwest::Method::POST,
        urls: vec![url.to_owned()],
        headers: reqwest::header::HeaderMap::new(),
        body: body.to_vec().into(),
    };
    request.headers.insert("content-type", content_type.parse().unwrap());
    for signature in signatures {
        request.headers.append("X-Twilio-Signature", signature.parse().unwrap());
    }
    request
}

fn verify(url: &str, content_type: &str, body: &str, signature: &str) -> Result<(), SignatureError> {
    twilio().verify(&examples_account(), &request(url, content_type, body.as_bytes(), &[signature]))
}

#[test]
fn the_published_form_example_holds() {
    assert_eq!(verify(URL, FORM, CALL, CALL_SIGNATURE), Ok(()));
}

#[test]
fn the_published_examples_with_and_without_ports_hold() {
    for (url, signature) in [
        ("https://mycompany.com:1234/myapp.php?foo=1&bar=2", CALL_SIGNATURE),
        (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("http://mycompany.com/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ] {
        assert_eq!(verify(url, FORM, CALL, signature), Ok(()), "{url}");
    }
}

#[test]
fn the_published_example_with_a_repeated_name_holds() {
    let body = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234";
    assert_eq!(verify(URL, FORM, body, "IK+Dwps556ElfBT0I3Rgjkr1wJU="), Ok(()));
    let repeated = format!("{body}&Digits=1234");
    assert_eq!(verify(URL, FORM, &repeated, "IK+Dwps556ElfBT0I3Rgjkr1wJU="), Ok(()), "equal pairs count once");
}

#[test]
fn the_published_json_example_holds() {
    assert_eq!(verify(JSON_URL, "application/json", JSON, JSON_SIGNATURE), Ok(()));
}

#[test]
fn any_candidate_url_may_be_the_signed_one() {
    let mut behind_proxy =
        request("http://10.0.0.7:8080/myapp.php?foo=1&bar=2", FORM, CALL.as_bytes(), &[CALL_SIGNATURE]);
    let twilio = twilio();
    assert_eq!(twilio.verify(&examples_account(), &behind_proxy), Err(SignatureError::Mismatch));
    behind_proxy.urls.push(URL.to_owned());
    assert_eq!(twilio.verify(&examples_account(), &behind_proxy), Ok(()));
}

#[test]
fn the_secondary_token_holds_during_a_rotation() {
    let account = account_with(&json!({"auth_token": "the new one", "auth_token_secondary": "12345"}));
    let request = request(URL, FORM, CALL.as_bytes(), &[CALL_SIGNATURE]);
    assert_eq!(twilio().verify(&account, &request), Ok(()));
}

#[test]
fn a_wrong_token_or_none_fails() {
    let twilio = twilio();
    let request = request(URL, FORM, CALL.as_bytes(), &[CALL_SIGNATURE]);
    let wrong = account_with(&json!({"auth_token": "12346"}));
    assert_eq!(twilio.verify(&wrong, &request), Err(SignatureError::Mismatch));
    for none in [json!({}), json!({"auth_token": ""})] {
        assert_eq!(twilio.verify(&account_with(&none), &request), Err(SignatureError::NoKey));
    }
}

#[test]
fn a_missing_doubled_or_malformed_header_fails() {
    let twilio = twilio();
    let with =
        |signatures: &[&str]| twilio.verify(&examples_account(), &request(URL, FORM, CALL.as_bytes(), signatures));
    assert_eq!(with(&[]), Err(SignatureError::Missing));
    assert_eq!(with(&["AAAA", CALL_SIGNATURE]), Err(SignatureError::Malformed));
    assert_eq!(with(&[CALL_SIGNATURE, CALL_SIGNATURE]), Err(SignatureError::Malformed));
    let truncated = &CALL_SIGNATURE[..24];
    let not_base64_at_all = "!".repeat(28);
    for malformed in
        ["", "nonsense!", "=", truncated, not_base64_at_all.as_str(), "UlNPWUR0NFQxY1VUZEsxUERkOTMvVlZyOEI4PQ=="]
    {
        assert_eq!(with(&[malformed]), Err(SignatureError::Malformed), "{malformed:?}");
    }
}

#[test]
fn any_change_to_a_form_fails() {
    for changed in [
        CALL.replace("1234&", "1235&"),
        format!("{CALL}&Extra=1"),
        format!("{CALL}&Digits=9"),
        format!("{CALL}&Empty="),
        CALL[..CALL.len() - 1].to_owned(),
        CALL.replace("Digits=1234&", ""),
        CALL.replace("%2B", "+"),
        CALL.replace("Digits", "digits"),
        String::new(),
    ] {
        let outcome = verify(URL, FORM, &changed, CALL_SIGNATURE);
        // An extra parameter with neither value nor meaning still changes what is signed.
        assert_eq!(outcome, Err(SignatureError::Mismatch), "{changed}");
    }
}

#[test]
fn another_url_fails() {
    for url in [
        "https://mycompany.com/myapp.php?foo=1&bar=3",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "https://mycompany.com/other.php?foo=1&bar=2",
        "https://evil.example/myapp.php?foo=1&bar=2",
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "",
    ] {
        assert_eq!(verify(url, FORM, CALL, CALL_SIGNATURE), Err(SignatureError::Mismatch), "{url}");
    }
}

#[test]
fn a_json_body_must_be_the_one_that_was_hashed() {
    for body in [r#"{"property": "other"}"#, "", &JSON[1..]] {
        let outcome = verify(JSON_URL, "application/json", body, JSON_SIGNATURE);
        assert_eq!(outcome, Err(SignatureError::BodyHash), "{body}");
    }
}

#[test]
fn a_body_outside_the_signature_fails_even_when_the_url_is_signed() {
    let signature = sign(&SecretString::from("12345"), URL, &[]);
    assert_eq!(verify(URL, "application/json", "", &signature), Ok(()));
    assert_eq!(verify(URL, "application/json", JSON, &signature), Err(SignatureError::NotCovered));
    assert_eq!(verify(URL, "text/plain", "From=evil", &signature), Err(SignatureError::NotCovered));
}

#[test]
fn a_form_cannot_be_passed_off_as_json_nor_json_as_a_form() {
    assert_eq!(verify(URL, "application/json", CALL, CALL_SIGNATURE), Err(SignatureError::NotCovered));
    assert_eq!(verify(JSON_URL, FORM, CALL, JSON_SIGNATURE), Err(SignatureError::BodyHash));
}

#[test]
fn bodies_that_are_not_text_are_compared_byte_for_byte() {
    // Both decode to the same replacement character, so a decoder that replaces would take one for the other.
    let replacement = sign(&SecretString::from("12345"), URL, &[("Body", "\u{fffd}")]);
    let twilio = twilio();
    let with = |body: &[u8]| twilio.verify(&examples_account(), &request(URL, FORM, body, &[&replacement]));
    assert_eq!(with(b"Body=%EF%BF%BD"), Ok(()));
    for other in [b"Body=%FF".as_slice(), b"Body=\xff", b"Body=%C3%28"] {
        assert_eq!(with(other), Err(SignatureError::Mismatch));
    }
}

proptest! {
    #[test]
    fn what_twilio_signs_verifies_and_one_more_pair_does_not(
        pairs in prop::collection::vec(("[A-Za-z]{1,8}", ".{0,12}"), 0..8),
        extra in "[a-z]{9}",
    ) {
        let encode = |pairs: &[(String, String)]| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        };
        let borrowed: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let signature = sign(&SecretString::from("12345"), URL, &borrowed);
        prop_assert_eq!(verify(URL, FORM, &encode(&pairs), &signature), Ok(()));
        let mut more = pairs;
        more.push((extra, String::new()));
        prop_assert_eq!(verify(URL, FORM, &encode(&more), &signature), Err(SignatureError::Mismatch));
    }

    #[test]
    fn no_garbage_verifies_or_panics(
        url in ".{0,40}", body in prop::collection::vec(any::<u8>(), 0..60), signature in "[A-Za-z0-9+/]{27}=",
    ) {
        let request = request(&url, FORM, &body, &[&signature]);
        prop_assert!(twilio().verify(&examples_account(), &request).is_err());
    }
}
