//! HTTP basic authentication, as Twilio does it: account id and token, or an API key of the account.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use poem::Request;
use poem::http::header;

use super::errors::TwilioError;
use crate::account::Account;
use crate::state::Sim;

/// The account that a request speaks for.
pub(crate) fn authenticate(sim: &Sim, request: &Request, sid: &str) -> Result<Arc<Account>, TwilioError> {
    let refused = |why: &str| {
        let message = if why.is_empty() { "Authenticate".into() } else { format!("Authentication Error - {why}") };
        TwilioError { message, ..TwilioError::plain(20_003) }
    };
    if !is_account_sid(sid) {
        return Err(refused("the AccountSid must be AC and 32 hex digits"));
    }
    let Some((user, password)) = credentials(request) else {
        return Err(refused("No credentials provided"));
    };
    if password.is_empty() {
        return Err(refused(""));
    }
    // An unknown account is made for its own id only: a key cannot introduce the account it belongs to.
    let account = if user == sid { sim.account_or_new(sid) } else { sim.account(sid) };
    account.filter(|account| account.admits(&user, &password)).ok_or_else(|| refused(""))
}

/// `AC` and 32 hex digits.
pub(crate) fn is_account_sid(sid: &str) -> bool {
    sid.strip_prefix("AC").is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn credentials(request: &Request) -> Option<(String, String)> {
    let value = request.header(header::AUTHORIZATION)?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
