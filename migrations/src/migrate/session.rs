//! One migrator's session: its lock, and diesel's harness on a thread of its own.
//!
//! diesel's migrations are synchronous; they run on a blocking thread over the asynchronous connection, so
//! that no C library is needed and a single-threaded runtime will do.
//! The lock is polled, not waited for: a session that waits inside `pg_advisory_lock` holds a snapshot, and a
//! `CREATE INDEX CONCURRENTLY` of the one that works would wait for it for ever.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::migration::{Migration, MigrationVersion};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::MigrationHarness;
use secrecy::SecretString;

use super::{MigrateError, Status, catalogue};
use crate::error::DbError;
use crate::pool::CONNECT_TIMEOUT;
use crate::server::Server;

/// Names the migration lock in the database's advisory locks.
const LOCK: i64 = i64::from_be_bytes(*b"patchbay");
const LOCK_POLL: Duration = Duration::from_millis(100);
const LOCK_PATIENCE: Duration = Duration::from_secs(600);
const OLDEST_SERVER: i32 = 14;

type Harness = AsyncConnectionWrapper<AsyncPgConnection>;

/// A connection that holds the migration lock until it is dropped.
pub(super) struct Session {
    conn: AsyncPgConnection,
}

impl Session {
    pub(super) async fn open(url: &SecretString) -> Result<Self, MigrateError> {
        let mut conn = connect(url).await?;
        check_server(&mut conn).await?;
        // A migration that cannot get its lock soon must not stop the traffic queued behind it.
        conn.batch_execute("SET statement_timeout = 0; SET lock_timeout = '10s'").await.map_err(DbError::from)?;
        tokio::time::timeout(LOCK_PATIENCE, lock(&mut conn)).await.map_err(|_| MigrateError::Locked)??;
        Ok(Self { conn })
    }

    pub(super) async fn apply(self, steps: usize) -> Result<(Self, Vec<String>), MigrateError> {
        self.with_harness(move |harness| {
            let applied = harness.applied_migrations().map_err(MigrateError::Failed)?;
            let missing = catalogue::all()?.into_iter().filter(|migration| !applied.contains(&version(&**migration)));
            let mut names = Vec::new();
            for migration in missing.take(steps) {
                harness.run_migration(&*migration).map_err(MigrateError::Failed)?;
                tracing::info!(migration = %migration.name(), "applied");
                names.push(migration.name().to_string());
            }
            Ok(names)
        })
        .await
    }

    pub(super) async fn revert(self, steps: usize) -> Result<(Self, Vec<String>), MigrateError> {
        self.with_harness(move |harness| {
            let known = catalogue::all()?;
            let mut names = Vec::new();
            for applied in harness.applied_migrations().map_err(MigrateError::Failed)?.into_iter().take(steps) {
                let migration = known
                    .iter()
                    .find(|migration| version(&***migration) == applied)
                    .ok_or_else(|| MigrateError::Unknown { version: applied.to_string() })?;
                harness.revert_migration(&**migration).map_err(MigrateError::Failed)?;
                tracing::info!(migration = %migration.name(), "reverted");
                names.push(migration.name().to_string());
            }
            Ok(names)
        })
        .await
    }

    pub(super) async fn status(self) -> Result<(Self, Vec<Status>), MigrateError> {
        self.with_harness(|harness| {
            let applied = harness.applied_migrations().map_err(MigrateError::Failed)?;
            Ok(catalogue::all()?
                .into_iter()
                .map(|migration| Status {
                    name: migration.name().to_string(),
                    applied: applied.contains(&version(&*migration)),
                })
                .collect())
        })
        .await
    }

    pub(super) async fn ensure_partitions(mut self, days: i32) -> Result<(), MigrateError> {
        diesel::sql_query("SELECT queue.ensure_partitions((now() AT TIME ZONE 'UTC')::date, $1)")
            .bind::<Integer, _>(days)
            .execute(&mut self.conn)
            .await
            .map_err(DbError::from)?;
        Ok(())
    }

    /// Runs `work` on a blocking thread. Its error ends the session.
    async fn with_harness<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Harness) -> Result<T, MigrateError> + Send + 'static,
    ) -> Result<(Self, T), MigrateError> {
        let run = move || {
            let mut harness = Harness::from(self.conn);
            let done = work(&mut harness)?;
            let conn = harness.into_inner();
            Ok((Self { conn }, done))
        };
        tokio::task::spawn_blocking(run).await.map_err(|error| MigrateError::Failed(error.into()))?
    }
}

async fn connect(url: &SecretString) -> Result<AsyncPgConnection, DbError> {
    let mut server = Server::parse(url, CONNECT_TIMEOUT)?;
    server.config.application_name("patchbay-migrate");
    let (client, connection) = server.connect().await.map_err(DbError::unavailable)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(DbError::unavailable)
}

async fn check_server(conn: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    let server: Release = diesel::sql_query(
        "SELECT current_setting('server_version_num')::integer / 10000 AS major, current_setting('server_version') AS text",
    )
    .get_result(conn)
    .await
    .map_err(DbError::from)?;
    server.new_enough()
}

async fn lock(conn: &mut AsyncPgConnection) -> Result<(), DbError> {
    loop {
        let lock: Locked = diesel::sql_query("SELECT pg_try_advisory_lock($1) AS taken")
            .bind::<BigInt, _>(LOCK)
            .get_result(conn)
            .await?;
        if lock.taken {
            return Ok(());
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

fn version(migration: &dyn Migration<Pg>) -> MigrationVersion<'static> {
    migration.name().version().as_owned()
}

#[derive(QueryableByName)]
struct Release {
    #[diesel(sql_type = Integer)]
    major: i32,
    #[diesel(sql_type = Text)]
    text: String,
}

impl Release {
    fn new_enough(self) -> Result<(), MigrateError> {
        if self.major < OLDEST_SERVER {
            return Err(MigrateError::ServerTooOld { found: self.text });
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_refused_by_its_name() {
        let server = |major, text: &str| Release { major, text: text.to_owned() };
        let refused = server(13, "13.20 (Debian)").new_enough().unwrap_err();
        assert_eq!(refused.to_string(), "PostgreSQL 13.20 (Debian) is too old: 14 or newer is needed");
        assert!(server(14, "14.0").new_enough().is_ok());
    }
}
