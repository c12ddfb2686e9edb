//! `GET …/Accounts/{Sid}.json`: what clients call to see whether credentials work.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{IntoResponse, Request, Response, handler};
use serde_json::json;

use super::auth::authenticate;
use super::errors::TwilioError;
use super::resource;
use crate::state::Sim;

/// Twilio's "fetch an Account".
#[handler]
pub(crate) fn show(request: &Request, Path(file): Path<String>, Data(sim): Data<&Arc<Sim>>) -> Response {
    let Some(sid) = file.strip_suffix(".json") else {
        return TwilioError::not_found(request.original_uri().path()).into_response();
    };
    match authenticate(sim, request, sid) {
        Err(error) => error.into_response(),
        Ok(account) => {
            let path = format!("/{}/Accounts/{}", resource::API_VERSION, account.sid);
            let shown = json!({
                "sid": *account.sid,
                "friendly_name": "Simulated account",
                "status": "active",
                "type": "Full",
                "owner_account_sid": *account.sid,
                "uri": format!("{path}.json"),
                "subresource_uris": { "messages": format!("{path}/Messages.json") },
            });
            resource::json(StatusCode::OK, &shown)
        }
    }
}
