//! Every resource of the API: one line each, and nothing else to register.
//!
//! A resource is a folder whose `Operations` type is the tuple of its operations, one file each
//! (`docs/adding-a-resource.md`). The document, the tests of authorization and the metrics follow from this list.

use crate::http::merge::Merged;
use crate::{
    api_keys, contacts, dead_letters, imports, jobs, leads, messages, plans, provider_accounts, queues, schedules,
    templates, tenants, webhooks, workers,
};

/// The work, and where it waits.
type Work = (
    dead_letters::Operations,
    imports::Operations,
    jobs::Operations,
    queues::Operations,
    schedules::Operations,
    workers::Operations,
);

/// All operations, by resource. (A tuple has a default up to twelve.)
pub type Routes = Merged<(
    Work,
    api_keys::Operations,
    contacts::Operations,
    leads::Operations,
    messages::Operations,
    plans::Operations,
    provider_accounts::Operations,
    templates::Operations,
    tenants::Operations,
    webhooks::Operations,
)>;

/// All operations. They are unit types, so their default is themselves.
#[must_use]
pub fn routes() -> Routes {
    Merged(Default::default())
}
