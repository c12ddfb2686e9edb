//! What is needed to run servers that may be broken: the programs, whom to run them as, a folder both can use.
//!
//! Chaos runs empty, stall and kill their PostgreSQL and Redis, which must be nobody else's. They start them themselves, from
//! what is found (or installed) here by the same rules as the servers for development.

use std::path::PathBuf;

use anyhow::Result;

use super::owner::Owner;
use super::{cluster, redis};

/// Where things are for private servers.
pub struct Breakable {
    /// Holds `initdb` and `postgres`.
    pub postgres_bin: PathBuf,
    /// The Redis server's program.
    pub redis: PathBuf,
    /// A folder that the servers' user may use.
    pub home: PathBuf,
    /// `user:group` of the servers by number, where that is not ourselves.
    pub owner: Option<String>,
}

impl Breakable {
    /// Finds the programs, or installs them.
    ///
    /// # Errors
    /// Programs that are not to be had; the message says what to type.
    pub fn find() -> Result<Self> {
        let owner = Owner::for_postgres()?;
        let home = cluster::home("chaos", &owner)?;
        let postgres = cluster::installed(&owner)?.swap_remove(0);
        Ok(Self { postgres_bin: postgres.bin, redis: redis::installed()?, home, owner: owner.ids() })
    }
}
