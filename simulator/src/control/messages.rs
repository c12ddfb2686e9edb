//! `GET /_sim/messages?account=&to=&from=&body_contains=&limit=`: what was accepted or received, newest first.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Query};
use poem::{Response, handler};
use serde::{Deserialize, Serialize};

use crate::messages;
use crate::state::Sim;
use crate::sync::lock;
use crate::twilio::resource::{Resource, json};

/// Messages told when no limit is asked for.
const DEFAULT_LIMIT: usize = 100;
/// Messages told at most.
const MAX_LIMIT: usize = 10_000;

/// What to look for.
#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    account: Option<String>,
    to: Option<String>,
    from: Option<String>,
    body_contains: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Found<'a> {
    messages: Vec<Seen<'a>>,
}

/// Twilio tells seconds; who measures latencies needs the millisecond, and who follows a trace its context.
#[derive(Serialize)]
struct Seen<'a> {
    #[serde(flatten)]
    message: Resource<'a>,
    accepted_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// The messages, over all accounts or of one, each as Twilio would show it, with the millisecond in which it was taken and
/// the trace it belongs to.
#[handler]
pub(crate) fn show(Query(search): Query<Search>, Data(sim): Data<&Arc<Sim>>) -> Response {
    let limit = search.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let query = messages::Query {
        to: search.to.as_deref(),
        from: search.from.as_deref(),
        body_contains: search.body_contains.as_deref(),
        limit,
        ..messages::Query::default()
    };
    let accounts = sim.accounts(search.account.as_deref());
    let mut found = Vec::new();
    for account in &accounts {
        let page = lock(&account.messages).page(&query).0;
        found.extend(page.into_iter().map(|message| (account, message)));
    }
    found.sort_by_key(|(_, message)| std::cmp::Reverse((message.created_ms, message.seq)));
    found.truncate(limit);
    let messages = found
        .iter()
        .map(|(account, message)| Seen {
            message: Resource::new(&account.sid, message),
            accepted_at_ms: message.created_ms,
            traceparent: message.draft.trace.as_deref(),
        })
        .collect();
    json(StatusCode::OK, &Found { messages })
}
