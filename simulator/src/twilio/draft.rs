//! A send request, read and checked in Twilio's order of complaints.

use std::time::Duration;

use url::{Url, form_urlencoded};

use super::errors::TwilioError;
use super::{number, segments};
use crate::account::Account;
use crate::ledger::duplicates::fingerprint;
use crate::message::{Direction, Draft, Status};

/// Characters of the longest text that Twilio takes.
const MAX_BODY: usize = 1_600;
/// Seconds that a message may wait, at most and by default.
const MAX_VALIDITY: u64 = 36_000;

/// What change what is sent, and are not simulated.
const UNSUPPORTED: [&str; 10] = [
    "MediaUrl",
    "ContentSid",
    "ContentVariables",
    "SendAt",
    "ScheduleType",
    "PersistentAction",
    "SmartEncoded",
    "ShortenUrls",
    "MaxPrice",
    "SendAsMms",
];

/// A send that is well-formed and allowed.
pub(crate) struct Order {
    pub draft: Draft,
    pub callback_url: Option<Box<str>>,
    pub validity: Duration,
}

#[derive(Default)]
struct Form {
    to: String,
    from: String,
    service: String,
    body: String,
    callback: String,
    validity: Option<String>,
}

impl Order {
    /// Reads a form body, and the `traceparent` it came with.
    pub(crate) fn read(account: &Account, body: &[u8], trace: Option<&str>) -> Result<Self, TwilioError> {
        let form = Form::parse(body)?;
        if form.to.is_empty() {
            return Err(TwilioError::plain(21_604));
        }
        if form.from.is_empty() && form.service.is_empty() {
            return Err(TwilioError::plain(21_603));
        }
        if form.body.is_empty() {
            return Err(TwilioError::plain(21_602));
        }
        if form.body.chars().count() > MAX_BODY {
            return Err(TwilioError::plain(21_617));
        }
        let to = number::normalize(&form.to).ok_or_else(|| TwilioError::of(21_211, &form.to, &form.from))?;
        let (from, status) = form.sender(account, &to)?;
        let callback_url = callback_url(&form.callback)?;
        let validity = validity(form.validity.as_deref())?;
        Ok(Self {
            draft: Draft {
                to: to.into(),
                from: from.into(),
                segments: segments::count(&form.body),
                body: form.body.into(),
                service: (!form.service.is_empty()).then(|| form.service.into()),
                direction: Direction::OutboundApi,
                status,
                trace: trace.map(Into::into),
            },
            callback_url,
            validity,
        })
    }
}

impl Form {
    fn parse(body: &[u8]) -> Result<Self, TwilioError> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
            match &*name {
                "To" => form.to = value,
                "From" => form.from = value,
                "MessagingServiceSid" => form.service = value,
                "Body" => form.body = value,
                "StatusCallback" => form.callback = value,
                "ValidityPeriod" => form.validity = Some(value),
                other if UNSUPPORTED.contains(&other) => {
                    let message = format!("The simulator does not simulate the parameter {other}");
                    return Err(TwilioError::parameter(message));
                }
                _ => {}
            }
        }
        Ok(form)
    }

    fn sender(&self, account: &Account, to: &str) -> Result<(String, Status), TwilioError> {
        if self.from.is_empty() {
            return Ok((self.pooled(account, to)?, Status::Accepted));
        }
        let refused = |code| TwilioError::of(code, &self.to, &self.from);
        let plain = || {
            let other = number::is_short_code(&self.from) || number::is_alphanumeric_sender(&self.from);
            other.then(|| self.from.clone())
        };
        let from = number::normalize(&self.from).or_else(plain).ok_or_else(|| refused(21_212))?;
        if account.settings().numbers.as_ref().is_some_and(|own| !own.contains(&from)) {
            return Err(refused(21_606));
        }
        Ok((from, Status::Queued))
    }

    /// The number of the service's pool for this phone: always the same, like Twilio's sticky sender.
    fn pooled(&self, account: &Account, to: &str) -> Result<String, TwilioError> {
        let hex = self.service.strip_prefix("MG").unwrap_or_default();
        if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(TwilioError::plain(21_701));
        }
        let settings = account.settings();
        match settings.messaging_services.get(&self.service) {
            Some(pool) => {
                let len = u128::try_from(pool.len()).unwrap_or_default();
                let index = fingerprint(&to).checked_rem(len).and_then(|i| usize::try_from(i).ok());
                let chosen = index.and_then(|index| pool.get(index));
                chosen.cloned().ok_or_else(|| TwilioError::of(21_606, to, &self.service))
            }
            None => Ok(format!("+1500556{:04}", fingerprint(&self.service) % 10_000)),
        }
    }
}

fn callback_url(text: &str) -> Result<Option<Box<str>>, TwilioError> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| TwilioError::plain(21_609))?;
    Ok(Some(text.split('#').next().unwrap_or(text).into()))
}

fn validity(text: Option<&str>) -> Result<Duration, TwilioError> {
    let seconds = match text {
        None | Some("") => Some(MAX_VALIDITY),
        Some(text) => text.parse().ok().filter(|seconds| (1..=MAX_VALIDITY).contains(seconds)),
    };
    let complaint = || TwilioError::parameter("ValidityPeriod must be between 1 and 36000 seconds");
    seconds.map(Duration::from_secs).ok_or_else(complaint)
}
