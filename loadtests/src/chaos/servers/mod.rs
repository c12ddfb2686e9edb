//! A PostgreSQL and a Redis that may be broken: private to one run, with the durability of production.
//!
//! Others work on the servers of `DATABASE_URL` and `REDIS_URL`, so those are never touched. xtask says where the programs
//! are and whom PostgreSQL may run as; what was left by a killed run is ended and removed by the next one.

mod ground;
mod postgres;
mod redis;
mod skew;

use anyhow::Result;

pub use ground::Ground;
pub use postgres::Postgres;
pub use redis::Redis;
pub use skew::Skew;

/// Both servers of a run.
pub struct Servers {
    /// The ledger's.
    pub postgres: Postgres,
    /// The dispatcher's.
    pub redis: Redis,
    ground: Ground,
}

impl Servers {
    /// Makes and starts both.
    ///
    /// # Errors
    /// A program that is missing or does not start; with the end of its log.
    pub async fn start() -> Result<Self> {
        let ground = Ground::from_env()?;
        let postgres = Postgres::start(&ground).await?;
        let redis = Redis::start(&ground).await?;
        Ok(Self { postgres, redis, ground })
    }

    /// What makes the clock of a program be off.
    ///
    /// # Errors
    /// A C compiler that is not there.
    pub async fn skew(&self) -> Result<Skew> {
        Skew::build(&self.ground).await
    }

    /// Ends both and removes their data.
    ///
    /// # Errors
    /// Data that cannot be removed.
    pub async fn end(self) -> Result<()> {
        self.postgres.end().await;
        self.redis.end().await;
        self.ground.remove()
    }
}
