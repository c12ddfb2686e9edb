//! Addresses and consent on the wire.

use patchbay_db::ids::{ChannelId, ContactId};
use patchbay_domain::consent::{ConsentAction, ConsentState};
use patchbay_domain::contacts as domain;
use poem_openapi::{
    Enum, Object,
    types::{Example, MaybeUndefined},
};

use crate::http::{Id, Time};

/// A way to reach a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ContactChannelKind {
    /// Text messages; the address is a phone number.
    Sms,
    /// E-mail.
    Email,
    /// WhatsApp; the address is a phone number.
    Whatsapp,
}

impl From<ContactChannelKind> for domain::ChannelKind {
    fn from(kind: ContactChannelKind) -> Self {
        match kind {
            ContactChannelKind::Sms => Self::Sms,
            ContactChannelKind::Email => Self::Email,
            ContactChannelKind::Whatsapp => Self::Whatsapp,
        }
    }
}

impl From<domain::ChannelKind> for ContactChannelKind {
    fn from(kind: domain::ChannelKind) -> Self {
        match kind {
            domain::ChannelKind::Sms => Self::Sms,
            domain::ChannelKind::Email => Self::Email,
            domain::ChannelKind::Whatsapp => Self::Whatsapp,
        }
    }
}

/// Whether one may write to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ChannelConsent {
    /// Nobody has said.
    Unknown,
    /// The person agreed.
    OptedIn,
    /// The person declined; nothing is sent there.
    OptedOut,
}

impl From<ConsentState> for ChannelConsent {
    fn from(state: ConsentState) -> Self {
        match state {
            ConsentState::Unknown => Self::Unknown,
            ConsentState::OptedIn => Self::OptedIn,
            ConsentState::OptedOut => Self::OptedOut,
        }
    }
}

/// What a person has said already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum GivenConsentState {
    /// They agree.
    OptedIn,
    /// They decline.
    OptedOut,
}

/// Consent that was given or withdrawn before the address came here.
#[derive(Debug, Object)]
#[oai(example)]
pub struct GivenConsent {
    /// What the person said.
    pub state: GivenConsentState,
    /// Where they said it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub source: String,
    /// Their words, a link, anything that proves it.
    #[oai(validator(max_length = 2000))]
    pub evidence: Option<String>,
}

impl GivenConsent {
    /// As the domain takes it.
    pub fn into_domain(self) -> (ConsentAction, String, Option<String>) {
        let action = match self.state {
            GivenConsentState::OptedIn => ConsentAction::OptIn,
            GivenConsentState::OptedOut => ConsentAction::OptOut,
        };
        (action, self.source, self.evidence)
    }
}

impl Example for GivenConsent {
    fn example() -> Self {
        Self { state: GivenConsentState::OptedIn, source: "web form 2026-03".to_owned(), evidence: None }
    }
}

/// An address of a contact.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Channel {
    /// Its id.
    pub id: Id<ChannelId>,
    /// Whose address it is.
    pub contact_id: Id<ContactId>,
    /// On which channel.
    pub channel: ContactChannelKind,
    /// A phone number in E.164, or an e-mail address.
    pub address: String,
    /// Whether it is the one to use where the contact has several of a kind.
    pub is_primary: bool,
    /// Whether one may write there.
    pub consent: ChannelConsent,
    /// Where consent was given or withdrawn.
    pub consent_source: Option<String>,
    /// When.
    pub consent_at: Option<Time>,
    /// When the person proved that it is theirs.
    pub verified_at: Option<Time>,
    /// When it was added.
    pub created_at: Time,
}

impl From<domain::Channel> for Channel {
    fn from(channel: domain::Channel) -> Self {
        Self {
            id: Id(channel.id),
            contact_id: Id(channel.contact_id),
            channel: channel.channel.into(),
            address: channel.address,
            is_primary: channel.is_primary,
            consent: channel.consent.into(),
            consent_source: channel.consent_source,
            consent_at: channel.consent_at.map(Time),
            verified_at: channel.verified_at.map(Time),
            created_at: channel.created_at.into(),
        }
    }
}

impl Example for Channel {
    fn example() -> Self {
        Self {
            id: Id::example(),
            contact_id: Id::example(),
            channel: ContactChannelKind::Sms,
            address: "+14155550123".to_owned(),
            is_primary: true,
            consent: ChannelConsent::OptedIn,
            consent_source: Some("web form 2026-03".to_owned()),
            consent_at: Some(Time::example()),
            verified_at: None,
            created_at: Time::example(),
        }
    }
}

/// An address to be added to a contact.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ChannelCreate {
    /// On which channel.
    pub channel: ContactChannelKind,
    /// An e-mail address, or a phone number in any usual spelling; without a country code it is read in the tenant's
    /// default country.
    #[oai(validator(min_length = 1, max_length = 320))]
    pub address: String,
    /// Whether it becomes the one to use; the first of its kind does in any case.
    #[oai(default)]
    pub is_primary: bool,
    /// What the person has said already.
    pub consent: Option<GivenConsent>,
}

impl Example for ChannelCreate {
    fn example() -> Self {
        Self {
            channel: ContactChannelKind::Sms,
            address: "+1 415-555-0123".to_owned(),
            is_primary: true,
            consent: Some(GivenConsent::example()),
        }
    }
}

/// What to change of an address. The address itself does not change: add another, and remove this one.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ChannelPatch {
    /// Whether it is the one to use.
    pub is_primary: Option<bool>,
    /// When the person proved that it is theirs; null takes it back.
    pub verified_at: MaybeUndefined<Time>,
}

impl Example for ChannelPatch {
    fn example() -> Self {
        Self { is_primary: Some(true), verified_at: MaybeUndefined::Undefined }
    }
}

/// An address that is gone.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ChannelRemoved {
    /// Its id.
    pub id: Id<ChannelId>,
    /// Always true.
    pub deleted: bool,
}

impl Example for ChannelRemoved {
    fn example() -> Self {
        Self { id: Id::example(), deleted: true }
    }
}

/// Where a person said yes or no.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ConsentChangeRequest {
    /// Where they said it: a form, a call, a fair.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub source: String,
    /// Their words, a link, anything that proves it.
    #[oai(validator(max_length = 2000))]
    pub evidence: Option<String>,
}

impl Example for ConsentChangeRequest {
    fn example() -> Self {
        Self { source: "phone call".to_owned(), evidence: Some("asked at 10:12, call 4711".to_owned()) }
    }
}
