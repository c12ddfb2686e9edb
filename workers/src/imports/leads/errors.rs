//! What went wrong, in the classes that the engine acts on.

use patchbay_db::DbError;
use patchbay_queue::{ErrorClass, JobError};

/// The database's trouble as the job's. A mistake in a query is tried again like weather: its attempts are few.
pub(super) fn job_error(error: DbError) -> JobError {
    let error = match error {
        DbError::NotFound => return JobError::permanent("import_not_found", "the import does not exist (any more)"),
        error => error,
    };
    let code = if error.is_retryable() { "database_unavailable" } else { "database_error" };
    tracing::warn!(%error, cause = std::error::Error::source(&error), code, "an import met the database's trouble");
    JobError::retryable(code, error.to_string())
}

/// Whether no run follows this error.
pub(super) fn is_final(error: &JobError, last_attempt: bool) -> bool {
    match error.class {
        ErrorClass::Permanent => true,
        ErrorClass::Retryable | ErrorClass::Unknown => last_attempt,
        ErrorClass::Throttled { .. } => false,
    }
}
