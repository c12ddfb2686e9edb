//! The named bypass: a transaction that sees every tenant.
//!
//! Needed where no tenant is known yet (whose key is this?) or where the work is about all of them (retention, repair).
//! Each use says why, and the reason is traced, so that a bypass that should not be is found.
//! Rejected: a flag on [`crate::Tx`], which a default or a copied line could set.

use std::ops::{Deref, DerefMut};

use diesel_async::AsyncPgConnection;
use patchbay_queue::NewJob;
use patchbay_queue::ledger::{Inserted, JobRow};

use crate::db::Db;
use crate::error::DbResult;
use crate::transaction::Transaction;

/// A transaction over all tenants, as the role `patchbay_system`. Dereferences to the connection.
///
/// Dropped without [`commit`](Self::commit) it is rolled back, in the background.
pub struct SystemTx {
    inner: Transaction,
}

impl SystemTx {
    pub(crate) async fn begin(db: &Db, reason: &'static str) -> DbResult<Self> {
        let pools = db.pools();
        tracing::trace!(reason, "a transaction over all tenants");
        let begin = format!("BEGIN;{}", pools.system.preamble);
        let inner = Transaction::open(db, &pools.system, &begin).await?;
        Ok(Self { inner })
    }

    /// Accepts a job: a row of the ledger in this transaction, handed to the workers after the commit.
    /// Answers what became of it (a job with the same unique key may live already).
    ///
    /// # Errors
    /// The database's, a duplicate id included.
    pub async fn enqueue(&mut self, job: impl Into<NewJob>) -> DbResult<Inserted> {
        let inserted = self.inner.enqueue(vec![job.into()]).await?;
        Ok(inserted.into_iter().next().expect("one outcome for each job handed in"))
    }

    /// Accepts many jobs in one statement; answers in their order.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue); then none is accepted.
    pub async fn enqueue_all(&mut self, jobs: Vec<NewJob>) -> DbResult<Vec<Inserted>> {
        self.inner.enqueue(jobs).await
    }

    /// Hands `jobs`, which this transaction made due again (a redrive), to the workers after the commit.
    pub fn push_after_commit(&mut self, jobs: Vec<JobRow>) {
        self.inner.revive(jobs);
    }

    /// Makes everything of this transaction real; see [`crate::Tx::commit`].
    ///
    /// # Errors
    /// As [`crate::Tx::commit`].
    pub async fn commit(self) -> DbResult<()> {
        self.inner.commit().await
    }

    /// Undoes everything of this transaction, and waits for it.
    ///
    /// # Errors
    /// As [`crate::Tx::rollback`].
    pub async fn rollback(self) -> DbResult<()> {
        self.inner.rollback().await
    }
}

impl Deref for SystemTx {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.inner.conn()
    }
}

impl DerefMut for SystemTx {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.inner.conn_mut()
    }
}
