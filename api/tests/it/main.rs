//! The API as its callers see it: real routes over a real database, one of its own for each test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod api_keys;
mod authorization;
mod connections;
mod contacts;
mod dead_letter_files;
mod dead_letters;
mod dead_letters_of_all;
mod depth;
mod document;
mod errors;
mod events;
mod fixtures;
mod front;
mod harness;
mod holds;
mod idempotency;
mod imports;
mod job_events;
mod jobs;
mod large;
mod leads;
mod limits;
mod lists;
mod messages;
mod plans;
mod prefer;
mod program;
mod provider_accounts;
mod queues;
mod runs;
mod schedules;
mod shared_limits;
mod start;
mod templates;
mod tenants;
mod trace;
mod waiting;
mod webhooks;
mod work;
mod workers;
