//! `/v1/contacts` and `/v1/contact_channels`: people, and the channels on which they are reached.

mod add_channel;
mod create;
mod delete;
pub mod dto;
pub mod faults;
mod get;
mod get_channel;
mod list;
mod opt_in;
mod opt_out;
mod patch;
mod patch_channel;
mod remove_channel;

use patchbay_db::{DbResult, Tx};
use patchbay_domain::countries::Country;
use patchbay_domain::tenants;

crate::scope!(
    /// May read contacts.
    pub Read = "contacts:read"
);
crate::scope!(
    /// May make, change and delete contacts, and record their consent.
    pub Write = "contacts:write"
);

/// The operations of this resource.
pub type Operations = (
    create::Create,
    list::List,
    get::Get,
    patch::Patch,
    delete::Delete,
    add_channel::AddChannel,
    get_channel::GetChannel,
    patch_channel::PatchChannel,
    remove_channel::RemoveChannel,
    opt_in::OptIn,
    opt_out::OptOut,
);

/// The country in which the tenant reads phone numbers that do not say theirs.
///
/// # Errors
/// The database's.
pub async fn default_country(tx: &mut Tx) -> DbResult<Option<Country>> {
    let tenant = tenants::get_own(tx).await?;
    Ok(tenant.and_then(|tenant| tenant.default_country).and_then(|code| Country::parse(&code).ok()))
}
