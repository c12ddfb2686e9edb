//! Health and metrics over HTTP: `/healthz`, `/readyz` and `/metrics`, the same for every program.
//!
//! Alive and ready are different questions. `/healthz` answers while the process can answer at all, so that weather in
//! PostgreSQL does not make a supervisor restart healthy processes; `/readyz` says whether work should be sent here,
//! and turns to 503 as soon as draining starts, so that balancers let go before the process does.
//! A check's reason is shown to whoever asks: it must hold no address, user or query.

mod checks;
mod endpoints;
mod server;

pub use checks::{CheckReport, Health, HealthBuilder, Report};
pub use endpoints::{live, metrics, ready, routes};
pub use server::{HealthServer, serve};
