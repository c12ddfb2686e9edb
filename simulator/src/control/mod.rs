//! `/_sim`: how a test or a demo sets the simulator up, breaks it, and asks what it saw.
//!
//! No password: it listens on loopback, and Twilio has no such paths, so the product cannot call it by mistake.

mod accounts;
mod counts;
pub(crate) mod duplicates;
mod faults;
mod inbound;
mod messages;
pub(crate) mod metrics;
mod numbers;
mod reset;
mod sends;

use poem::{Route, get, post, put};
use serde::Deserialize;

/// Everything below `/_sim`.
pub(crate) fn routes() -> Route {
    Route::new()
        .at("/accounts/:account", put(accounts::set).get(accounts::show))
        .at("/counts", get(counts::show))
        .at("/duplicates", get(duplicates::show))
        .at("/faults", put(faults::set).get(faults::show).delete(faults::unset))
        .at("/inbound", post(inbound::receive))
        .at("/messages", get(messages::show))
        .at("/numbers/:number", put(numbers::mark).delete(numbers::repair))
        .at("/reset", post(reset::reset))
        .at("/sends", get(sends::show))
}

/// The query of calls that may be about one account.
#[derive(Debug, Deserialize)]
pub(crate) struct Scope {
    account: Option<String>,
}
