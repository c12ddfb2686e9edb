//! Limits: set on a key beside what is set there, seen with the lanes, lifted.

use serde_json::json;

use crate::server::{LANE, Server};

#[tokio::test]
async fn what_is_not_named_stays_and_only_lifts_it() {
    let server = Server::start().await;
    let set = format!("limits set sends {LANE}");
    assert_eq!(server.admin(&format!("{set} --rate 2 --burst 5")).done(), "2/s, burst 5\n");
    assert_eq!(server.admin(&format!("{set} --concurrency 3")).done(), "2/s, burst 5; 3 at a time\n");
    let breaker = server.admin(&format!("{set} --breaker 5,60,30 --only")).done();
    assert_eq!(breaker, "rests 30s after 5 failures in 60s\n");
    let lanes = server.admin("lanes list sends").done();
    assert!(lanes.contains(LANE) && lanes.contains("rests 30s"), "{lanes}");
    server.admin(&format!("limits clear sends {LANE} --yes")).done();
    assert_eq!(server.admin("limits list sends").done(), "No limits.\n");
}

#[tokio::test]
async fn the_operator_sets_a_tenants_and_what_all_share() {
    let server = Server::start().await;
    let tenant = server.tenant;
    server
        .operator(&format!(
            "limits set sends * --tenant {tenant} --weight 2 --open mon-fri@09:00-17:00 --timezone Europe/Berlin"
        ))
        .done();
    server.operator("limits set sends * --shared --rate 500").done();
    let list = server.operator("limits list sends --all").json();
    let found: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|set| (&set["tenant_id"], &set["limit"]["weight"])).collect();
    assert!(
        found.contains(&(&json!(null), &json!(null))) && found.contains(&(&json!(tenant.to_string()), &json!(2.0))),
        "{list}"
    );
    let shared = server.operator("limits list sends --shared").done();
    assert!(shared.contains("(shared)") && !shared.contains("weight") && shared.contains("500/s"), "{shared}");
    let refused = server.admin("limits set sends * --weight 9").run();
    assert!(refused.code == Some(1) && refused.err.contains("(forbidden)"), "{refused:?}");
}
