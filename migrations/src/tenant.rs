//! The one way into a tenant's data: a transaction that PostgreSQL itself limits to that tenant.
//!
//! `app.tenant_id` is set for the transaction only (`SET LOCAL`), in the same round trip as the BEGIN, so it
//! cannot outlive it on a pooled connection or leak through PgBouncer. The policies compare every row with it; unset,
//! it matches none. Rejected: a session-wide setting (leaks with the connection) and `WHERE tenant_id = …` alone
//! (that is still written, for the indexes, but nothing rests on it).

use std::ops::{Deref, DerefMut};

use diesel_async::AsyncPgConnection;
use patchbay_queue::NewJob;
use patchbay_queue::ledger::{Inserted, JobRow};

use crate::db::Db;
use crate::error::DbResult;
use crate::ids::{TenantId, TypedId};
use crate::transaction::Transaction;

/// A transaction of one tenant, as the role `patchbay_app`. Dereferences to the connection.
///
/// Dropped without [`commit`](Self::commit) it is rolled back, in the background.
pub struct Tx {
    tenant: TenantId,
    inner: Transaction,
}

impl Tx {
    pub(crate) async fn begin(db: &Db, tenant: TenantId, read_only: bool) -> DbResult<Self> {
        let pools = db.pools();
        let begin = format!(
            "BEGIN{};{}{}SET LOCAL app.tenant_id='{}'",
            if read_only { " READ ONLY" } else { "" },
            pools.app.preamble,
            if read_only { "SET LOCAL plan_cache_mode=auto;" } else { "" },
            tenant.uuid()
        );
        let inner = Transaction::open(db, &pools.app, &begin).await?;
        Ok(Self { tenant, inner })
    }

    /// Whose rows this transaction sees.
    pub fn tenant(&self) -> TenantId {
        self.tenant
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

    /// Makes everything of this transaction real.
    ///
    /// # Errors
    /// An aborted transaction, and deferred constraints, are errors and nothing is kept.
    /// [`crate::DbError::Unavailable`] here means that the outcome is unknown: the server may have
    /// committed before the connection was lost.
    pub async fn commit(self) -> DbResult<()> {
        self.inner.commit().await
    }

    /// Undoes everything of this transaction, and waits for it; dropping does the same without waiting.
    ///
    /// # Errors
    /// [`crate::DbError::Unavailable`] when the connection was lost, which undoes it too.
    pub async fn rollback(self) -> DbResult<()> {
        self.inner.rollback().await
    }
}

impl Deref for Tx {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.inner.conn()
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.inner.conn_mut()
    }
}
