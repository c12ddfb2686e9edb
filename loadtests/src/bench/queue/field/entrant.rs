//! The list of those who may take part, and what each of them needs.

use anyhow::Result;

use super::{Contender, npm, script};
use crate::bench::queue::ours::Ours;

/// Where a queue's jobs are when everything is cut off: what a rate has to be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Committed in PostgreSQL.
    Postgres,
    /// In Redis alone, whose last second may be lost.
    Redis,
}

/// One who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrant {
    /// This engine.
    Ours,
    #[cfg(feature = "peers")]
    ApalisPostgres,
    #[cfg(feature = "peers")]
    ApalisRedis,
    PgBoss,
    Graphile,
    BullMq,
    Bee,
    Sidekiq,
}

impl Entrant {
    /// Everybody, ourselves first.
    pub const ALL: &'static [Self] = &[
        Self::Ours,
        #[cfg(feature = "peers")]
        Self::ApalisPostgres,
        #[cfg(feature = "peers")]
        Self::ApalisRedis,
        Self::PgBoss,
        Self::Graphile,
        Self::BullMq,
        Self::Bee,
        Self::Sidekiq,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "patchbay-queue",
            #[cfg(feature = "peers")]
            Self::ApalisPostgres => "apalis-postgres",
            #[cfg(feature = "peers")]
            Self::ApalisRedis => "apalis-redis",
            Self::PgBoss => "pg-boss",
            Self::Graphile => "graphile-worker",
            Self::BullMq => "BullMQ",
            Self::Bee => "Bee-Queue",
            Self::Sidekiq => "Sidekiq",
        }
    }

    /// Where its jobs are.
    pub const fn store(self) -> Store {
        match self {
            Self::Ours | Self::PgBoss | Self::Graphile => Store::Postgres,
            #[cfg(feature = "peers")]
            Self::ApalisPostgres => Store::Postgres,
            #[cfg(feature = "peers")]
            Self::ApalisRedis => Store::Redis,
            Self::BullMq | Self::Bee | Self::Sidekiq => Store::Redis,
        }
    }

    /// Whether it can hold 100,000 waiting jobs. A worker of stock apalis-redis cannot: from 8,000 due ones on, its script
    /// hands more values to one Redis command than Lua's stack holds, and fetches nothing ever again.
    pub const fn holds_a_backlog(self) -> bool {
        #[cfg(feature = "peers")]
        if matches!(self, Self::ApalisRedis) {
            return false;
        }
        true
    }

    /// Whether what it needs is on this machine; else, what is missing.
    pub async fn present(self) -> Result<(), String> {
        match self {
            Self::PgBoss | Self::Graphile | Self::BullMq | Self::Bee => npm::ready().await,
            Self::Sidekiq => script::ruby_with("sidekiq").await,
            _ => Ok(()),
        }
    }

    /// Puts it into an empty place.
    pub async fn open(self) -> Result<Box<dyn Contender>> {
        Ok(match self {
            Self::Ours => Box::new(Ours::open().await?),
            #[cfg(feature = "peers")]
            Self::ApalisPostgres => Box::new(super::apalis::Postgres::open().await?),
            #[cfg(feature = "peers")]
            Self::ApalisRedis => Box::new(super::apalis::Redis::open().await?),
            Self::PgBoss => Box::new(script::Script::open("node", "pg-boss.mjs").await?),
            Self::Graphile => Box::new(script::Script::open("node", "graphile-worker.mjs").await?),
            Self::BullMq => Box::new(script::Script::open("node", "bullmq.mjs").await?),
            Self::Bee => Box::new(script::Script::open("node", "bee-queue.mjs").await?),
            Self::Sidekiq => Box::new(script::Script::open("ruby", "sidekiq.rb").await?),
        })
    }
}
