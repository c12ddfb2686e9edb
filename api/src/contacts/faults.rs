//! The domain's refusals, as problems with pointers.

use patchbay_db::DbError;
use patchbay_domain::contacts::{ContactError, Fault};

use crate::http::{Code, FieldError, Problem};

/// A refused contact or lead. `address` is the pointer of an address that turns out to be taken.
pub fn refused(error: ContactError, address: &str) -> Problem {
    match error {
        ContactError::Invalid(faults) => invalid(faults),
        ContactError::AddressTaken { owner, .. } => {
            let detail = format!("The contact {owner} has this address already.");
            let field = FieldError::new(address, "address_taken", detail.clone());
            Problem::new(Code::AlreadyExists, detail).with_errors(vec![field])
        }
        ContactError::Db(DbError::Reference { .. }) => {
            Problem::refused("/contact_id", "unknown_contact", "There is no contact with this id.")
        }
        ContactError::Db(error) => error.into(),
    }
}

/// Values that cannot be stored.
pub fn invalid(faults: Vec<Fault>) -> Problem {
    let errors: Vec<FieldError> =
        faults.into_iter().map(|fault| FieldError::new(fault.pointer, fault.code, fault.detail)).collect();
    let detail = errors.iter().map(|error| error.detail.as_str()).collect::<Vec<_>>().join("; ");
    Problem::new(Code::ValidationFailed, detail).with_errors(errors)
}
