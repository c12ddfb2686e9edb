//! Typed ids: a `ContactId` is no `MessageId`, in Rust, in JSON and in the log.
//!
//! In the database an id is a plain `uuid`; outside it is a TypeID (`con_01h455vb4pex5vsknk084sn02q`), so that
//! an id pasted into the wrong field is refused with the reason rather than not found. Adding one is a line
//! in the list below. A prefix never changes once it has been given out.

mod generator;
mod newtype;
mod typeid;

pub use generator::Ids;
pub use typeid::IdError;

use newtype::typed_ids;
use uuid::Uuid;

/// An id that knows what it is the id of.
pub trait TypedId: Copy + Send + Sync + 'static {
    /// What the text form begins with, without the underscore.
    const PREFIX: &'static str;

    /// Takes a value that is known to be this kind of id, as from the database.
    fn from_uuid(uuid: Uuid) -> Self;

    /// The value as the database holds it.
    fn uuid(self) -> Uuid;
}

typed_ids! {
    TenantId "tnt" "A tenant: the isolation boundary.";
    ApiKeyId "key" "An API key of a tenant (not its secret).";
    ContactId "con" "A person whom a tenant talks to.";
    ChannelId "chn" "One address of a contact on one channel.";
    LeadId "lead" "An unqualified prospect.";
    ImportId "imp" "An uploaded file and what became of its rows.";
    TemplateId "tpl" "A text with variables.";
    ProviderAccountId "pac" "A tenant's credentials at one provider.";
    SenderId "snd" "A number or mailbox that sends.";
    MessageId "msg" "One inbound or outbound message.";
    JobId "job" "One unit of work in the ledger.";
    JobGroupId "grp" "Jobs that are counted together.";
    ScheduleId "sch" "A rule that makes jobs at its times.";
    EventId "evt" "A fact that happened.";
    ConsentEventId "cns" "One entry of the opt-out ledger.";
    AuditEntryId "aud" "One entry of the audit log.";
}
