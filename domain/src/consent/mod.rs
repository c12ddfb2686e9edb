//! Consent: the append-only ledger of who agreed and who declined, and the states that follow from it.
//!
//! The ledger is kept by address and never loses a line; the state on a channel and the suppression list are
//! derived, and written in the same transaction, because a send checks those. An opt-out also suppresses the
//! address, so that it holds for addresses that no contact has, and after a contact was deleted and imported anew.
//! It is broken by writing `contact_channels.consent` anywhere else.

mod model;
mod record;

pub use model::{ConsentAction, ConsentChange, ConsentState};
pub use record::record;
