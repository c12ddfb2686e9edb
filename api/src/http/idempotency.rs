//! `Idempotency-Key`: a POST that is repeated is done once and answered twice.
//!
//! The answer is stored by the transaction that makes the record, so there is no moment in which one exists without the
//! other, and a crash at any instant leaves both or none. A second request is turned away while the first runs.
//!
//! What is kept: only answers of success. A refusal changed nothing, so the same key may be used again once its cause
//! is gone; Stripe likewise keeps no answer of a request that failed its checks. Answers are kept for
//! `retention.idempotency_keys` (24 h) from the planned time of the work; another body under the same key is refused
//! for as long. An answer that shows a secret is sealed, so that the database still does not hold it. Rejected: storing
//! before and after in transactions of their own, which needs a repair for crashes in between, and a table row as the
//! lock, which outlives its holder.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::Unit;
use patchbay_domain::idempotency::{self, Answer as Stored, Slot, Taken};
use patchbay_service::{Sealer, secrets::Place};
use poem::http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    body::BodyDigest,
    code::Code,
    problem::{FieldError, Problem},
    reply::{Answer, Handled, Refusal, Rendered, Reply, Written},
};

/// The header.
pub const HEADER: &str = "idempotency-key";

const MAX: usize = 255;

/// The slot of a request, if it has a key. `operation` is its method and route, `target` its method, path and query.
///
/// # Errors
/// `invalid_request` if the key is empty, too long or not visible ASCII.
pub fn slot(
    headers: &HeaderMap,
    tenant: Uuid,
    operation: &str,
    target: &str,
    body: BodyDigest,
) -> Result<Option<Slot>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let fits = |text: &&str| (1..=MAX).contains(&text.len()) && text.bytes().all(visible);
    let Some(key) = value.to_str().ok().filter(fits) else {
        let field = FieldError::new("Idempotency-Key", "invalid", "1 to 255 characters of visible ASCII.");
        let problem = Problem::new(Code::InvalidRequest, "The header Idempotency-Key is not valid.");
        return Err(problem.with_errors(vec![field]));
    };
    let request = Sha256::new().chain_update(target).chain_update([0]).chain_update(body.0).finalize().into();
    Ok(Some(Slot { tenant, key: key.to_owned(), operation: operation.to_owned(), request }))
}

/// How answers are kept.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Seals those that show a secret.
    pub sealer: Sealer,
    /// For how long from the planned time of the work.
    pub keep: Duration,
}

/// A transaction that answers at most once for its idempotency key. Dereferences to the transaction.
pub struct Once<T: Unit> {
    tx: T,
    slot: Option<Slot>,
    terms: Terms,
    now: DateTime<Utc>,
}

impl<T: Unit> Deref for Once<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.tx
    }
}

impl<T: Unit> DerefMut for Once<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.tx
    }
}

impl<T: Unit> Once<T> {
    /// Takes the slot, if there is one, for the life of `tx`.
    ///
    /// # Errors
    /// The stored answer, if the request was answered before; `idempotency_in_progress` while it is being answered;
    /// `idempotency_key_reused` if the key belongs to another request.
    pub async fn begin(mut tx: T, slot: Option<Slot>, terms: Terms, now: DateTime<Utc>) -> Handled<Self> {
        if let Some(slot) = &slot {
            match idempotency::take(&mut tx, slot, now).await? {
                Taken::Fresh => {}
                Taken::Busy => return Err(in_progress().into()),
                Taken::Reused => return Err(reused().into()),
                Taken::Answered(stored) => return Err(Refusal::Replay(replayed(stored, slot, &terms.sealer)?)),
            }
        }
        Ok(Self { tx, slot, terms, now })
    }

    /// Stores the answer and commits it with everything else.
    ///
    /// # Errors
    /// `idempotency_in_progress` if another request was first after all; then nothing of this one is kept.
    pub async fn finish<R: Reply>(mut self, reply: R) -> Written<R> {
        let rendered = reply.render();
        if let Some(slot) = &self.slot {
            let from = reply.scheduled_at().map_or(self.now, |at| at.max(self.now));
            let stored = stored(&rendered, R::SECRET, slot, &self.terms.sealer);
            let keep = TimeDelta::from_std(self.terms.keep).map_err(Problem::internal)?;
            if !idempotency::keep(&mut self.tx, slot, stored, self.now, from + keep).await? {
                return Err(in_progress().into());
            }
        }
        self.tx.commit().await?;
        Ok(Answer::of(rendered))
    }
}

fn stored(rendered: &Rendered, secret: bool, slot: &Slot, sealer: &Sealer) -> Stored {
    let body = if secret { sealer.seal(&place(slot), &rendered.body) } else { rendered.body.to_vec() };
    let headers = json!({ "location": rendered.location, "sealed": secret });
    Stored { status: rendered.status.as_u16(), headers, body }
}

fn replayed(stored: Stored, slot: &Slot, sealer: &Sealer) -> Result<Rendered, Problem> {
    let status = StatusCode::from_u16(stored.status).map_err(Problem::internal)?;
    let location = stored.headers["location"].as_str().map(str::to_owned);
    let body = if stored.headers["sealed"] == json!(true) {
        let opened = sealer.open(&place(slot), &stored.body).map_err(Problem::internal)?;
        opened.expose_secret().to_vec()
    } else {
        stored.body
    };
    Ok(Rendered { status, location, body: body.into(), replayed: true })
}

/// A sealed answer opens only in its own slot: the place is made of the request's digest.
fn place(slot: &Slot) -> Place {
    let mut row = [0; 16];
    row.copy_from_slice(&slot.request[..16]);
    Place { purpose: "idempotent answer", tenant_id: slot.tenant, row_id: Uuid::from_bytes(row) }
}

fn in_progress() -> Problem {
    Problem::new(Code::IdempotencyInProgress, "The first request with this Idempotency-Key has not finished.")
        .retry_after(Duration::from_secs(1))
}

fn reused() -> Problem {
    Problem::new(Code::IdempotencyKeyReused, "This Idempotency-Key belongs to a request with another body or path.")
}
