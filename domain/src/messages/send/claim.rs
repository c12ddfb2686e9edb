//! Claiming messages for sending. The statement is `claim.sql`; it also decides who may still be texted.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Int2, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, JobId, MessageId, ProviderAccountId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::super::model::Body;
use super::super::state::{MessageClass, MessageState};

/// What to claim.
#[derive(Debug)]
pub struct Claim<'a> {
    /// Of these jobs.
    pub jobs: &'a [JobId],
    /// At most this many messages of each.
    pub limit: i64,
    /// Of at most so many segments together.
    pub segments: i64,
    /// For how long after a claim its send may still be under way.
    pub settle: Duration,
}

/// A message that a job has to do with.
#[derive(Debug, Clone, QueryableByName)]
pub struct Claimed {
    /// Claimed now; otherwise an earlier run left it in `sending`.
    #[diesel(sql_type = Bool)]
    pub fresh: bool,
    /// Of one that was left: that nothing can be on its way any more.
    #[diesel(sql_type = Bool)]
    pub settled: bool,
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: MessageId,
    /// Its job.
    #[diesel(sql_type = Uuid)]
    pub job_id: JobId,
    /// Whom it concerns.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub contact_id: Option<ContactId>,
    /// The account it goes through.
    #[diesel(sql_type = Uuid)]
    pub provider_account_id: ProviderAccountId,
    /// `sending`, or `refused` or `failed` with the reason in `error_code`.
    #[diesel(sql_type = Text)]
    pub state: MessageState,
    /// What it is for.
    #[diesel(sql_type = Text)]
    pub class: MessageClass,
    /// The sender.
    #[diesel(sql_type = Text)]
    pub from_address: String,
    /// The recipient.
    #[diesel(sql_type = Text)]
    pub to_address: String,
    /// What it says; empty where it is not to be sent.
    #[diesel(sql_type = Text)]
    pub body: Body,
    /// Segments.
    #[diesel(sql_type = Int2)]
    pub segments: i16,
    /// Which attempt this is: what it reports is recorded under this number only.
    #[diesel(sql_type = Int2)]
    pub attempts: i16,
    /// When it was claimed last.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub attempted_at: Option<DateTime<Utc>>,
    /// Why it is not to be sent.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
    /// Names that earlier sends of it had at the provider.
    #[diesel(sql_type = Array<Text>)]
    pub past_provider_ids: Vec<String>,
}

/// Claims messages; commit before sending any of them.
///
/// # Errors
/// The database's.
pub async fn claim(tx: &mut Tx, claim: &Claim<'_>) -> DbResult<Vec<Claimed>> {
    Ok(statement(include_str!("claim.sql"))
        .bind::<Array<Uuid>, _>(claim.jobs)
        .bind::<BigInt, _>(claim.limit)
        .bind::<BigInt, _>(claim.segments)
        .bind::<Double, _>(claim.settle.as_secs_f64())
        .load(tx)
        .await?)
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = Int2)]
    segments: i16,
}

/// The segments of the next messages of `job`, in the order in which they will be claimed.
///
/// # Errors
/// The database's.
pub async fn next_segments(tx: &mut Tx, job: JobId, limit: i64) -> DbResult<Vec<i16>> {
    const NEXT: &str = "SELECT segments FROM messages WHERE job_id = $1 AND state = 'queued' ORDER BY id LIMIT $2";
    let next: Vec<Next> = statement(NEXT).bind::<Uuid, _>(job).bind::<BigInt, _>(limit).load(tx).await?;
    Ok(next.into_iter().map(|next| next.segments).collect())
}
