//! Several statements that take effect together or not at all.
//!
//! In the caller's transaction where there is one: its commit is the caller's. Otherwise in one of their own, so that a
//! crash between two of them leaves nothing half done. (Not diesel's `transaction`: inside another it would set a
//! savepoint, two round trips for nothing.)

use diesel::result::QueryResult;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};

/// Begins, unless the caller has.
pub(super) async fn begin(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let inside = AnsiTransactionManager::transaction_manager_status_mut(conn).transaction_depth()?.is_some();
    if !inside {
        AnsiTransactionManager::begin_transaction(conn).await?;
    }
    Ok(!inside)
}

/// Ends what [`begin`] began.
pub(super) async fn end<R>(conn: &mut AsyncPgConnection, begun: bool, result: QueryResult<R>) -> QueryResult<R> {
    if !begun {
        return result;
    }
    match result {
        Ok(value) => AnsiTransactionManager::commit_transaction(conn).await.map(|()| value),
        Err(error) => {
            AnsiTransactionManager::rollback_transaction(conn).await?;
            Err(error)
        }
    }
}
