//! What went wrong, in the classes that the engine acts on.

use patchbay_db::DbError;
use patchbay_queue::{ErrorClass, JobError};

use crate::runtime::fault;

/// The database's trouble as the job's.
pub(super) fn job_error(error: DbError) -> JobError {
    match error {
        DbError::NotFound => JobError::permanent("import_not_found", "the import does not exist (any more)"),
        error => fault::db(&error),
    }
}

/// Whether no run follows this error.
pub(super) fn is_final(error: &JobError, last_attempt: bool) -> bool {
    match error.class {
        ErrorClass::Permanent => true,
        ErrorClass::Retryable | ErrorClass::Unknown => last_attempt,
        ErrorClass::Throttled { .. } => false,
    }
}
