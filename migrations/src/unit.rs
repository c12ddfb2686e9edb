//! What both kinds of transaction have in common, for work that is done to one tenant's rows and to everybody's alike.
//!
//! Which rows there are is decided where the transaction begins; code over a `Unit` names the tenant of each row that
//! it touches and needs no other difference. Rejected: an enum of the two, which every caller that knows its
//! kind would have to take apart again.

use std::future::Future;
use std::ops::DerefMut;

use diesel_async::AsyncPgConnection;
use patchbay_queue::ledger::JobRow;

use crate::error::DbResult;
use crate::system::SystemTx;
use crate::tenant::Tx;

/// A transaction, of one tenant or over all of them. Dereferences to the connection.
pub trait Unit: DerefMut<Target = AsyncPgConnection> + Send + Sized {
    /// Hands `jobs`, which this transaction made due again (a redrive), to the workers after the commit.
    fn push_after_commit(&mut self, jobs: Vec<JobRow>);

    /// Makes everything real; see [`Tx::commit`].
    fn commit(self) -> impl Future<Output = DbResult<()>> + Send;
}

impl Unit for Tx {
    fn push_after_commit(&mut self, jobs: Vec<JobRow>) {
        Self::push_after_commit(self, jobs);
    }

    async fn commit(self) -> DbResult<()> {
        Self::commit(self).await
    }
}

impl Unit for SystemTx {
    fn push_after_commit(&mut self, jobs: Vec<JobRow>) {
        Self::push_after_commit(self, jobs);
    }

    async fn commit(self) -> DbResult<()> {
        Self::commit(self).await
    }
}
