//! API keys: shown once, stored as their SHA-256, with scopes, an expiry and a mode.
//!
//! A key's secret is 192 random bits behind a prefix that says its mode, so a plain hash cannot be guessed back and a
//! leaked key can be found by its prefix. Keys are never changed: to give a key other scopes, make another and revoke it.

mod model;
mod rules;
mod store;

pub use model::{ApiKey, KeyMode, KeyRecord, NewKey};
pub use rules::{Issued, KeyFault, check_grant, check_scope, issue};
pub use store::{find_by_hash, get, insert, list, revoke, write_uses};
