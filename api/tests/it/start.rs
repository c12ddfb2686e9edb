//! The program from its start to its end, and what it never writes down.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::SYSTEM_KEY;
use crate::program::{Program, SEALING_KEY, command};
use crate::provider_accounts::TOKEN;

#[tokio::test]
async fn a_bad_start_names_every_problem_and_ends_with_2() {
    let mut start = command(&[]);
    start
        .env("DATABASE_URL", "mysql://hunter2@h/d")
        .env("PATCHBAY__API__JSON_BODY_MAX", "much")
        .env("PATCHBAY__REDIS__URI", "x");
    let output = start.output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    for part in ["database.url", "redis.url", "secrets.key", "api.json_body_max", "redis.uri"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn it_serves_without_a_command_word_and_a_signal_ends_it() {
    let help = String::from_utf8(command(&["--help"]).output().await.unwrap().stdout).unwrap();
    for part in ["serve", "migrate", "openapi", "PATCHBAY_CONFIG", "SIGTERM", "Exit codes"] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
    let mut program = Program::start(&[]).await;
    assert_eq!(program.call(program.get("/readyz")).await["status"], "ready");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().await, Some(0));
}

#[tokio::test]
async fn no_log_at_any_level_holds_a_secret_or_a_text() {
    const TEXT: &str = "the surprise party is on Friday";
    let program = Program::start(&[("RUST_LOG", "trace")]).await;
    program.account().await;
    let message = json!({ "to": "+12025550123", "body": TEXT });
    program.call(program.post("/v1/messages").json(&message)).await;
    program.call(program.post("/v1/messages/batch").json(&json!({ "messages": [message] }))).await;
    program.call(program.post("/v1/templates").json(&json!({ "code": "party", "body": TEXT }))).await;
    let wrong = program.post("/v1/messages").json(&json!({ "to": TEXT, "body": TEXT, "extra": TEXT }));
    assert_eq!(wrong.send().await.unwrap().status().as_u16(), 400);
    let log = program.log();
    assert!(log.contains("TRACE") && log.contains("answered"), "it writes at every level");
    for secret in [SYSTEM_KEY, &program.key, TOKEN, SEALING_KEY, TEXT, "surprise"] {
        let leak = log.lines().find(|line| line.contains(secret));
        assert_eq!(leak, None, "{secret} was written");
    }
}
