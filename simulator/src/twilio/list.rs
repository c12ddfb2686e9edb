//! `GET …/Messages.json`: a page of messages, newest first, in Twilio's envelope.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{IntoResponse, Request, Response, handler};
use serde::Serialize;

use super::auth::authenticate;
use super::page::Listing;
use super::resource::{API_VERSION, Resource, json};
use crate::state::Sim;
use crate::sync::lock;

#[derive(Serialize)]
struct Envelope<'a> {
    end: usize,
    first_page_uri: String,
    messages: Vec<Resource<'a>>,
    next_page_uri: Option<String>,
    page: usize,
    page_size: usize,
    previous_page_uri: Option<String>,
    start: usize,
    uri: String,
}

/// Twilio's "read multiple Messages".
#[handler]
pub(crate) fn list(request: &Request, Path(sid): Path<String>, Data(sim): Data<&Arc<Sim>>) -> Response {
    let account = match authenticate(sim, request, &sid) {
        Ok(account) => account,
        Err(error) => return error.into_response(),
    };
    account.counters.lookups.one();
    let uri = request.original_uri();
    let listing = match Listing::read(uri.query().unwrap_or_default()) {
        Ok(listing) => listing,
        Err(error) => return error.into_response(),
    };
    let (found, more) = lock(&account.messages).page(&listing.query());
    let path = format!("/{API_VERSION}/Accounts/{}/Messages.json", account.sid);
    let page = listing.page;
    let start = page.saturating_mul(listing.size);
    let envelope = Envelope {
        start,
        end: start.saturating_add(found.len().saturating_sub(1)),
        first_page_uri: listing.link(&path, 0, None),
        next_page_uri: found.last().filter(|_| more).map(|last| listing.link(&path, page + 1, Some(last.sid))),
        page,
        page_size: listing.size,
        previous_page_uri: page.checked_sub(1).map(|page| listing.link(&path, page, None)),
        uri: uri.path_and_query().map_or(path, ToString::to_string),
        messages: found.iter().map(|message| Resource::new(&account.sid, message)).collect(),
    };
    json(StatusCode::OK, &envelope)
}
