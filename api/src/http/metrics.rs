//! What is counted of HTTP: requests and their time, by route template (never by path, which would be one series an id).

use std::time::Duration;

use metrics::{counter, histogram};
use poem::http::{Method, StatusCode};

/// Counts one answered request. Methods that HTTP does not name are counted as `other`, so that callers cannot make series.
pub fn record(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.as_u16().to_string())];
    counter!("http_requests_total", &labels).increment(1);
    histogram!("http_request_duration_seconds", &labels).record(took.as_secs_f64());
}
