//! `GET …/Messages/{Sid}.json`: one message, as it is now.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{IntoResponse, Request, Response, handler};

use super::auth::authenticate;
use super::errors::TwilioError;
use super::resource::{Resource, json};
use crate::message::Message;
use crate::state::Sim;
use crate::sync::lock;

/// Twilio's "fetch a Message".
#[handler]
pub(crate) fn fetch(
    request: &Request,
    Path((sid, file)): Path<(String, String)>,
    Data(sim): Data<&Arc<Sim>>,
) -> Response {
    let account = match authenticate(sim, request, &sid) {
        Ok(account) => account,
        Err(error) => return error.into_response(),
    };
    account.counters.lookups.one();
    let find = |file: &str| -> Option<Arc<Message>> {
        let sid = file.strip_suffix(".json")?.parse().ok()?;
        lock(&account.messages).get(sid)
    };
    match find(&file) {
        Some(message) => json(StatusCode::OK, &Resource::new(&account.sid, &message)),
        None => TwilioError::not_found(request.original_uri().path()).into_response(),
    }
}
