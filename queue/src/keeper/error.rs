//! What keeps a duty from being done, and whom it concerns.

use redis::ErrorKind;

/// A duty could not be done: Redis or PostgreSQL is away. It is done at a later tick.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// Redis did not answer, or not as it should.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// PostgreSQL did not answer.
    #[error("ledger: {0}")]
    Ledger(#[from] diesel::result::Error),
    /// No connection to PostgreSQL could be had.
    #[error("ledger pool: {0}")]
    Pool(String),
}

impl KeeperError {
    /// Whether only what one queue's keys hold is at fault: both servers answer, and the others can be cared for.
    fn is_of_one_queue(&self) -> bool {
        let Self::Redis(error) = self else { return false };
        error.kind() == ErrorKind::UnexpectedReturnType || matches!(error.code(), Some("ERR" | "WRONGTYPE" | "ANEW"))
    }
}

/// The answer of a duty that was done for `queue`, or `None` where that one is spoilt: it is told, and keeps nobody
/// else's jobs waiting.
///
/// # Errors
/// What concerns all queues.
pub(super) fn done_for<T>(queue: &str, duty: Result<T, impl Into<KeeperError>>) -> Result<Option<T>, KeeperError> {
    match duty.map_err(Into::into) {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.is_of_one_queue() => {
            tracing::error!(queue, %error, "this queue is not repaired; if that goes on, delete its keys: the ledger has what they held");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use redis::ServerErrorKind;

    use super::*;

    fn redis(kind: ErrorKind) -> KeeperError {
        redis::RedisError::from((kind, "as Redis says it")).into()
    }

    #[test]
    fn a_server_that_is_away_or_not_ready_concerns_all_queues() {
        let loading = ErrorKind::Server(ServerErrorKind::BusyLoading);
        for error in [redis(ErrorKind::Io), redis(loading), KeeperError::Pool("none is free".into())] {
            assert!(done_for("q", Err::<(), _>(error)).is_err());
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_concerns_its_queue() {
        assert!(done_for("q", Err::<(), _>(redis(ErrorKind::UnexpectedReturnType))).unwrap().is_none());
        assert!(
            done_for("q", Err::<(), _>(redis(ErrorKind::Server(ServerErrorKind::ResponseError)))).unwrap().is_none()
        );
    }
}
