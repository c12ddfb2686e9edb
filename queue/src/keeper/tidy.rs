//! A slow walk over what should need none: ties whose targets are over, ends of orders and unique keys of jobs that are.
//!
//! Everything here is seen to at once where it happens; the walk finds what was missed (rows that retention dropped, ends
//! that an older program wrote), a few hundred rows a second.

use super::{Keeper, KeeperError, LedgerConn};
use crate::ledger::{controls, dependencies, tidy, unique};

/// Rows of each table, each time.
const PAGE: i64 = 200;

/// Where the walk is.
#[derive(Debug, Default)]
pub(super) struct Walk {
    ties: dependencies::Place,
    tails: tidy::Place,
    keys: tidy::Place,
}

impl Keeper {
    /// The next step of the walk.
    pub(super) async fn tidy(&self, conn: &mut LedgerConn, walk: &mut Walk) -> Result<(), KeeperError> {
        walk.ties = dependencies::recheck(conn, walk.ties, PAGE).await?;
        walk.tails = tidy::tails(conn, &walk.tails, PAGE).await?;
        walk.keys = tidy::keys(conn, &walk.keys, PAGE).await?;
        unique::sweep(conn, PAGE).await?;
        controls::forget_stops(conn).await?;
        Ok(())
    }
}
