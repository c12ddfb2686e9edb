//! Hands one text to Twilio.
//!
//! A successful answer that cannot be read is reported as unknown, not as an error to retry: Twilio very likely has
//! the message. Only the ids and the class go to the trace; numbers and text never do.

use std::borrow::Cow;

use reqwest::Method;

use super::{Twilio, call::unreadable, config::Credentials, rate::QUEUE, resource::MessageResource};
use crate::{Accepted, Account, OutboundMessage, ProviderError, SenderKind, http::Effect};

#[tracing::instrument(name = "twilio.send", level = "debug", skip_all, err(level = "debug"), fields(account = %account.id(), message = %message.message_ref))]
pub async fn send(twilio: &Twilio, account: &Account, message: &OutboundMessage) -> Result<Accepted, ProviderError> {
    let credentials = Credentials::of(account)?;
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", credentials.account_sid);
    let request =
        twilio.request(&credentials, Method::POST, &path, message.traceparent.as_deref()).form(&parameters(message));
    let answer = twilio.call(request, Effect::Send).await?;
    serde_json::from_slice::<MessageResource>(&answer.body)
        .map(MessageResource::into_accepted)
        .map_err(|error| unreadable(&answer, Effect::Send, &error))
}

fn parameters(message: &OutboundMessage) -> Vec<(&'static str, Cow<'_, str>)> {
    let from = match message.from.kind {
        SenderKind::Pool => "MessagingServiceSid",
        _ => "From",
    };
    let mut parameters = vec![
        ("To", message.to.as_str().into()),
        (from, message.from.address.as_str().into()),
        ("Body", message.body.as_str().into()),
    ];
    if let Some(url) = &message.status_callback {
        parameters.push(("StatusCallback", url.as_str().into()));
    }
    if let Some(validity) = message.validity {
        parameters.push(("ValidityPeriod", validity.as_secs().clamp(1, QUEUE.as_secs()).to_string().into()));
    }
    parameters
}
