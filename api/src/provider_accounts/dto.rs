//! What provider accounts look like on the wire.

use patchbay_db::ids::{ProviderAccountId, SenderId};
use patchbay_domain::provider_accounts::{self as domain, webhook_path};
use patchbay_providers::{Provider, SenderKind as Kind};
use poem_openapi::{Enum, Object, types::Example};

use super::settings::{TwilioSettings, TwilioShown};
use crate::http::{Id, Time};

/// The providers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Twilio Programmable Messaging.
    Twilio,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ProviderAccountStatus {
    /// Yes.
    Active,
    /// No: it was switched off.
    Disabled,
    /// No: the provider refused its credentials. New ones make it active again.
    AuthFailed,
}

impl From<domain::AccountStatus> for ProviderAccountStatus {
    fn from(status: domain::AccountStatus) -> Self {
        match status {
            domain::AccountStatus::Active => Self::Active,
            domain::AccountStatus::Disabled => Self::Disabled,
            domain::AccountStatus::AuthFailed => Self::AuthFailed,
        }
    }
}

/// What sort of sender it is; decides its usual rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum SenderKind {
    /// An ordinary phone number.
    LongCode,
    /// A toll-free phone number.
    TollFree,
    /// A short code.
    ShortCode,
    /// A name; it cannot receive.
    Alphanumeric,
    /// A pool of senders at the provider, which picks one itself.
    Pool,
}

impl From<Kind> for SenderKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::LongCode => Self::LongCode,
            Kind::TollFree => Self::TollFree,
            Kind::ShortCode => Self::ShortCode,
            Kind::Alphanumeric => Self::Alphanumeric,
            Kind::Pool => Self::Pool,
        }
    }
}

/// The channel that a sender sends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum SenderChannel {
    /// Text messages.
    Sms,
}

/// A number, name or pool that sends.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Sender {
    /// Its id.
    pub id: Id<SenderId>,
    /// The channel that it sends on.
    pub channel: SenderChannel,
    /// What it sends from.
    pub address: String,
    /// What sort of sender it is.
    pub kind: SenderKind,
    /// Whether it is taken where a message names no sender.
    pub is_default: bool,
    /// Segments a second that it may send.
    pub rate_per_second: f64,
    /// When it was added.
    pub created_at: Time,
}

impl Sender {
    fn of(sender: domain::Sender, provider: &dyn Provider) -> Self {
        let kind = Kind::guess(&sender.address);
        let usual = usual_rate(provider, kind, &sender.address);
        Self {
            id: Id(sender.id),
            channel: SenderChannel::Sms,
            kind: kind.into(),
            address: sender.address,
            is_default: sender.is_default,
            rate_per_second: sender.rate_per_second.unwrap_or(usual),
            created_at: sender.created_at.into(),
        }
    }
}

impl Example for Sender {
    fn example() -> Self {
        Self {
            id: Id::example(),
            channel: SenderChannel::Sms,
            address: "+12025550100".to_owned(),
            kind: SenderKind::LongCode,
            is_default: true,
            rate_per_second: 1.0,
            created_at: Time::example(),
        }
    }
}

/// The provider's usual rate of a sender, in segments a second.
pub(super) fn usual_rate(provider: &dyn Provider, kind: Kind, address: &str) -> f64 {
    let rate = provider.default_rate(&patchbay_providers::Sender { kind, address: address.to_owned() });
    f64::from(rate.units) / rate.per.as_secs_f64()
}

/// Addresses that the provider is to call; enter them there.
#[derive(Debug, Object)]
#[oai(example)]
pub struct WebhookUrls {
    /// For delivery receipts. Messages that Patchbay sends name it themselves.
    pub status: String,
    /// For messages that come in: set it as the number's "a message comes in" webhook (HTTP POST).
    pub inbound: String,
}

impl Example for WebhookUrls {
    fn example() -> Self {
        let id = Id::<ProviderAccountId>::example().0;
        let url = |what| format!("https://api.example.com{}", webhook_path("twilio", id, what));
        Self { status: url("status"), inbound: url("inbound") }
    }
}

