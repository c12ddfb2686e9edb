//! The settings of an account: what is asked for, what is secret, and what is wrong with what was given.

use patchbay_providers::twilio::CONFIG;
use serde_json::{Value, json};

const SID: &str = "AC0123456789abcdef0123456789ABCDEF";

fn issues(settings: &Value) -> Vec<(String, &'static str)> {
    let found = CONFIG.check(settings).err().unwrap_or_default();
    assert!(found.iter().all(|issue| !issue.detail.contains("hush")), "an issue quotes a value");
    found.into_iter().map(|issue| (issue.pointer, issue.code)).collect()
}

#[test]
fn good_settings_pass() {
    assert_eq!(issues(&json!({"account_sid": SID, "auth_token": "hush"})), []);
    let key = json!({
        "account_sid": SID, "auth_token": "hush", "auth_token_secondary": null,
        "api_key_sid": SID.replace("AC", "SK"), "api_key_secret": "hush",
    });
    assert_eq!(issues(&key), []);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let wrong = json!({"account_sid": "hush", "api_key_sid": SID.replace("AC", "SK"), "a/b": "hush"});
    assert_eq!(
        issues(&wrong),
        [
            ("/auth_token".to_owned(), "required"),
            ("/api_key_secret".to_owned(), "required"),
            ("/account_sid".to_owned(), "invalid"),
            ("/a~1b".to_owned(), "unknown_field"),
        ]
    );
    assert_eq!(issues(&json!([])), [(String::new(), "not_an_object")]);
}

#[test]
fn values_of_another_type_or_form_are_invalid() {
    for token in [json!(5), json!(""), json!("hush hush"), json!("hush\n"), json!("hushé"), json!("h".repeat(129))] {
        let settings = json!({"account_sid": SID, "auth_token": token});
        assert_eq!(issues(&settings), [("/auth_token".to_owned(), "invalid")], "{token}");
    }
}

#[test]
fn the_secrets_are_the_tokens_and_the_key_secret() {
    let secrets: Vec<_> = CONFIG.secrets().collect();
    assert_eq!(secrets, ["auth_token", "auth_token_secondary", "api_key_secret"]);
    assert!(!CONFIG.is_secret("account_sid") && CONFIG.is_secret("never heard of it"));
}

#[test]
fn the_json_schema_says_the_same() {
    let schema = CONFIG.to_json_schema();
    assert_eq!(schema["required"], json!(["account_sid", "auth_token"]));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["dependentRequired"]["api_key_sid"], json!(["api_key_secret"]));
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert_eq!(property["writeOnly"] == json!(true), CONFIG.is_secret(name), "{name}");
    }
    assert_eq!(schema["properties"]["account_sid"]["pattern"], "^AC[0-9a-fA-F]{32}$");
}
