//! Contacts: the people a tenant talks to, and the channels on which they are reached.
//!
//! An address belongs to one contact of a tenant; whoever wants to give it to a second is told who has it, since
//! silently moving it would move its consent and its conversation too.

mod channels;
mod create;
mod delete;
mod error;
mod get;
mod list;
mod model;
mod rules;
mod update;

pub use channels::{NewChannel, add, get as get_channel, patch as patch_channel, remove, set_consent};
pub use create::create;
pub use delete::delete;
pub use error::{ContactError, Fault};
pub use get::get;
pub use list::{Filter, list};
pub use model::{Channel, ChannelKind, Contact, ContactFields, ContactRow, Lifecycle, NewContact};
pub use rules::{address, check_attributes, check_text, locale_tag, timezone_name};
pub use update::update;
