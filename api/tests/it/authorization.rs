//! Every operation of the document: without a key, without its scope, and with another tenant's id.
//!
//! The document is the list, so a new operation is tested before anyone thinks of it.

use patchbay_api::openapi;
use patchbay_db::ids::TenantId;
use poem::{
    Request,
    http::{Method, StatusCode},
};
use serde_json::Value;

use crate::{
    fixtures::{UNCOVERED, record_of_a},
    harness::{Reply, TestApi},
};

/// An operation as the document has it.
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    /// `api_key`, `system_key`, or nothing for callbacks, which are signed.
    pub scheme: String,
    pub scope: Option<String>,
    /// Whether the system key opens it too.
    pub takes_system: bool,
    /// The example of its body, and the body's media type.
    pub body: Option<(String, Value)>,
}

pub fn operations() -> Vec<Operation> {
    let document = openapi::document(openapi::LOCAL_SERVER);
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let security = operation["security"][0].as_object().and_then(|first| first.iter().next());
            let content = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                takes_system: operation["security"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one.get("system_key").is_some())),
                scheme: security.map_or_else(String::new, |(scheme, _)| scheme.clone()),
                scope: security.and_then(|(_, scopes)| scopes[0].as_str().map(str::to_owned)),
                body: content.map(|(media, content)| (media.clone(), content["example"].clone())),
            });
        }
    }
    operations
}

impl Operation {
    /// Its path with `id` in the place of each parameter.
    fn path_with(&self, id: &str) -> String {
        let segments = self.path.split('/').map(|segment| if segment.starts_with('{') { id } else { segment });
        segments.collect::<Vec<_>>().join("/")
    }

    /// Whether its path names a record: queues and lanes have names, which all tenants share.
    fn has_id(&self) -> bool {
        self.path.split('/').any(|segment| segment.starts_with('{') && segment != "{queue}" && segment != "{lane}")
    }

    /// Calls it with the example of its body; an upload, with a small file.
    async fn call(&self, api: &TestApi, id: &str, key: Option<&str>) -> Reply {
        let path = self.path_with(id);
        match &self.body {
            Some((media, _)) if !media.starts_with("application/json") => {
                let mut request = Request::builder().method(self.method.clone()).uri_str(&path);
                if let Some(key) = key {
                    request = request.header("authorization", format!("Bearer {key}"));
                }
                api.raw(request.content_type(upload_type(media)).body(UPLOAD)).await
            }
            body => api.send(self.method.clone(), &path, key, body.as_ref().map(|(_, example)| example), &[]).await,
        }
    }
}

/// A file of one column and one row, as a form sends it.
const UPLOAD: &str = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\
                      Content-Type: text/csv\r\n\r\nphone\n+12025550143\n\r\n--edge--\r\n";

fn upload_type(media: &str) -> &str {
    if media.starts_with("multipart/") { "multipart/form-data; boundary=edge" } else { media }
}

/// A well-formed id of no record; its prefix does not matter, since the key is refused first.
const NO_RECORD: &str = "tpl_01h455vb4pex5vsknk084sn02q";

#[tokio::test]
async fn without_a_key_every_operation_answers_401() {
    let api = TestApi::new().await;
    for operation in operations().iter().filter(|operation| !operation.scheme.is_empty()) {
        let reply = operation.call(&api, NO_RECORD, None).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::UNAUTHORIZED, "unauthenticated"), "{}", operation.id);
        let reply = operation.call(&api, NO_RECORD, Some("pb_test_unknown")).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::UNAUTHORIZED, "unauthenticated"), "{}", operation.id);
    }
}

#[tokio::test]
async fn with_a_key_that_lacks_the_scope_every_operation_answers_403() {
    let api = TestApi::new().await;
    let key = api.key(api.a.id, &["nothing:at_all"]).await;
    for operation in operations().iter().filter(|operation| !operation.scheme.is_empty()) {
        let reply = operation.call(&api, NO_RECORD, Some(&key)).await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::FORBIDDEN, "forbidden"),
            "{}: {}",
            operation.id,
            reply.text
        );
    }
}

