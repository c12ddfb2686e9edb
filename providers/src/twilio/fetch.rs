//! Asks Twilio for the present state of one message.
//!
//! An id that cannot be Twilio's is "not known" without asking: it would otherwise become part of a path.

use reqwest::{Method, StatusCode};

use super::{
    Twilio,
    call::unreadable,
    config::{Credentials, is_message_sid},
    resource::MessageResource,
};
use crate::{Account, MessageState, ProviderError, http::Effect};

#[tracing::instrument(name = "twilio.fetch", level = "debug", skip_all, err(level = "debug"), fields(account = %account.id()))]
pub async fn fetch(twilio: &Twilio, account: &Account, id: &str) -> Result<Option<MessageState>, ProviderError> {
    let credentials = Credentials::of(account)?;
    if !is_message_sid(id) {
        return Ok(None);
    }
    let path = format!("/2010-04-01/Accounts/{}/Messages/{id}.json", credentials.account_sid);
    let request = twilio.request(&credentials, Method::GET, &path, None);
    match twilio.call(request, Effect::Read).await {
        Ok(answer) => serde_json::from_slice::<MessageResource>(&answer.body)
            .map(|message| Some(message.into_state()))
            .map_err(|error| unreadable(&answer, Effect::Read, &error)),
        Err(refused) if refused.http_status == Some(StatusCode::NOT_FOUND.as_u16()) => Ok(None),
        Err(error) => Err(error),
    }
}
