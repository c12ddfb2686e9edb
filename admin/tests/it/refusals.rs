//! When it goes wrong: what is said, and with which code it ends. The key is in none of it.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::{program::Program, server::Server};

#[tokio::test]
async fn a_refusal_says_what_where_under_which_id_and_what_next() {
    let server = Server::start().await;
    let refused = server.admin("jobs show job_01h455vb4pex5vsknk084sn02q").run();
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
    for part in ["error: ", "(not_found)", "Request id: ", "Next: ", "list"] {
        assert!(refused.err.contains(part), "{part} is not in {}", refused.err);
    }
    let invalid = server.admin("jobs show nonsense").run();
    assert!(invalid.code == Some(1) && invalid.err.contains("Next: correct"), "{invalid:?}");
}

#[tokio::test]
async fn with_json_a_refusal_is_the_apis_own_problem() {
    let server = Server::start().await;
    let refused = server.admin("jobs show job_01h455vb4pex5vsknk084sn02q --json").run();
    let problem: Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("not_found"), &json!(404)));
    assert_eq!(refused.err.lines().count(), 1);
}

#[tokio::test]
async fn a_key_that_is_wrong_missing_or_weak_is_told_apart() {
    let server = Server::start().await;
    let wrong = server.admin("queues list").env("PATCHBAY_KEY", "pb_test_hush").run();
    assert!(wrong.code == Some(1) && wrong.err.contains("(unauthenticated)"), "{wrong:?}");
    assert!(wrong.err.contains("PATCHBAY_KEY"), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("hush"), "{wrong:?}");
    let none = Program::new("queues list").env("PATCHBAY_URL", &server.url).run();
    assert!(none.code == Some(2) && none.err.contains("PATCHBAY_KEY"), "{none:?}");
    let broken = server.admin("queues list").env("PATCHBAY_KEY", "hu\nsh").run();
    assert!(broken.code == Some(2) && !broken.err.contains("sh\n"), "{broken:?}");
    let weak = server.new_key(&["queues:read"]).await;
    let forbidden = server.admin("queues pause sends --reason x").env("PATCHBAY_KEY", &weak).run();
    assert!(forbidden.code == Some(1) && forbidden.err.contains("(forbidden)"), "{forbidden:?}");
    assert!(forbidden.err.contains("queues:write"), "{forbidden:?}");
}

#[test]
fn an_api_that_is_not_there_ends_with_3() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let gone = Program::new("queues list").env("PATCHBAY_URL", &url).env("PATCHBAY_KEY", "pb_sys_hush").run();
    assert!(gone.code == Some(3) && gone.err.contains(&url) && gone.err.contains("refused"), "{gone:?}");
    assert!(!gone.err.contains("hush"), "{gone:?}");
    let wrong = Program::new("queues list --url ftp://x --key k").run();
    assert!(wrong.code == Some(2) && wrong.err.contains("http://"), "{wrong:?}");
}
