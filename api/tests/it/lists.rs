//! Pages of a list.

use poem::http::StatusCode;
use serde_json::json;

use crate::harness::TestApi;

#[tokio::test]
async fn pages_give_every_record_once_newest_first() {
    let api = TestApi::new().await;
    for n in 0..7 {
        let made = api.post("/v1/templates", &api.a.key, &json!({ "code": format!("t{n}"), "body": "x" })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let (mut codes, mut path) = (Vec::new(), "/v1/templates?limit=3".to_owned());
    loop {
        let page = api.get(&path, &api.a.key).await;
        codes.extend(
            page.body["data"].as_array().unwrap().iter().map(|template| template["code"].as_str().unwrap().to_owned()),
        );
        assert_eq!(page.body["has_more"].as_bool().unwrap(), page.body["next_cursor"].is_string());
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("/v1/templates?limit=3&cursor={cursor}");
    }
    assert_eq!(codes, ["t6", "t5", "t4", "t3", "t2", "t1", "t0"]);
}

#[tokio::test]
async fn an_empty_list_has_no_next_page() {
    let api = TestApi::new().await;
    assert_eq!(
        api.get("/v1/templates", &api.a.key).await.body,
        json!({ "data": [], "next_cursor": null, "has_more": false })
    );
}
