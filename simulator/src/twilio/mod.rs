//! Twilio's side of the wire: its resources, errors, signatures and callbacks.
//!
//! Only SMS, and only what a sender of SMS uses. A parameter that would change what is sent and is not simulated is
//! refused, never ignored: a test must not pass because the simulator looked away.

mod auth;
pub(crate) mod courier;
mod draft;
pub(crate) mod errors;
mod fetch;
mod fetch_account;
pub(crate) mod inbound;
pub(crate) mod keywords;
pub(crate) mod line;
mod list;
mod number;
mod page;
pub(crate) mod receipt;
pub(crate) mod resource;
pub(crate) mod segments;
mod send;
pub(crate) mod signature;
pub(crate) mod throughput;

use poem::{Route, get, post};

/// Everything below `/2010-04-01/Accounts`.
pub(crate) fn routes() -> Route {
    Route::new()
        .at("/:account", get(fetch_account::show))
        .at("/:account/Messages.json", post(send::send).get(list::list))
        .at("/:account/Messages/:file", get(fetch::fetch))
}
