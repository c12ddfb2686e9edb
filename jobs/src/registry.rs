//! Every kind of job there is.
//!
//! One list, so that operators, the API and the tests see the same kinds. `tests/catalogue.rs` holds it to the files: a
//! job's file that is not here fails, so does a kind without an example of each version of its payload
//! (`payloads/<kind>.v<version>.json`, which must decode for ever: such jobs may be waiting when a deploy comes), and a
//! contract that changes shows as a changed snapshot. That each kind has a handler is a test of `workers`.

use patchbay_queue::job::DecodeError;
use patchbay_queue::{Job, Policy};

use crate::{imports, jobs, maintenance, messages, schedules};

/// Every kind, by name. Adding a job is a line here.
pub const KINDS: &[Kind] = &[
    Kind::of::<imports::ImportLeads>(Owner::Tenant),
    Kind::of::<jobs::DiscardDead>(Owner::Tenant),
    Kind::of::<jobs::RedriveDead>(Owner::Tenant),
    Kind::of::<maintenance::SweepImports>(Owner::System),
    Kind::of::<maintenance::MakePartitions>(Owner::System),
    Kind::of::<maintenance::ReconcileAll>(Owner::System),
    Kind::of::<maintenance::Retain>(Owner::System),
    Kind::of::<messages::TakeInbound>(Owner::Tenant),
    Kind::of::<messages::ApplyReceipts>(Owner::Tenant),
    Kind::of::<messages::Reconcile>(Owner::Tenant),
    Kind::of::<messages::SendMessages>(Owner::Tenant),
    Kind::of::<schedules::RunSchedule>(Owner::Tenant),
];

/// Whose jobs of a kind are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A tenant's: the handler sees that tenant's rows and no others.
    Tenant,
    /// The installation's ([`SYSTEM_TENANT`](patchbay_queue::SYSTEM_TENANT)): the work is about all tenants.
    System,
}

/// One kind of job.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// The version of the payloads made now.
    pub version: i16,
    /// The queue it waits in.
    pub queue: &'static str,
    /// How it is tried.
    pub policy: Policy,
    /// Whose jobs of this kind are.
    pub owner: Owner,
    decode: fn(i16, &[u8]) -> Result<Option<String>, DecodeError>,
}

impl Kind {
    const fn of<J: Job>(owner: Owner) -> Self {
        Self {
            name: J::KIND,
            version: J::VERSION,
            queue: J::QUEUE,
            policy: J::POLICY,
            owner,
            decode: |version, payload| J::decode(version, payload).map(|job| job.unique_key()),
        }
    }

    /// Whether a payload of `version` can be read; answers the key it is unique by, if it is.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check(&self, version: i16, payload: &[u8]) -> Result<Option<String>, DecodeError> {
        (self.decode)(version, payload)
    }
}

/// The kind of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
