//! A phone texts a number: kept, acted on if it is a keyword, and posted to the account's inbound URL.
//!
//! Twilio acts on a keyword before it tells us, so a STOP holds even when the webhook fails.

use std::sync::Arc;

use serde::Serialize;

use super::keywords::Keyword;
use super::line::Line;
use super::resource::API_VERSION;
use super::segments;
use crate::account::Account;
use crate::chance;
use crate::flight::Flight;
use crate::message::{Direction, Draft, Message, Status};
use crate::plan::Plan;
use crate::state::Sim;

/// What became of an inbound text.
#[derive(Debug, Serialize)]
pub(crate) struct Received {
    pub message_sid: String,
    /// `STOP`, `START` or `HELP`, when Twilio acted on it.
    pub keyword: Option<&'static str>,
    /// Whether the phone is stopped for this number now.
    pub opted_out: bool,
    /// The webhook's answer; null when no URL is set.
    pub webhook: Option<Webhook>,
}

/// The webhook's answer.
#[derive(Debug, Serialize)]
pub(crate) struct Webhook {
    pub status: Option<u16>,
    pub body: Option<String>,
    pub error: Option<String>,
}

/// Receives `body` from `phone` on `number`, and tells `url`.
pub(crate) async fn receive(
    sim: &Sim,
    account: &Arc<Account>,
    (phone, number): (&str, &str),
    body: &str,
    url: Option<&str>,
) -> Received {
    account.counters.inbound.one();
    let message = sim.keep(account, draft((phone, number), body, Direction::Inbound, Status::Received));
    let keyword = Keyword::of(body).filter(|_| account.settings().opt_out_handling);
    if let Some(keyword) = keyword {
        act(sim, account, (phone, number), keyword);
    }
    let webhook = match url {
        Some(url) => Some(tell(sim, account, &message, url).await),
        None => None,
    };
    Received {
        message_sid: message.sid.to_string(),
        keyword: keyword.map(Keyword::as_str),
        opted_out: account.is_opted_out(number, phone),
        webhook,
    }
}

fn act(sim: &Sim, account: &Arc<Account>, (phone, number): (&str, &str), keyword: Keyword) {
    match keyword {
        Keyword::Stop => account.set_opted_out(number, phone, true),
        Keyword::Start => account.set_opted_out(number, phone, false),
        // A stopped phone gets no help.
        Keyword::Help if account.is_opted_out(number, phone) => return,
        Keyword::Help => {}
    }
    let reply = draft((number, phone), keyword.reply(), Direction::OutboundReply, Status::Queued);
    account.counters.auto_replies.one();
    let flight = Flight {
        account: Arc::clone(account),
        message: sim.keep(account, reply),
        callback_url: None,
        plan: Plan::ordinary(sim),
        epoch: sim.epoch(),
        line: Line::default(),
    };
    flight.start(sim, std::time::Duration::ZERO);
}

fn draft((from, to): (&str, &str), body: &str, direction: Direction, status: Status) -> Draft {
    Draft {
        to: to.into(),
        from: from.into(),
        body: body.into(),
        service: None,
        direction,
        segments: segments::count(body),
        status,
        trace: None,
    }
}

async fn tell(sim: &Sim, account: &Account, message: &Message, url: &str) -> Webhook {
    let sid = message.sid.to_string();
    let mut params = vec![
        ("MessageSid", sid.clone()),
        ("SmsMessageSid", sid.clone()),
        ("SmsSid", sid),
        ("SmsStatus", "received".to_owned()),
        ("AccountSid", account.sid.to_string()),
        ("ApiVersion", API_VERSION.to_owned()),
        ("From", message.draft.from.to_string()),
        ("To", message.draft.to.to_string()),
        ("Body", message.draft.body.to_string()),
        ("NumMedia", "0".to_owned()),
        ("NumSegments", message.draft.segments.to_string()),
    ];
    // Twilio sends where it thinks a number is, often empty: a signature must cover empty values too.
    for name in ["FromCity", "FromState", "FromZip", "FromCountry", "ToCity", "ToState", "ToZip", "ToCountry"] {
        params.push((name, String::new()));
    }
    let posted = sim.courier.post_now(account, url, chance::bits(), &params).await;
    match &posted {
        Ok((status, _)) if status.is_success() => account.counters.callbacks_sent.one(),
        _ => account.counters.callbacks_failed.one(),
    }
    match posted {
        Ok((status, body)) => Webhook { status: Some(status.as_u16()), body: Some(body), error: None },
        Err(error) => Webhook { status: None, body: None, error: Some(error.to_string()) },
    }
}
