//! What imports promise on the wire. What becomes of the rows is the worker's promise, tested there.

use poem::{
    Request,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};

use crate::harness::{Reply, TestApi};

/// Uploads `file`, with `options` where given, under an idempotency key where given.
pub async fn upload_with(api: &TestApi, key: &str, file: &[u8], options: Option<&Value>, once: Option<&str>) -> Reply {
    let mut body = Vec::new();
    if let Some(options) = options {
        body.extend_from_slice(b"--edge\r\nContent-Disposition: form-data; name=\"options\"\r\n\r\n");
        body.extend_from_slice(options.to_string().as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"leads.csv\"\r\n\r\n");
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let mut request = Request::builder()
        .method(Method::POST)
        .uri_str("/v1/imports")
        .header("authorization", format!("Bearer {key}"))
        .content_type("multipart/form-data; boundary=edge");
    if let Some(once) = once {
        request = request.header("idempotency-key", once);
    }
    api.raw(request.body(body)).await
}

pub async fn upload(api: &TestApi, key: &str, file: &str, options: Option<&Value>) -> Reply {
    upload_with(api, key, file.as_bytes(), options, None).await
}

const FILE: &str = "Vorname;Telefon;Stadt\nAnna;0151 23456789;Köln\nZoë;+32 470 12 34 56;Liège\n";

#[tokio::test]
async fn an_upload_answers_columns_samples_and_a_suggested_mapping() {
    let api = TestApi::new().await;
    let reply = upload(&api, &api.a.key, FILE, None).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    assert_eq!(reply.body["state"], "uploaded");
    assert_eq!((&reply.body["encoding"], &reply.body["delimiter"]), (&json!("UTF-8"), &json!(";")));
    let column = &reply.body["columns"][1];
    assert_eq!((&column["name"], &column["suggested_field"]), (&json!("Telefon"), &json!("phone")));
    assert_eq!(column["samples"], json!(["0151 23456789", "+32 470 12 34 56"]));
    assert_eq!(reply.body["size_bytes"], FILE.len());
    assert_eq!(api.get(reply.header("location"), &api.a.key).await.body, reply.body);
    assert_eq!(api.get("/v1/imports", &api.a.key).await.body["data"][0], reply.body);
}

#[tokio::test]
async fn a_file_that_is_no_table_is_refused_and_leaves_nothing() {
    let api = TestApi::new().await;
    let cases: [(&[u8], &str); 5] = [
        (b"", "file_empty"),
        (b"Name,Phone\n", "file_has_no_rows"),
        (b"Ann,+447911123456\n", "file_header_missing"),
        (b"PK\x03\x04 a workbook", "file_is_a_spreadsheet"),
        (b"\x00\x01\x02\x00\x00\x00\x07", "file_not_text"),
    ];
    for (file, code) in cases {
        let reply = upload_with(&api, &api.a.key, file, None, None).await;
        assert_eq!((reply.status, &reply.body["errors"][0]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)));
    }
    assert_eq!(api.get("/v1/imports", &api.a.key).await.body["data"], json!([]));
}

