//! The domain's refusals, as problems with pointers.

use patchbay_domain::imports::file::FileError;
use patchbay_domain::imports::mapping::MappingError;
use patchbay_domain::imports::store::StartError;

use crate::http::{Code, FieldError, Problem};

/// A file that cannot be read.
pub(super) fn unreadable(error: &FileError) -> Problem {
    Problem::refused("/file", error.code(), error.to_string())
}

/// A start that is refused. `pointer` is where the choices stand in the request.
pub(super) fn not_started(error: StartError, pointer: &str) -> Problem {
    match error {
        StartError::State(_) => Problem::new(Code::StateConflict, error.to_string()),
        StartError::NoMapping => {
            Problem::refused(format!("{pointer}/mapping"), "mapping_missing", "Say which column fills what.")
        }
        StartError::Mapping(errors) => mapping(&errors, pointer),
        StartError::Db(error) => error.into(),
    }
}

fn mapping(errors: &[MappingError], pointer: &str) -> Problem {
    let field = |error: &MappingError| {
        let place =
            error.index.map_or_else(|| format!("{pointer}/mapping"), |index| format!("{pointer}/mapping/{index}"));
        FieldError::new(place, error.fault.code(), error.fault.to_string())
    };
    let errors: Vec<FieldError> = errors.iter().map(field).collect();
    let detail = errors.iter().map(|error| error.detail.as_str()).collect::<Vec<_>>().join("; ");
    Problem::new(Code::ValidationFailed, detail).with_errors(errors)
}
