//! A database and a Redis namespace for one contender in one round: what the one before left must not cost the next.

use anyhow::Result;

use crate::folders;
use crate::postgres::Database;
use crate::stack::Namespace;

/// Where a contender keeps its jobs.
pub struct Place {
    /// Its database, empty.
    pub database: Database,
    /// Where Redis is.
    pub redis: String,
    /// The beginning of its keys there.
    pub namespace: Namespace,
}

impl Place {
    /// An empty one. What others have written is flushed to the disk first: their checkpoint is not to fall into this round.
    pub async fn fresh() -> Result<Self> {
        let database = Database::create().await?;
        database.checkpoint().await;
        let redis = folders::required("REDIS_URL")?;
        let namespace = Namespace::fresh(&redis).await?;
        Ok(Self { database, redis, namespace })
    }

    /// An empty one for a peer: without PostgreSQL's just-in-time compiler, which takes half a second for statements over
    /// large tables that then run for a millisecond, and which none of the peers turns off by itself.
    pub async fn for_a_peer() -> Result<Self> {
        let place = Self::fresh().await?;
        place.database.without_jit().await?;
        Ok(place)
    }

    /// Removes it.
    pub async fn leave(self) -> Result<()> {
        self.namespace.remove().await?;
        self.database.drop_now().await
    }
}
