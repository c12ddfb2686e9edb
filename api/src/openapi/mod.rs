//! The API document: what poem-openapi writes, raised to valid OpenAPI 3.1 with what it cannot express.
//!
//! poem-openapi declares 3.0 and has no words for shared problem answers, request headers that every POST takes, or the
//! scopes of a bearer key. Each of these is one pass here, over all operations, so no operation can be without.
//! The result is checked in (`openapi/openapi.json`); a test fails when it drifts. Never edit it by hand.

mod examples;
mod headers;
mod problems;
mod requests;
mod security;
mod upgrade;

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use poem_openapi::OpenApiService;
use serde_json::{Map, Value, json};

use crate::{
    http::scope::SCHEME_PREFIX,
    routes::{Routes, routes},
};

const TITLE: &str = "Patchbay";
const DESCRIPTION: &str =
    "A multi-tenant CRM that texts: contacts, leads, imports, templates and messages over a job queue.

Work is accepted with `202` and a job, and done after the answer. Every POST takes an `Idempotency-Key`. Errors are
`application/problem+json`; `type` is a page that says what to do. A `pb_test_…` key runs the same code against the
simulator's rules: nothing leaves the house.";

/// The server that the checked-in document names.
pub const LOCAL_SERVER: &str = "http://127.0.0.1:8080";

/// The service that serves the operations.
#[must_use]
pub fn service() -> OpenApiService<Routes, ()> {
    OpenApiService::new(routes(), TITLE, env!("CARGO_PKG_VERSION"))
}

/// The document for the API at `server`.
#[must_use]
pub fn document(server: &str) -> Value {
    let text = service().spec();
    let mut document: Value = serde_json::from_str(&text).expect("poem-openapi writes JSON");
    document["info"] = json!({
        "title": TITLE,
        "version": env!("CARGO_PKG_VERSION"),
        "description": DESCRIPTION,
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["servers"] = json!([{ "url": server, "description": "This installation" }]);
    requests::close(&mut document);
    upgrade::raise(&mut document);
    security::name_scopes(&mut document);
    problems::add(&mut document);
    headers::add(&mut document);
    examples::add(&mut document);
    document
}

/// Every scope that some operation asks for, sorted.
pub fn scopes() -> &'static [&'static str] {
    static SCOPES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let paths = <Routes as poem_openapi::OpenApi>::meta().into_iter().flat_map(|api| api.paths);
        let names = paths.flat_map(|path| path.operations).flat_map(|operation| operation.security).flatten();
        let mut scopes: Vec<_> = names.filter_map(|(scheme, _)| scheme.strip_prefix(SCHEME_PREFIX)).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    });
    &SCOPES
}

/// The instant that examples show: 2026-11-21T09:30:00Z.
#[must_use]
pub fn example_time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_253_400, 0).expect("an instant of the year 2026")
}

/// Visits every operation with its path and method.
fn each_operation(document: &mut Value, mut visit: impl FnMut(&str, &str, &mut Map<String, Value>)) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, methods) in paths {
        let Some(methods) = methods.as_object_mut() else { continue };
        for (method, operation) in methods {
            if let Some(operation) = operation.as_object_mut() {
                visit(path, method, operation);
            }
        }
    }
}
