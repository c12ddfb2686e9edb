//! Why a change of a contact or a lead was refused.

use patchbay_db::DbError;
use patchbay_db::ids::ContactId;

use super::ChannelKind;

/// A value that a record cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// Which field, as a JSON pointer in the request.
    pub pointer: String,
    /// Stable and snake_case.
    pub code: &'static str,
    /// For a person.
    pub detail: String,
}

impl Fault {
    /// A fault of the field at `pointer`.
    pub fn at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// Why a change was refused.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// Values that cannot be stored.
    #[error("{} values are refused", .0.len())]
    Invalid(Vec<Fault>),
    /// The address is another contact's.
    #[error("the {channel} address {address} belongs to the contact {owner}")]
    AddressTaken {
        /// On which channel.
        channel: ChannelKind,
        /// Which address.
        address: String,
        /// Who has it.
        owner: ContactId,
    },
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for ContactError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}
