//! Twilio over real sockets, against a server that misbehaves, and its webhooks against people who do.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod fetch;
mod look_up;
mod send;
mod signature;
mod webhooks;
