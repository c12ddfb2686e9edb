//! `POST /_sim/inbound`: a phone texts a number. Answers when the webhook has.

use std::sync::Arc;

use poem::web::{Data, Json};
use poem::{IntoResponse, Response, handler};
use serde::Deserialize;

use crate::state::Sim;
use crate::twilio::errors::TwilioError;
use crate::twilio::inbound;

/// A text from a phone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    /// The account whose number it is.
    account_sid: String,
    /// The phone.
    from: String,
    /// The account's number.
    to: String,
    /// What it says.
    body: String,
    /// The webhook, in place of the account's `inbound_url`.
    url: Option<String>,
}

/// Receives it, acts on a keyword, and posts it to the webhook.
#[handler]
pub(crate) async fn receive(Data(sim): Data<&Arc<Sim>>, Json(text): Json<Text>) -> Response {
    let Some(account) = sim.account(&text.account_sid) else {
        return TwilioError::not_found(&format!("/_sim/accounts/{}", text.account_sid)).into_response();
    };
    let settings = account.settings();
    let url = text.url.as_deref().or(settings.inbound_url.as_deref());
    let pair = (&*text.from, &*text.to);
    Json(inbound::receive(sim, &account, pair, &text.body, url).await).into_response()
}
