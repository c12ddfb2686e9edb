//! The resources as the document groups them.

use poem_openapi::Tags;

/// One tag a resource.
#[derive(Debug, Clone, Copy, Tags)]
#[oai(rename_all = "snake_case")]
pub enum Tag {
    /// Keys that a tenant's programs call with.
    ApiKeys,
    /// How much there is to do, for those who decide how many workers there are.
    Autoscale,
    /// People whom the tenant talks to, and the channels they are reached on.
    Contacts,
    /// Jobs that gave up: inspect, redrive, discard.
    DeadLetters,
    /// Files of leads, from upload to result.
    Imports,
    /// Work that goes on after its request was answered.
    Jobs,
    /// Unqualified prospects.
    Leads,
    /// Texts that were sent, or came in.
    Messages,
    /// What tenants' plans are worth in the queues, for the people who run this installation.
    Plans,
    /// Credentials at providers, and the senders that belong to them.
    ProviderAccounts,
    /// Where jobs wait: depth, age, pause and resume.
    Queues,
    /// What happens at set times.
    Schedules,
    /// Texts with variables.
    Templates,
    /// Tenants, for the people who run this installation.
    Tenants,
    /// Callbacks of providers.
    Webhooks,
    /// The processes that run jobs, for the people who run this installation.
    Workers,
}