#[tokio::test]
async fn a_body_that_is_no_upload_is_refused() {
    let api = TestApi::new().await;
    let json = api.post("/v1/imports", &api.a.key, &json!({})).await;
    assert_eq!((json.status, json.code()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"));
    let options = upload(&api, &api.a.key, FILE, Some(&json!({ "dedup": "skip" }))).await;
    assert_eq!(
        (options.status, &options.body["errors"][0]["pointer"]),
        (StatusCode::BAD_REQUEST, &json!("/options/dedup"))
    );
    let request = Request::builder()
        .method(Method::POST)
        .uri_str("/v1/imports")
        .header("authorization", format!("Bearer {}", api.a.key))
        .content_type("multipart/form-data; boundary=edge");
    let cut = api.raw(request.body("--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nName,Pho")).await;
    assert_eq!((cut.status, cut.code()), (StatusCode::BAD_REQUEST, "invalid_request"), "{}", cut.text);
    assert_eq!(api.get("/v1/imports", &api.a.key).await.body["data"], json!([]));
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused() {
    let api = TestApi::with(&[("PATCHBAY__API__UPLOAD_BODY_MAX", "64 KiB")]).await;
    let file = format!("phone\n{}", "+12025550143\n".repeat(20_000));
    let reply = upload(&api, &api.a.key, &file, None).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
    assert_eq!(api.get("/v1/imports", &api.a.key).await.body["data"], json!([]));
}

#[tokio::test]
async fn every_fault_of_a_mapping_is_told_at_its_place() {
    let api = TestApi::new().await;
    let path = upload(&api, &api.a.key, FILE, None).await.header("location").to_owned() + "/start";
    let mapping = json!([
        { "column": "Telefon", "field": "phone" }, { "column": "Telefon", "field": "email" },
        { "column": "Stadt", "field": "phone" }, { "column": "Ort", "field": "city" }, { "column": "Vorname", "field": "forename" },
    ]);
    let reply = api.post(&path, &api.a.key, &json!({ "mapping": mapping })).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"));
    let told: Vec<(&str, &str)> = reply.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("/mapping/1", "mapping_column_twice"),
            ("/mapping/2", "mapping_field_twice"),
            ("/mapping/3", "mapping_unknown_column"),
            ("/mapping/4", "mapping_unknown_field"),
        ]
    );
    let none = api.post(&path, &api.a.key, &json!({ "mapping": [{ "column": "Stadt", "field": "city" }] })).await;
    assert_eq!(none.body["errors"][0]["code"], "mapping_without_address");
    let missing = api.post(&path, &api.a.key, &json!({})).await;
    assert_eq!(missing.body["errors"][0]["code"], "mapping_missing");
}

#[tokio::test]
async fn a_start_answers_202_with_the_job_once() {
    let api = TestApi::new().await;
    let location = upload(&api, &api.a.key, FILE, None).await.header("location").to_owned();
    let body = json!({
        "mapping": [{ "column": "Telefon", "field": "phone" }],
        "options": { "default_country": "Germany", "dedupe": "update", "consent": { "sms": "opted_in", "source": "fair" } },
    });
    let started = api.post(&format!("{location}/start"), &api.a.key, &body).await;
    assert_eq!((started.status, &started.body["state"]), (StatusCode::ACCEPTED, &json!("running")), "{}", started.text);
    assert_eq!(started.header("location"), format!("/v1/jobs/{}", started.body["job_id"].as_str().unwrap()));
    assert_eq!(started.body["options"]["default_country"], "DE");
    let again = api.post(&format!("{location}/start"), &api.a.key, &body).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "state_conflict"));
    let cancelled = api.post(&format!("{location}/cancel"), &api.a.key, &json!({})).await;
    assert_eq!(
        (cancelled.status, &cancelled.body["state"]),
        (StatusCode::OK, &json!("cancelled")),
        "{}",
        cancelled.text
    );
}

#[tokio::test]
async fn an_upload_can_start_at_once_and_a_repeat_is_answered_from_memory() {
    let api = TestApi::new().await;
    let options =
        json!({ "start": true, "mapping": [{ "column": "Telefon", "field": "phone" }], "default_country": "DE" });
    let first = upload_with(&api, &api.a.key, FILE.as_bytes(), Some(&options), Some("k1")).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    let second = upload_with(&api, &api.a.key, FILE.as_bytes(), Some(&options), Some("k1")).await;
    assert_eq!((second.status, second.header("idempotent-replayed")), (StatusCode::ACCEPTED, "true"));
    assert_eq!(second.body["id"], first.body["id"]);
    let other = upload_with(&api, &api.a.key, b"phone\n+12025550143\n", Some(&options), Some("k1")).await;
    assert_eq!((other.status, other.code()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"));
    assert_eq!(api.get("/v1/imports", &api.a.key).await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_errors_file_is_csv_with_the_files_own_columns() {
    let api = TestApi::new().await;
    let reply = upload(&api, &api.a.key, FILE, None).await;
    let file = api.get(&format!("{}/errors", reply.header("location")), &api.a.key).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "text/csv; charset=utf-8"));
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"imp_"));
    assert_eq!(file.text, "\u{FEFF}row_number,outcome,column,code,detail,Vorname,Telefon,Stadt\r\n");
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    let ended = "UPDATE imports SET finished_at = now() - interval '8 days'";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *tx, ended).await.unwrap();
    tx.commit().await.unwrap();
    let gone = api.get(&format!("{}/errors", reply.header("location")), &api.a.key).await;
    assert_eq!((gone.status, gone.code()), (StatusCode::NOT_FOUND, "not_found"));
}