#[tokio::test]
async fn with_the_system_key_no_tenants_operation_is_open() {
    let api = TestApi::new().await;
    for operation in operations().iter().filter(|operation| operation.scheme == "api_key" && !operation.takes_system) {
        let reply = operation.call(&api, NO_RECORD, Some(crate::harness::SYSTEM_KEY)).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, "forbidden"), "{}", operation.id);
    }
}

#[tokio::test]
async fn every_scope_alone_opens_its_operations() {
    let api = TestApi::new().await;
    for operation in operations() {
        let Some(scope) = &operation.scope else { continue };
        let key = api.key(api.a.id, &[scope]).await;
        let reply = operation.call(&api, NO_RECORD, Some(&key)).await;
        assert_ne!(reply.status, StatusCode::UNAUTHORIZED, "{}: {}", operation.id, reply.text);
        assert!(!reply.text.contains("needs the scope"), "{}: {}", operation.id, reply.text);
    }
}

#[tokio::test]
async fn with_another_tenants_id_every_operation_answers_404() {
    let api = TestApi::new().await;
    let mut uncovered = Vec::new();
    for operation in operations().iter().filter(|operation| operation.has_id() && operation.scheme == "api_key") {
        let Some(id) = record_of_a(&api, &operation.path).await else {
            uncovered.push(operation.id.clone());
            continue;
        };
        let stranger = operation.call(&api, &id, Some(&api.b.key)).await;
        assert_eq!(
            stranger.status,
            StatusCode::NOT_FOUND,
            "{} shows tenant B a record of A: {}",
            operation.id,
            stranger.text
        );
        let owner = operation.call(&api, &id, Some(&api.a.key)).await;
        assert_ne!(
            owner.status,
            StatusCode::NOT_FOUND,
            "{} does not find its own fixture: {}",
            operation.id,
            owner.text
        );
    }
    assert_eq!(uncovered, UNCOVERED, "operations without a fixture must be those in UNCOVERED, which may only shrink");
}

/// Queues and their lanes are there for every tenant; `queues.rs` shows that each sees its own share of them only.
#[tokio::test]
async fn no_list_shows_a_record_of_another_tenant() {
    let api = TestApi::new().await;
    let all = operations();
    let lists = all.iter().filter(|operation| operation.id.ends_with("_list") && operation.scheme == "api_key");
    let lists: Vec<_> = lists.filter(|operation| operation.path != "/v1/queues").collect();
    assert!(lists.len() >= 9, "only {} lists were found", lists.len());
    for operation in lists {
        let id = record_of_a(&api, &operation.path).await.expect("a resource with a list has a record in fixtures.rs");
        let own = operation.call(&api, "", Some(&api.a.key)).await;
        assert!(own.text.contains(&id), "{} does not list its own fixture: {}", operation.id, own.text);
        let theirs = operation.call(&api, "", Some(&api.b.key)).await;
        assert_eq!(theirs.status, StatusCode::OK, "{}: {}", operation.id, theirs.text);
        assert!(!theirs.text.contains(&id), "{} shows tenant B a record of A: {}", operation.id, theirs.text);
    }
}

#[tokio::test]
async fn an_id_of_no_record_is_not_found_and_no_id_is_malformed() {
    let api = TestApi::new().await;
    let id = TenantId::from(uuid::Uuid::from_u128(7)).to_string();
    let missing = api.get(&format!("/v1/tenants/{id}"), crate::harness::SYSTEM_KEY).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::NOT_FOUND, "not_found"));
    for text in ["tnt_1", "con_01h455vb4pex5vsknk084sn02q", "%20", "01h455vb4pex5vsknk084sn02q"] {
        let reply = api.get(&format!("/v1/tenants/{text}"), crate::harness::SYSTEM_KEY).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, "invalid_id"), "{text}: {}", reply.text);
    }
}
