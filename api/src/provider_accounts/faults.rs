//! The domain's refusals, as problems with pointers; and senders from the wire to the domain.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use patchbay_db::{Db, DbError};
use patchbay_domain::provider_accounts::{NewSender, SenderError};
use patchbay_providers::Provider;

use super::{
    address::normal,
    dto::{SenderWrite, usual_rate},
};
use crate::http::{Code, FieldError, Problem};

/// Checks senders and brings them into the form in which they are stored.
///
/// # Errors
/// 422 with a pointer for each address that cannot send or is there twice.
pub(super) fn senders(
    wanted: Vec<SenderWrite>,
    provider: &dyn Provider,
    db: &Db,
    now: DateTime<Utc>,
) -> Result<Vec<NewSender>, Problem> {
    let mut errors = Vec::new();
    let mut senders = Vec::with_capacity(wanted.len());
    let mut seen = HashSet::new();
    let mut has_default = false;
    for (index, sender) in wanted.into_iter().enumerate() {
        let at = |field: &str| format!("/senders/{index}/{field}");
        let (address, kind) = match normal(&sender.address) {
            Ok(normal) => normal,
            Err(why) => {
                errors.push(FieldError::new(at("address"), "invalid_sender", why));
                continue;
            }
        };
        if !seen.insert(address.clone()) {
            errors.push(FieldError::new(at("address"), "duplicate", "This sender is named twice."));
        }
        if sender.is_default && has_default {
            errors.push(FieldError::new(at("is_default"), "duplicate", "There can be one default sender."));
        }
        has_default |= sender.is_default;
        senders.push(NewSender {
            id: db.new_id(now),
            usual_rate: usual_rate(provider, kind, &address),
            address,
            is_default: sender.is_default,
            rate_per_second: sender.rate_per_second,
        });
    }
    if errors.is_empty() {
        return Ok(senders);
    }
    Err(Problem::new(Code::ValidationFailed, "Some senders cannot be taken.").with_errors(errors))
}

/// A write of senders that met another account's.
pub(super) fn taken(error: SenderError) -> Problem {
    match error {
        SenderError::Db(error) => error.into(),
        SenderError::Taken => {
            let field = FieldError::new("/senders", "taken", "Another provider account has one of these senders.");
            Problem::new(Code::AlreadyExists, field.detail.clone()).with_errors(vec![field])
        }
    }
}

/// A deletion that messages stand against.
pub(super) fn in_use(error: DbError) -> Problem {
    if matches!(error, DbError::Reference { .. }) {
        let detail = "Messages went through this account, so it stays. Disable it instead.";
        return Problem::new(Code::StateConflict, detail).caused_by(error);
    }
    error.into()
}