/// An account at a provider. Its secrets are never shown.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ProviderAccount {
    /// Its id.
    pub id: Id<ProviderAccountId>,
    /// Which provider.
    pub kind: ProviderKind,
    /// What its owner calls it.
    pub name: String,
    /// Whether it can be used.
    pub status: ProviderAccountStatus,
    /// The settings that are no secrets.
    pub settings: TwilioShown,
    /// Its senders, oldest first.
    pub senders: Vec<Sender>,
    /// What the provider is to call.
    pub webhooks: WebhookUrls,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl ProviderAccount {
    /// The wire form; `public` is the address under which the API is reached.
    pub(super) fn of(account: domain::ProviderAccount, provider: &dyn Provider, public: &str) -> Self {
        let row = account.row;
        let url = |what| format!("{}{}", public.trim_end_matches('/'), webhook_path(&row.kind, row.id, what));
        Self {
            webhooks: WebhookUrls { status: url("status"), inbound: url("inbound") },
            id: Id(row.id),
            kind: ProviderKind::Twilio,
            name: row.name,
            status: row.status.into(),
            settings: TwilioShown::of(&row.settings),
            senders: account.senders.into_iter().map(|sender| Sender::of(sender, provider)).collect(),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl Example for ProviderAccount {
    fn example() -> Self {
        Self {
            id: Id::example(),
            kind: ProviderKind::Twilio,
            name: "Main".to_owned(),
            status: ProviderAccountStatus::Active,
            settings: TwilioShown::example(),
            senders: vec![Sender::example()],
            webhooks: WebhookUrls::example(),
            created_at: Time::example(),
            updated_at: Time::example(),
        }
    }
}

/// A sender to be.
#[derive(Debug, Object)]
#[oai(example)]
pub struct SenderWrite {
    /// A number in E.164, a short code, a name of up to 11 letters and digits, or a Messaging Service (`MG…`).
    #[oai(validator(min_length = 1, max_length = 40))]
    pub address: String,
    /// Whether it is taken where a message names no sender; the tenant's first sender is in any case.
    #[oai(default)]
    pub is_default: bool,
    /// Segments a second; the provider's usual rate for such a sender where it is left out.
    #[oai(validator(minimum(value = "0.01"), maximum(value = "10000")))]
    pub rate_per_second: Option<f64>,
}

impl Example for SenderWrite {
    fn example() -> Self {
        Self { address: "+12025550100".to_owned(), is_default: true, rate_per_second: None }
    }
}

/// A provider account to be made.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ProviderAccountCreate {
    /// Which provider.
    pub kind: ProviderKind,
    /// What to call it; the provider's name where it is left out.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// The account there, and its secrets.
    pub settings: TwilioSettings,
    /// Its senders.
    #[oai(default, validator(max_items = 1000))]
    pub senders: Vec<SenderWrite>,
}

impl Example for ProviderAccountCreate {
    fn example() -> Self {
        Self {
            kind: ProviderKind::Twilio,
            name: Some("Main".to_owned()),
            settings: TwilioSettings::example(),
            senders: vec![SenderWrite::example()],
        }
    }
}

/// What an owner may make of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ProviderAccountSwitch {
    /// Use it.
    Active,
    /// Do not use it: messages that are queued fail, and new ones are refused.
    Disabled,
}

/// What to change of a provider account; what is left out stays as it is.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ProviderAccountPatch {
    /// What to call it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// Whether to use it.
    pub status: Option<ProviderAccountSwitch>,
    /// New settings, the secrets included: they take the place of all old ones.
    pub settings: Option<TwilioSettings>,
    /// All of its senders: those left out are removed.
    #[oai(validator(max_items = 1000))]
    pub senders: Option<Vec<SenderWrite>>,
}

impl Example for ProviderAccountPatch {
    fn example() -> Self {
        let senders = Some(vec![SenderWrite { rate_per_second: Some(3.0), ..SenderWrite::example() }]);
        Self { name: None, status: None, settings: None, senders }
    }
}
