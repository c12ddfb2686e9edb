//! The headers that are the same everywhere: `Idempotency-Key`, `Prefer` and `X-Request-Id` in, rate limits and the
//! request's id out.

use serde_json::{Value, json};

use super::each_operation;

/// Adds the shared headers and the references to them.
pub(super) fn add(document: &mut Value) {
    document["components"]["parameters"] = parameters();
    document["components"]["headers"] = answers();
    each_operation(document, |_, method, operation| {
        let responses = operation.get("responses").and_then(Value::as_object);
        let is_work = responses.is_some_and(|responses| responses.contains_key("202"));
        // A drain is no job, and ends as one does.
        let is_work = is_work || operation.get("operationId").is_some_and(|id| id == "queues_drain");
        let mut names = vec!["RequestId"];
        let is_public = operation.get("security").and_then(Value::as_array).is_none_or(Vec::is_empty);
        if method == "post" && !is_public {
            names.push("IdempotencyKey");
        }
        if is_work {
            names.push("PreferWait");
        }
        let given = operation.entry("parameters").or_insert_with(|| json!([]));
        for name in names {
            given
                .as_array_mut()
                .expect("parameters are a list")
                .push(json!({ "$ref": format!("#/components/parameters/{name}") }));
        }
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
        for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
            for name in ["X-Request-Id", "RateLimit", "RateLimit-Policy"] {
                response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
            }
            if method == "post" && !is_public {
                response["headers"]["Idempotent-Replayed"] =
                    json!({ "$ref": "#/components/headers/Idempotent-Replayed" });
            }
        }
    });
}

fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Makes it safe to repeat the request: the first answer is given again, for 24 h after the planned time of the work.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" },
            "example": "5f9c3f6e-order-42",
        },
        "PreferWait": {
            "name": "Prefer", "in": "header", "required": false,
            "description": "`wait=10` holds the answer until the job has ended, at most so many seconds (30 at the most).",
            "schema": { "type": "string" },
            "example": "wait=10",
        },
        "RequestId": {
            "name": "X-Request-Id", "in": "header", "required": false,
            "description": "Your own id for the request, up to 128 visible characters. It is echoed, and follows the work into jobs, logs and events.",
            "schema": { "type": "string" },
            "example": "order-42",
        },
    })
}

fn answers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    json!({
        "X-Request-Id": text("The id of the request: yours, or one that was made.", "req_4f1c2d3e4b5a69788796a5b4c3d2e1f0"),
        "RateLimit": text("What is left of each budget (r) and the seconds until it is full (t).", "\"key\";r=999;t=1, \"tenant\";r=1999;t=1"),
        "RateLimit-Policy": text("Each budget (q units in w seconds).", "\"key\";q=1000;w=2, \"tenant\";q=2000;w=2"),
        "Idempotent-Replayed": text("`true` on an answer that was given before.", "true"),
    })
}
