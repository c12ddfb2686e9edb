//! Accepting messages: everything that is refusable is refused here, before anybody is told 202.
//!
//! Works on sets of calls, so that a single message and a batch of a thousand take the same few statements: one
//! round trip to resolve (contacts and consent, senders, templates), one to write (messages, jobs). The same rules on
//! consent are in the statement that claims a message for sending (`send/claim.sql`), because the recipient may say
//! STOP in between. Broken by a query in a loop over drafts.

mod compose;
mod insert;
mod judge;
mod refusal;
mod resolve;

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound as _, Utc};
use patchbay_db::ids::{ContactId, JobId, MessageId};
use patchbay_db::{DbResult, Ids, Tx};

use super::model::{Body, Message};
use super::state::MessageClass;

pub(super) use insert::insert as insert_outbound;
pub use judge::judge;
pub use refusal::Refusal;

/// The channel of every message, so far.
pub(crate) const CHANNEL: &str = "sms";

/// One call of the API: its messages share a sender and a job.
#[derive(Debug)]
pub struct Call {
    /// The sender's address; the tenant's default where not set.
    pub from: Option<String>,
    /// Not to be sent before.
    pub send_at: Option<DateTime<Utc>>,
    /// What happens to the others when one is refused.
    pub mode: Mode,
    /// The messages.
    pub drafts: Vec<Draft>,
    /// W3C `traceparent` of the request.
    pub trace: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}

/// What happens to the other messages of a call when one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All or none.
    Strict,
    /// The others are accepted.
    Permissive,
}

/// A message to be.
#[derive(Debug)]
pub struct Draft {
    /// To whom.
    pub to: Recipient,
    /// What it says.
    pub content: Content,
    /// What it is for; the template's class, or transactional, where not set.
    pub class: Option<MessageClass>,
}

/// To whom a message goes.
#[derive(Debug)]
pub enum Recipient {
    /// This contact, at its primary address.
    Contact(ContactId),
    /// This number, as the caller wrote it.
    Address(String),
}

/// What a message says.
#[derive(Debug)]
pub enum Content {
    /// This text.
    Text(Body),
    /// A template, by its id or code, with its variables.
    Template {
        /// `tpl_…` or a code.
        name: String,
        /// The values.
        variables: BTreeMap<String, String>,
    },
}

/// How long a text is on its channel: given by the caller, who knows the providers.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Segments it takes.
    pub segments: i16,
    /// Whether no provider takes it.
    pub too_long: bool,
}

/// Measures a text.
pub type Measure = fn(&str) -> Size;

/// What became of a call.
#[derive(Debug)]
pub enum Verdict {
    /// Stored, with its job; one result for each draft, in order.
    Accepted {
        /// The job that sends them.
        job: JobId,
        /// The messages, and in permissive mode the refusals between them.
        results: Vec<Result<Message, Vec<Refusal>>>,
    },
    /// Nothing was stored. Each refusal with the index of its draft; none where it is about the whole call.
    Refused(Vec<(Option<usize>, Refusal)>),
}

/// Accepts `calls` in the transaction: stores what is not refused, and enqueues one job a call.
///
/// # Errors
/// The database's. A refusal is no error.
pub async fn accept(
    tx: &mut Tx,
    ids: &Ids,
    now: DateTime<Utc>,
    measure: Measure,
    calls: Vec<Call>,
) -> DbResult<Vec<Verdict>> {
    // What is answered is what is stored, and the database keeps microseconds.
    let now = now.trunc_subsecs(6);
    let known = resolve::resolve(tx, &calls).await?;
    let mut verdicts = Vec::with_capacity(calls.len());
    let mut accepted = insert::Accepted::default();
    let mut first = 0;
    for call in calls {
        let places = first..first + call.drafts.len();
        first = places.end;
        let composed = compose::compose(&call, &known, places, measure);
        verdicts.push(match composed {
            Err(refused) => Verdict::Refused(refused),
            Ok(composed) => accepted.add(tx.tenant(), ids, now, &call, composed),
        });
    }
    accepted.store(tx).await?;
    Ok(verdicts)
}

/// What [`accept`] would refuse of `call` at this moment, whatever its mode. Nothing is stored.
///
/// # Errors
/// The database's.
pub async fn check(tx: &mut Tx, measure: Measure, call: Call) -> DbResult<Vec<(Option<usize>, Refusal)>> {
    let call = [Call { mode: Mode::Strict, ..call }];
    let known = resolve::resolve(tx, &call).await?;
    let places = 0..call[0].drafts.len();
    Ok(compose::compose(&call[0], &known, places, measure).err().unwrap_or_default())
}

/// A message that passed: what is still missing is its ids.
#[derive(Debug)]
struct Composed {
    from: resolve::KnownSender,
    items: Vec<Result<Passed, Vec<Refusal>>>,
}

/// One draft that passed.
#[derive(Debug)]
struct Passed {
    contact: Option<ContactId>,
    address: String,
    template: Option<patchbay_db::ids::TemplateId>,
    class: MessageClass,
    body: Body,
    segments: i16,
}

/// The public ids of what a verdict accepted, for tests and logs.
impl Verdict {
    /// The ids of the accepted messages.
    #[must_use]
    pub fn message_ids(&self) -> Vec<MessageId> {
        match self {
            Self::Accepted { results, .. } => results.iter().flatten().map(|message| message.id).collect(),
            Self::Refused(_) => Vec::new(),
        }
    }
}
