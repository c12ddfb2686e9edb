//! The HTTP API of Patchbay: authenticate, validate, one short transaction through the domain, answer.
//!
//! [`http`] holds each rule once; every other folder is a resource with one operation a file, listed in [`routes`].
//! No operation does outward or slow work: that is a job, enqueued in the same transaction as the record behind it.

pub mod api_keys;
pub mod app;
pub mod connections;
pub mod contacts;
pub mod dead_letters;
pub mod http;
pub mod imports;
pub mod jobs;
pub mod leads;
mod leftover;
pub mod messages;
pub mod openapi;
pub mod plans;
pub mod provider_accounts;
pub mod queues;
pub mod routes;
pub mod schedules;
pub mod server;
pub mod tags;
pub mod templates;
pub mod tenants;
pub mod webhooks;
pub mod workers;
