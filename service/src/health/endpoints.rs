//! The endpoints as poem endpoints, so that the API mounts the very same ones beside its own.

use poem::{
    Endpoint, IntoEndpoint, Response, Route,
    endpoint::make,
    get,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use super::{Health, Report};

/// `/healthz`, `/readyz` and `/metrics`.
#[must_use]
pub fn routes(health: &Health) -> Route {
    Route::new().at("/healthz", live(health)).at("/readyz", ready(health)).at("/metrics", metrics())
}

/// Says that the process is alive: 200 whenever it can answer at all.
#[must_use]
pub fn live(health: &Health) -> impl IntoEndpoint<Endpoint: Endpoint + 'static> + use<> {
    let body = json!({ "status": "alive", "service": health.service() });
    get(make(move |_| {
        let answer = answer(StatusCode::OK, "application/json", &body);
        async move { answer }
    }))
}

/// Says whether work may be sent here: 200, or 503 with the checks that failed.
#[must_use]
pub fn ready(health: &Health) -> impl IntoEndpoint<Endpoint: Endpoint + 'static> + use<> {
    let health = health.clone();
    get(make(move |_| {
        let health = health.clone();
        async move {
            let report = health.report().await;
            if report.is_ready() {
                let body = json!({ "status": "ready", "service": report.service, "checks": checks(&report) });
                return answer(StatusCode::OK, "application/json", &body);
            }
            let mut answer = answer(StatusCode::SERVICE_UNAVAILABLE, "application/problem+json", &problem(&report));
            answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            answer
        }
    }))
}

/// The metrics in Prometheus' text format.
#[must_use]
pub fn metrics() -> impl IntoEndpoint<Endpoint: Endpoint + 'static> {
    get(make(async |_| {
        Response::builder().content_type("text/plain; version=0.0.4; charset=utf-8").body(crate::metrics::render())
    }))
}

fn answer(status: StatusCode, content_type: &str, body: &Value) -> Response {
    Response::builder().status(status).content_type(content_type).body(body.to_string())
}

fn problem(report: &Report) -> Value {
    let failed = report.checks.iter().filter_map(|check| {
        let reason = check.failure.as_ref()?;
        Some(format!("{}: {reason}", check.name))
    });
    let reasons: Vec<_> = report.draining.then(|| "draining".to_owned()).into_iter().chain(failed).collect();
    json!({
        "type": "/problems/unavailable",
        "code": "unavailable",
        "title": "The service is not available now",
        "status": StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        "detail": reasons.join("; "),
        "retryable": true,
        "service": report.service,
        "checks": checks(report),
    })
}

fn checks(report: &Report) -> Vec<Value> {
    let check = |check: &super::CheckReport| match &check.failure {
        None => json!({ "name": check.name, "state": "ok" }),
        Some(reason) => json!({ "name": check.name, "state": "failed", "reason": reason }),
    };
    report.checks.iter().map(check).collect()
}
