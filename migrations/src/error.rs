//! What can go wrong in the database, in the classes that callers act on.
//!
//! Goal: nobody above this crate looks into an error's text. diesel's error kinds carry no SQLSTATE for
//! anything but constraint violations, so the one place that has to read a message is [`weather`]; a
//! server that speaks another language than English is understood less well there: its shutdowns
//! and deadlocks come out as [`DbError::Query`], which costs a job an attempt but loses nothing.
//! Broken by: matching on `Display`, or adding a catch-all that calls every fault retryable.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

/// The result of everything in this crate.
pub type DbResult<T> = Result<T, DbError>;

/// A fault met by a query or on the way to one.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The one row asked for does not exist, or belongs to another tenant: the two look the same.
    #[error("no such row")]
    NotFound,
    /// A unique or exclusion constraint holds another row already.
    #[error("conflicts with an existing row ({constraint})")]
    Conflict {
        /// Name of the constraint or unique index; empty where the server did not say.
        constraint: String,
    },
    /// A foreign key: the row pointed at is missing, or this row is still pointed at.
    #[error("refers to a row that is missing, or is still referred to ({constraint})")]
    Reference {
        /// Name of the foreign key; empty where the server did not say.
        constraint: String,
    },
    /// A CHECK constraint refused the values.
    #[error("refused by a check ({constraint})")]
    Check {
        /// Name of the constraint; empty where the server did not say.
        constraint: String,
    },
    /// The database cannot be reached, is busy, or gave up on this transaction (deadlock, restart,
    /// no free connection in time). The same work may succeed a little later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A write touched another number of rows than it must.
    #[error("expected {expected} affected rows, got {actual}")]
    RowsAffected {
        /// Rows that had to be written.
        expected: usize,
        /// Rows that were.
        actual: usize,
    },
    /// The settings cannot be used; nothing was tried.
    #[error("database configuration: {0}")]
    Config(String),
    /// Anything else: a mistake in the SQL, or a value that does not decode.
    #[error("a query failed")]
    Query(#[source] Error),
}

impl DbError {
    /// Whether the same work, done again in a new transaction, may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether this is a conflict on the named unique constraint or index.
    pub fn is_conflict_on(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }

    pub(crate) fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(why.into())
    }
}

/// Makes a write that silently touched nothing, or too much, an error.
///
/// # Errors
/// [`DbError::RowsAffected`] when the numbers differ.
pub fn expect_rows(expected: usize, actual: usize) -> DbResult<()> {
    if expected == actual { Ok(()) } else { Err(DbError::RowsAffected { expected, actual }) }
}

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        use DatabaseErrorKind as Kind;
        match error {
            Error::NotFound => Self::NotFound,
            Error::DatabaseError(Kind::UniqueViolation | Kind::ExclusionViolation, info) => {
                Self::Conflict { constraint: constraint(&*info) }
            }
            Error::DatabaseError(Kind::ForeignKeyViolation | Kind::RestrictViolation, info) => {
                Self::Reference { constraint: constraint(&*info) }
            }
            Error::DatabaseError(Kind::CheckViolation, info) => Self::Check { constraint: constraint(&*info) },
            Error::DatabaseError(
                Kind::SerializationFailure | Kind::UnableToSendCommand | Kind::ClosedConnection,
                _,
            )
            | Error::BrokenTransactionManager
            | Error::RollbackErrorOnCommit { .. } => Self::unavailable(error),
            Error::DatabaseError(Kind::Unknown, ref info) if weather(info.message()) => Self::unavailable(error),
            error => Self::Query(error),
        }
    }
}

fn constraint(info: &dyn DatabaseErrorInformation) -> String {
    info.constraint_name().unwrap_or_default().to_owned()
}

/// Messages of PostgreSQL that are no fault of the query: SQLSTATE classes 08, 53, 55P03, 57, and 40P01.
/// The texts are from its sources (`postgres.c`, `postmaster.c`, `proc.c`, `deadlock.c`, `lock.c`).
fn weather(message: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "terminating connection",
        "the database system is",
        "canceling statement due to",
        "deadlock detected",
        "too many clients",
        "too many connections",
        "remaining connection slots",
        "out of shared memory",
        "could not resize shared memory segment",
        "could not obtain lock",
        "server conn crashed",
        "server closed the connection",
    ];
    SIGNS.iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(message: &str) -> DbError {
        Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())).into()
    }

    #[test]
    fn a_shutdown_is_weather_and_a_typing_error_is_not() {
        assert!(unknown("terminating connection due to administrator command").is_retryable());
        assert!(unknown("the database system is starting up").is_retryable());
        assert!(unknown("deadlock detected").is_retryable());
        assert!(!unknown("column \"nmae\" does not exist").is_retryable());
    }

    #[test]
    fn a_closed_connection_is_weather() {
        let lost =
            Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, Box::new("connection closed".to_owned()));
        assert!(DbError::from(lost).is_retryable());
    }

    #[test]
    fn a_write_that_missed_its_row_is_an_error() {
        assert!(expect_rows(1, 1).is_ok());
        assert!(matches!(expect_rows(1, 0), Err(DbError::RowsAffected { expected: 1, actual: 0 })));
    }
}
