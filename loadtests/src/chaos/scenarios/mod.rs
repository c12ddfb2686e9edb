//! The scenarios, one a file, in the order of the issue.

mod api_killed;
mod changes;
mod clock;
mod network;
mod poison;
mod postgres_broken;
mod redis_broken;
mod rolling;
mod scheduler_killed;
mod slow_handlers;
mod standing;
mod workers_killed;

use anyhow::Result;
use clap::ValueEnum as _;

use super::row::Row;
use super::servers::Servers;
use super::stage::Scale;

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    /// kill -9 of workers, repeatedly.
    WorkersKilled,
    /// kill -9 of the API, between commit and push and at random.
    ApiKilled,
    /// kill -9 of schedulers, on the tick.
    SchedulerKilled,
    /// Redis emptied, killed and restarted, stalled.
    RedisBroken,
    /// PostgreSQL restarted, sessions ended, connections used up.
    PostgresBroken,
    /// Both out of reach, silent, slow.
    Network,
    /// SIGTERM of all workers in turn, with older and newer payloads waiting.
    Rolling,
    /// Clocks five minutes off.
    Clock,
    /// Jobs that panic, abort, never end, block; ten megabytes.
    Poison,
    /// Handlers slower than a lease, all slots taken.
    SlowHandlers,
    /// Limits, weights and pauses changed under load.
    Changes,
}

impl Name {
    /// As people type it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::WorkersKilled => "workers-killed",
            Self::ApiKilled => "api-killed",
            Self::SchedulerKilled => "scheduler-killed",
            Self::RedisBroken => "redis-broken",
            Self::PostgresBroken => "postgres-broken",
            Self::Network => "network",
            Self::Rolling => "rolling",
            Self::Clock => "clock",
            Self::Poison => "poison",
            Self::SlowHandlers => "slow-handlers",
            Self::Changes => "changes",
        }
    }

    /// The place of the one that is called `text`.
    pub fn place(text: &str) -> Option<usize> {
        Self::value_variants().iter().position(|name| name.text() == text)
    }

    /// Runs it.
    ///
    /// # Errors
    /// What could not be run; a promise that did not hold is in the row.
    pub async fn run(self, servers: &mut Servers, scale: Scale) -> Result<Row> {
        let name = self.text();
        match self {
            Self::WorkersKilled => workers_killed::run(name, servers, scale).await,
            Self::ApiKilled => api_killed::run(name, servers, scale).await,
            Self::SchedulerKilled => scheduler_killed::run(name, servers, scale).await,
            Self::RedisBroken => redis_broken::run(name, servers, scale).await,
            Self::PostgresBroken => postgres_broken::run(name, servers, scale).await,
            Self::Network => network::run(name, servers, scale).await,
            Self::Rolling => rolling::run(name, servers, scale).await,
            Self::Clock => clock::run(name, servers, scale).await,
            Self::Poison => poison::run(name, servers, scale).await,
            Self::SlowHandlers => slow_handlers::run(name, servers, scale).await,
            Self::Changes => changes::run(name, servers, scale).await,
        }
    }
}
