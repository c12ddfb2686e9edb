//! What messages look like on the wire when they are read.

use patchbay_db::ids::{ContactId, JobId, MessageId, ProviderAccountId, TemplateId};
use patchbay_domain::messages as domain;
use poem_openapi::{Enum, Object, types::Example};

use crate::http::{Id, Time};

/// A message's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum MessageState {
    /// Accepted; its job has not taken it up.
    Queued,
    /// On its way to the provider.
    Sending,
    /// The provider took it.
    Sent,
    /// The phone has it.
    Delivered,
    /// The provider or the carrier could not deliver it.
    Undelivered,
    /// The provider refused it, or it could not be sent.
    Failed,
    /// Cancelled before it was sent.
    Cancelled,
    /// Not sent, because the recipient opted out or is suppressed.
    Refused,
    /// It came in.
    Received,
}

impl From<domain::MessageState> for MessageState {
    fn from(state: domain::MessageState) -> Self {
        match state {
            domain::MessageState::Queued => Self::Queued,
            domain::MessageState::Sending => Self::Sending,
            domain::MessageState::Sent => Self::Sent,
            domain::MessageState::Delivered => Self::Delivered,
            domain::MessageState::Undelivered => Self::Undelivered,
            domain::MessageState::Failed => Self::Failed,
            domain::MessageState::Cancelled => Self::Cancelled,
            domain::MessageState::Refused => Self::Refused,
            domain::MessageState::Received => Self::Received,
        }
    }
}

impl From<MessageState> for domain::MessageState {
    fn from(state: MessageState) -> Self {
        match state {
            MessageState::Queued => Self::Queued,
            MessageState::Sending => Self::Sending,
            MessageState::Sent => Self::Sent,
            MessageState::Delivered => Self::Delivered,
            MessageState::Undelivered => Self::Undelivered,
            MessageState::Failed => Self::Failed,
            MessageState::Cancelled => Self::Cancelled,
            MessageState::Refused => Self::Refused,
            MessageState::Received => Self::Received,
        }
    }
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum MessageDirection {
    /// To a contact.
    Outbound,
    /// From a contact.
    Inbound,
}

impl From<MessageDirection> for domain::Direction {
    fn from(direction: MessageDirection) -> Self {
        match direction {
            MessageDirection::Outbound => Self::Outbound,
            MessageDirection::Inbound => Self::Inbound,
        }
    }
}

/// The channel of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum MessageChannel {
    /// Text messages.
    Sms,
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum MessageClass {
    /// The recipient expects it: a receipt, a reminder, a code.
    Transactional,
    /// Everything that advertises; it needs an opt-in on record.
    Marketing,
    /// The answer to STOP, START or HELP, made by Patchbay.
    Compliance,
}

impl From<domain::MessageClass> for MessageClass {
    fn from(class: domain::MessageClass) -> Self {
        match class {
            domain::MessageClass::Transactional => Self::Transactional,
            domain::MessageClass::Marketing => Self::Marketing,
            domain::MessageClass::Compliance => Self::Compliance,
        }
    }
}

/// Why a message was not delivered.
#[derive(Debug, Object)]
#[oai(example)]
pub struct MessageError {
    /// A stable name: the provider's code after its name (`twilio_30003`), or one of ours (`recipient_opted_out`).
    pub code: String,
    /// What it means, for a person.
    pub detail: Option<String>,
}

impl Example for MessageError {
    fn example() -> Self {
        Self { code: "twilio_30003".to_owned(), detail: Some("the phone could not be reached".to_owned()) }
    }
}

/// A text that was sent, or came in.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Message {
    /// Its id.
    pub id: Id<MessageId>,
    /// Which way it goes.
    pub direction: MessageDirection,
    /// The channel that it goes on.
    pub channel: MessageChannel,
    /// What it is for.
    pub class: MessageClass,
    /// Where it stands.
    pub state: MessageState,
    /// Why it was not delivered; null while nothing went wrong.
    pub error: Option<MessageError>,
    /// Whom it concerns; null for a number that is nobody's.
    pub contact_id: Option<Id<ContactId>>,
    /// The account it goes through.
    pub provider_account_id: Id<ProviderAccountId>,
    /// The template it was made from.
    pub template_id: Option<Id<TemplateId>>,
    /// The sender's address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// What it says.
    pub body: String,
    /// Segments it takes, which is what carriers charge by.
    pub segments: i16,
    /// The provider's name for it, once it is known.
    pub provider_message_id: Option<String>,
    /// The job that sends it; a message that failed has a job of its own, which can be redriven.
    pub job_id: Option<Id<JobId>>,
    /// Sends tried.
    pub attempts: i16,
    /// Not to be sent before.
    pub send_at: Option<Time>,
    /// When the provider took it.
    pub sent_at: Option<Time>,
    /// When the phone had it.
    pub delivered_at: Option<Time>,
    /// When it was accepted, or came in.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl From<domain::Message> for Message {
    fn from(message: domain::Message) -> Self {
        Self {
            id: Id(message.id),
            direction: match message.direction {
                domain::Direction::Outbound => MessageDirection::Outbound,
                domain::Direction::Inbound => MessageDirection::Inbound,
            },
            channel: MessageChannel::Sms,
            class: message.class.into(),
            state: message.state.into(),
            error: message.error_code.map(|code| MessageError { code, detail: message.error_detail }),
            contact_id: message.contact_id.map(Id),
            provider_account_id: Id(message.provider_account_id),
            template_id: message.template_id.map(Id),
            from: message.from_address,
            to: message.to_address,
            body: message.body.0,
            segments: message.segments,
            provider_message_id: message.provider_message_id,
            job_id: message.job_id.map(Id),
            attempts: message.attempts,
            send_at: message.send_at.map(Time),
            sent_at: message.sent_at.map(Time),
            delivered_at: message.delivered_at.map(Time),
            created_at: Time(message.created_at),
            updated_at: Time(message.updated_at),
        }
    }
}

impl Example for Message {
    fn example() -> Self {
        Self {
            id: Id::example(),
            direction: MessageDirection::Outbound,
            channel: MessageChannel::Sms,
            class: MessageClass::Transactional,
            state: MessageState::Queued,
            error: None,
            contact_id: Some(Id::example()),
            provider_account_id: Id::example(),
            template_id: Some(Id::example()),
            from: "+12025550100".to_owned(),
            to: "+12025550123".to_owned(),
            body: "Hi Ada, welcome to Acme.".to_owned(),
            segments: 1,
            provider_message_id: None,
            job_id: Some(Id::example()),
            attempts: 0,
            send_at: None,
            sent_at: None,
            delivered_at: None,
            created_at: Time::example(),
            updated_at: Time::example(),
        }
    }
}
