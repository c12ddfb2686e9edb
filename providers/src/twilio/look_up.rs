//! Finds out whether Twilio has a message whose send ended in doubt.
//!
//! Lists by recipient and sender, and compares creation time and text here. Twilio's `DateSent` filter is not used
//! though it looks made for this: a message that waits in Twilio's queue (up to ten hours) has no sent date, and a
//! filter that hides it would make us send it twice. For the same reason all pages are read rather than stopping at
//! the first old message: the list is ordered by that same date. One person gets few enough messages for this.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;

use super::{
    Twilio,
    call::unreadable,
    config::Credentials,
    resource::{MessagePage, MessageResource},
    text_match,
};
use crate::{Account, ErrorClass, ErrorScope, FoundMessage, LookUp, ProviderError, SenderKind, http::Effect};

/// Twilio's largest page.
const PAGE_SIZE: &str = "1000";
/// More messages to one person than this and the answer is "not known".
const MAX_PAGES: usize = 20;
/// How far Twilio's clock and ours may differ; also covers its whole seconds.
const SKEW: TimeDelta = TimeDelta::seconds(60);

#[tracing::instrument(name = "twilio.look_up", level = "debug", skip_all, err(level = "debug"), fields(account = %account.id()))]
pub async fn look_up(twilio: &Twilio, account: &Account, wanted: &LookUp) -> Result<Vec<FoundMessage>, ProviderError> {
    let credentials = Credentials::of(account)?;
    let first = format!("/2010-04-01/Accounts/{}/Messages.json", credentials.account_sid);
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let path = next.as_deref().unwrap_or(&first);
        let mut request = twilio.request(&credentials, Method::GET, path, wanted.traceparent.as_deref());
        if next.is_none() {
            request = request.query(&filters(wanted));
        }
        let answer = twilio.call(request, Effect::Read).await?;
        let page: MessagePage =
            serde_json::from_slice(&answer.body).map_err(|error| unreadable(&answer, Effect::Read, &error))?;
        found.extend(page.messages.into_iter().filter_map(|message| candidate(wanted, message)));
        next = page.next_page_uri.filter(|uri| !uri.is_empty());
        // The credentials go with it, so it must not name another host; and a list that we cannot follow to its end
        // proves nothing.
        if next.as_ref().is_some_and(|uri| !uri.starts_with('/')) {
            return Err(endless("Twilio's list of messages goes on at another address"));
        }
        if next.is_none() {
            found.sort_by_key(|message: &FoundMessage| message.state.created_at);
            return Ok(found);
        }
    }
    Err(endless("the recipient has too many messages at Twilio to search"))
}

fn endless(text: &'static str) -> ProviderError {
    ProviderError::new(ErrorClass::Permanent, ErrorScope::Recipient, text)
}

fn filters(wanted: &LookUp) -> Vec<(&'static str, &str)> {
    let mut filters = vec![("To", wanted.to.as_str()), ("PageSize", PAGE_SIZE)];
    // A pool's messages carry the number it picked, which we do not know.
    if wanted.from.kind != SenderKind::Pool {
        filters.push(("From", wanted.from.address.as_str()));
    }
    filters
}

fn candidate(wanted: &LookUp, message: MessageResource) -> Option<FoundMessage> {
    let ours = match (wanted.from.kind, &message.messaging_service_sid, &message.from) {
        (SenderKind::Pool, Some(pool), _) => *pool == wanted.from.address,
        (SenderKind::Pool, None, _) | (_, _, None) => true,
        (_, _, Some(from)) => *from == wanted.from.address,
    };
    let fits = ours
        && message.to.as_ref().is_none_or(|to| *to == wanted.to)
        && message.direction.as_ref().is_none_or(|direction| direction.starts_with("outbound"))
        && message.created_at().is_none_or(|at| in_window(wanted, at))
        && !wanted.exclude.contains(&message.sid);
    if !fits {
        return None;
    }
    let body = text_match::compare(wanted.body.as_str(), message.body.as_deref().unwrap_or_default())?;
    Some(FoundMessage { state: message.into_state(), body })
}

fn in_window(wanted: &LookUp, at: DateTime<Utc>) -> bool {
    (wanted.after - SKEW..=wanted.before + SKEW).contains(&at)
}
