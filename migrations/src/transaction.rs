//! What both kinds of transaction share: how one begins, ends, and is abandoned.
//!
//! - **Begin** is one round trip (BEGIN and its settings in one simple query), and is at once the check
//!   that a pooled connection still lives: one that does not is thrown away and the next is tried, so a restarted
//!   database costs no request an error and no request an extra ping.
//! - **Commit** refuses an aborted transaction. PostgreSQL answers `COMMIT` there with a silent rollback, which
//!   would let a caller who swallowed a query's error answer 202 for nothing. `SET CONSTRAINTS` in front fails there.
//! - **Jobs** are rows of the same transaction; only after the commit are they handed to the dispatcher, which
//!   does not wait and may lose them: the ledger's audit finds what Redis does not have.
//! - **Drop** rolls back in the background and gives the connection back. Where the state of the
//!   connection cannot be known (dropped while committing), it is closed instead.
//!
//! Broken by: running `COMMIT` or `ROLLBACK` by hand on the connection.

use std::sync::Arc;

use diesel::result::Error::SerializationError;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use metrics::{counter, gauge, histogram};
use patchbay_queue::ledger::{self, Changed, Inserted, JobRow};
use patchbay_queue::seal::Seal;
use patchbay_queue::{Dispatcher, NewJob};
use tokio::time::{Instant, timeout};

use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::pool::{PgObject, RolePool};

/// An open transaction on a pooled connection.
pub(crate) struct Transaction {
    /// Taken when the transaction has ended.
    conn: Option<PgObject>,
    role: &'static str,
    since: Instant,
    /// An end was begun and not seen through: the server's side is unknown.
    ending: bool,
    dispatcher: Dispatcher,
    seal: Option<Arc<dyn Seal>>,
    /// Inserted and due: handed to the dispatcher after the commit.
    due: Vec<NewJob>,
    /// Old jobs that are due again: the same.
    revived: Vec<JobRow>,
    /// Living jobs that this transaction changed: brought up to date in Redis.
    changed: Vec<Changed>,
}

impl Transaction {
    /// Takes a connection and begins with `begin`, all within the acquire timeout.
    pub(crate) async fn open(db: &Db, from: &RolePool, begin: &str) -> DbResult<Self> {
        let patience = db.pools().acquire_timeout;
        let role = from.role.name();
        let since = Instant::now();
        let conn = timeout(patience, connection_in_transaction(from, begin))
            .await
            .map_err(|_| DbError::unavailable("no connection became free in time"))
            .and_then(|opened| opened);
        histogram!("patchbay_db_acquire_seconds", "role" => role).record(since.elapsed().as_secs_f64());
        let conn = conn.inspect_err(|_| counter!("patchbay_db_unavailable_total", "role" => role).increment(1))?;
        gauge!("patchbay_db_transactions", "role" => role).increment(1.0);
        let dispatcher = db.dispatcher().clone();
        Ok(Self {
            conn: Some(conn),
            role,
            since: Instant::now(),
            ending: false,
            dispatcher,
            seal: db.seal().cloned(),
            due: Vec::new(),
            revived: Vec::new(),
            changed: Vec::new(),
        })
    }

    pub(crate) fn conn(&self) -> &AsyncPgConnection {
        self.conn.as_ref().expect("the connection leaves with the transaction's end, which takes self")
    }

    pub(crate) fn conn_mut(&mut self) -> &mut AsyncPgConnection {
        self.conn.as_mut().expect("the connection leaves with the transaction's end, which takes self")
    }

    /// Inserts jobs into the ledger and remembers those that are due.
    pub(crate) async fn enqueue(&mut self, mut jobs: Vec<NewJob>) -> DbResult<Vec<Inserted>> {
        if let Some(seal) = &self.seal {
            for job in &mut jobs {
                job.seal(seal.as_ref()).map_err(|error| DbError::Query(SerializationError(Box::new(error))))?;
            }
        }
        let mut enqueued = ledger::enqueue(self.conn_mut(), &jobs).await?;
        let mut outcomes = enqueued.outcomes.iter();
        jobs.retain(|_| outcomes.next() == Some(&Inserted::Waiting));
        self.due.append(&mut jobs);
        self.changed.append(&mut enqueued.changed);
        Ok(enqueued.outcomes)
    }

    /// Remembers old jobs that this transaction made due again.
    pub(crate) fn revive(&mut self, mut jobs: Vec<JobRow>) {
        self.revived.append(&mut jobs);
    }

    pub(crate) async fn commit(mut self) -> DbResult<()> {
        let due = std::mem::take(&mut self.due);
        let revived = std::mem::take(&mut self.revived);
        let changed = std::mem::take(&mut self.changed);
        let dispatcher = self.dispatcher.clone();
        let as_of = std::time::Instant::now();
        self.end("SET CONSTRAINTS ALL IMMEDIATE;COMMIT").await?;
        #[cfg(feature = "failpoints")]
        if !due.is_empty() {
            crate::failpoint::reached("after_commit");
        }
        dispatcher.push(&due, as_of);
        dispatcher.push_rows(revived, as_of);
        dispatcher.refresh(changed, as_of);
        Ok(())
    }

    pub(crate) async fn rollback(self) -> DbResult<()> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, sql: &str) -> DbResult<()> {
        self.ending = true;
        let ended = finish(self.conn_mut(), sql).await;
        // Where the end failed, the transaction may be open still and the connection may be lost: `drop` settles it.
        self.ending = false;
        if ended.is_ok() {
            self.conn = None;
            self.ended();
        }
        ended
    }

    /// It no longer holds its connection.
    fn ended(&self) {
        gauge!("patchbay_db_transactions", "role" => self.role).decrement(1.0);
        histogram!("patchbay_db_transaction_seconds", "role" => self.role).record(self.since.elapsed().as_secs_f64());
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        self.ended();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !self.ending => {
                runtime.spawn(async move {
                    if let Err(error) = finish(&mut conn, "ROLLBACK").await {
                        tracing::debug!(%error, "an abandoned transaction could not be rolled back; its connection is closed");
                        discard(conn);
                    }
                });
            }
            _ => discard(conn),
        }
    }
}

async fn connection_in_transaction(from: &RolePool, begin: &str) -> DbResult<PgObject> {
    loop {
        let mut conn = from.pool.get().await.map_err(DbError::unavailable)?;
        let Err(error) = AnsiTransactionManager::begin_transaction_sql(&mut *conn, begin).await else {
            return Ok(conn);
        };
        let was_idle = PgObject::metrics(&conn).recycle_count > 0;
        discard(conn);
        if !was_idle {
            return Err(error.into());
        }
    }
}

/// Ends the transaction, whatever its depth, and tells diesel so.
async fn finish(conn: &mut AsyncPgConnection, sql: &str) -> DbResult<()> {
    conn.batch_execute(sql).await?;
    *AnsiTransactionManager::transaction_manager_status_mut(conn) = Default::default();
    Ok(())
}

/// Closes a connection instead of giving it back.
fn discard(conn: PgObject) {
    drop(PgObject::take(conn));
}
