//! `PUT` and `GET /_sim/accounts/{sid}`: an account's settings. Secrets go in and never come out.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Json, Path};
use poem::{IntoResponse, Response, handler};
use serde_json::{Value, json};

use crate::account::Account;
use crate::account::settings::AccountSettings;
use crate::state::Sim;
use crate::twilio::errors::TwilioError;

/// Replaces an account's settings, making the account if need be.
#[handler]
pub(crate) fn set(
    Path(sid): Path<String>,
    Data(sim): Data<&Arc<Sim>>,
    Json(settings): Json<AccountSettings>,
) -> Response {
    let Some(account) = sim.account_or_new(&sid) else {
        return TwilioError::plain(20_429).into_response();
    };
    account.configure(settings);
    Json(view(&account)).into_response()
}

/// An account's settings.
#[handler]
pub(crate) fn show(Path(sid): Path<String>, Data(sim): Data<&Arc<Sim>>) -> Response {
    match sim.account(&sid) {
        Some(account) => Json(view(&account)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn view(account: &Account) -> Value {
    let settings = account.settings();
    json!({
        "account_sid": *account.sid,
        "has_auth_token": account.token().is_some(),
        "api_keys": settings.api_keys.keys().collect::<Vec<_>>(),
        "inbound_url": settings.inbound_url,
        "numbers": settings.numbers,
        "messaging_services": settings.messaging_services,
        "throughput": settings.throughput,
        "number_throughput": settings.number_throughput,
        "opt_out_handling": settings.opt_out_handling,
    })
}
