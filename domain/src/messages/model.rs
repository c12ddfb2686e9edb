//! A message as it is stored.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Int2, Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::{ContactId, JobId, MessageId, ProviderAccountId, TemplateId};

use super::state::{Direction, MessageClass, MessageState};

/// What a message says. `Debug` shows its length only, so that no log can show more.
#[derive(Clone, PartialEq, Eq, diesel::FromSqlRow)]
pub struct Body(pub String);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} characters)", self.0.chars().count())
    }
}

impl FromSql<Text, Pg> for Body {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(value).map(Self)
    }
}

/// One inbound or outbound item on one channel.
#[derive(Debug, Clone, QueryableByName)]
pub struct Message {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: MessageId,
    /// Which way it goes.
    #[diesel(sql_type = Text)]
    pub direction: Direction,
    /// `sms`, so far.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// What it is for.
    #[diesel(sql_type = Text)]
    pub class: MessageClass,
    /// Whom it concerns, where known.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub contact_id: Option<ContactId>,
    /// The account it goes through.
    #[diesel(sql_type = Uuid)]
    pub provider_account_id: ProviderAccountId,
    /// The template it was made from.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub template_id: Option<TemplateId>,
    /// The sender's address.
    #[diesel(sql_type = Text)]
    pub from_address: String,
    /// The recipient's address.
    #[diesel(sql_type = Text)]
    pub to_address: String,
    /// What it says.
    #[diesel(sql_type = Text)]
    pub body: Body,
    /// Segments, as counted here.
    #[diesel(sql_type = Int2)]
    pub segments: i16,
    /// Where it stands.
    #[diesel(sql_type = Text)]
    pub state: MessageState,
    /// Why it failed or was refused.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
    /// The same for a person.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_detail: Option<String>,
    /// The provider's name for it.
    #[diesel(sql_type = Nullable<Text>)]
    pub provider_message_id: Option<String>,
    /// The job that sends it.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub job_id: Option<JobId>,
    /// Sends tried.
    #[diesel(sql_type = Int2)]
    pub attempts: i16,
    /// Not to be sent before.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub send_at: Option<DateTime<Utc>>,
    /// When the provider took it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub sent_at: Option<DateTime<Utc>>,
    /// When the phone had it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was accepted, or came in.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}
