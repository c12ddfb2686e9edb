//! A refusal of the API (RFC 9457), told to a person: what, where, under which id it is in the log, and what to do next.

use bytes::Bytes;
use serde_json::Value;

use crate::client::{ResponseValue, types::Problem};

/// What the API refused, and how it said so.
#[derive(Debug)]
pub struct Refusal {
    problem: Problem,
    /// Seconds, of `Retry-After`.
    retry_after: Option<u64>,
    base: String,
    /// The problem as it came.
    pub json: Value,
}

impl Refusal {
    /// Reads one; `base` is where the API is.
    pub fn new(base: &str, answer: &ResponseValue<Problem>, body: &Bytes) -> Self {
        let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
        Self {
            problem: (**answer).clone(),
            retry_after: seconds.and_then(|seconds| seconds.parse().ok()),
            base: base.to_owned(),
            json: serde_json::from_slice(body).unwrap_or(Value::Null),
        }
    }

    /// Whether the same call may be accepted a moment later.
    pub fn is_passing(&self) -> bool {
        self.problem.retryable
    }

    /// Several lines.
    pub fn told(&self) -> String {
        let Problem { title, code, detail, errors, request_id, .. } = &self.problem;
        let mut lines = vec![format!("error: {title} ({code})"), format!("  {detail}")];
        for wrong in errors {
            lines.push(format!("  {}: {} ({})", wrong.pointer, wrong.detail, wrong.code));
        }
        lines.push(format!("Request id: {request_id}"));
        lines.push(format!("Next: {}", self.next()));
        if self.problem.type_.starts_with('/') {
            lines.push(format!("More: {}{}", self.base, self.problem.type_));
        } else if !self.problem.type_.is_empty() {
            lines.push(format!("More: {}", self.problem.type_));
        }
        lines.join("\n")
    }

    fn next(&self) -> String {
        if let Some(seconds) = self.retry_after {
            return format!("wait {seconds} s, then run it again.");
        }
        if self.problem.errors.iter().any(|wrong| wrong.pointer.contains("tenant_id")) {
            return "say which tenant is meant with --tenant.".to_owned();
        }
        let words = match self.problem.code.as_str() {
            "unauthenticated" => "set PATCHBAY_KEY (or --key) to a key of this installation.",
            "key_revoked" | "key_expired" => "use another key.",
            "forbidden" => "use a key that may do this: the system key (pb_sys_…), or a tenant's with the scope.",
            "tenant_suspended" => "the operator must activate the tenant first.",
            "not_found" => "look for it with the `list` command; what belongs to another tenant is not found either.",
            "unknown_path" | "method_not_allowed" => "this API is older than the program: update it.",
            "invalid_request" | "invalid_id" | "validation_failed" => "correct what is named above.",
            "invalid_cursor" => "start from the beginning.",
            "state_conflict" => "look at it again: it has moved on.",
            _ if self.problem.retryable => "run it again; if that does not help, look for the request id in the log.",
            _ => "look for the request id in the API's log.",
        };
        words.to_owned()
    }
}
