//! A job on its way from the ledger to a worker: what Redis holds of it.
//!
//! One value in one hash: `<cost> <header as JSON>\n<payload>`. The cost stands in front in plain
//! text because the claim script charges it; everything else is opaque to Lua. The payload is kept
//! as it came, so that a worker decodes exactly what was enqueued. A large one stays in the ledger, and is read there once
//! the job is claimed: Redis holds so many jobs, of bounded size, whatever is enqueued.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::NewJob;

/// A job as a worker receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The job's id.
    pub id: Uuid,
    /// The lease's fencing token: grows with every claim; 0 before the first.
    pub token: i64,
    /// Cost units.
    pub cost: i32,
    /// What the job is.
    pub header: Header,
    /// Its payload.
    pub payload: Bytes,
}

/// Bytes of a payload that travels with its job; a larger one stays in the ledger. `row.rs` says it in SQL too.
pub const CARRIED: usize = 4_096;

/// What travels beside the payload. Short names: every waiting job in Redis holds one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Whose it is.
    #[serde(rename = "t")]
    pub tenant: Uuid,
    /// Its kind's name.
    #[serde(rename = "k")]
    pub kind: String,
    /// Its payload's version.
    #[serde(rename = "v")]
    pub version: i16,
    /// The lane inside the tenant's share.
    #[serde(rename = "l", default, skip_serializing_if = "String::is_empty")]
    pub lane: String,
    /// 0 to 9.
    #[serde(rename = "p", default, skip_serializing_if = "is_zero")]
    pub priority: i16,
    /// Errors so far.
    #[serde(rename = "e", default, skip_serializing_if = "is_zero")]
    pub errors: i16,
    /// Crashes so far.
    #[serde(rename = "c", default, skip_serializing_if = "is_zero")]
    pub crashes: i16,
    /// Whether its last worker vanished: that may have been its own fault, and others were in it as well.
    #[serde(rename = "u", default, skip_serializing_if = "is_false")]
    pub suspect: bool,
    /// Errors before it is a dead letter.
    #[serde(rename = "m")]
    pub max_attempts: i16,
    /// Whether somebody wants it cancelled who asked while it ran before.
    #[serde(rename = "q", default, skip_serializing_if = "is_false")]
    pub cancel_requested: bool,
    /// Whether the payload stayed in the ledger.
    #[serde(rename = "b", default, skip_serializing_if = "is_false")]
    pub left_behind: bool,
    /// How often the payload was replaced.
    #[serde(rename = "g", default, skip_serializing_if = "is_never")]
    pub generation: i32,
    /// The Unix millisecond from which it was due, where that is after its making: it was planned for then, or comes again.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    /// Not after this instant.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<DateTime<Utc>>,
    /// The record it is about.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// W3C `traceparent`.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The request that caused it.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if hands a reference")]
const fn is_zero(n: &i16) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if hands a reference")]
const fn is_never(n: &i32) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if hands a reference")]
const fn is_false(b: &bool) -> bool {
    !*b
}

/// A value in Redis that is no envelope; the job is then read from the ledger again.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an envelope: {0}")]
pub struct Garbled(&'static str);

impl Envelope {
    /// The value that Redis holds.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        if self.payload.len() > CARRIED {
            return self.clone().light().pack();
        }
        let mut out = Vec::with_capacity(128 + self.payload.len());
        out.extend_from_slice(self.cost.to_string().as_bytes());
        out.push(b' ');
        serde_json::to_writer(&mut out, &self.header).expect("a header is plain data and serialises");
        out.push(b'\n');
        out.extend_from_slice(&self.payload);
        out
    }

    /// The same without a payload that would not be carried.
    #[must_use]
    pub fn light(mut self) -> Self {
        if self.payload.len() > CARRIED {
            self.header.left_behind = true;
            self.payload = Bytes::new();
        }
        self
    }

    /// Reads a value that Redis held.
    ///
    /// # Errors
    /// When the value was not written by [`Envelope::pack`].
    pub fn unpack(id: Uuid, token: i64, value: &Bytes) -> Result<Self, Garbled> {
        let space = value.iter().position(|&b| b == b' ').ok_or(Garbled("no cost"))?;
        let line = value.iter().position(|&b| b == b'\n').ok_or(Garbled("no header"))?;
        let cost = std::str::from_utf8(&value[..space]).ok().and_then(|text| text.parse().ok());
        let header = value.get(space + 1..line).and_then(|json| serde_json::from_slice(json).ok());
        Ok(Self {
            id,
            token,
            cost: cost.ok_or(Garbled("cost"))?,
            header: header.ok_or(Garbled("header"))?,
            payload: value.slice(line + 1..),
        })
    }

    /// Where the job stands in its lane: see [`served_at`].
    #[must_use]
    pub fn score(&self) -> i64 {
        served_at(self.id, self.header.priority)
    }

    /// The Unix millisecond since which it waits: that of its making, or of when it was due if that is later.
    #[must_use]
    pub fn waits_since_ms(&self) -> i64 {
        self.header.due_ms.unwrap_or_else(|| made_at_ms(self.id))
    }
}

/// [`Header::due_ms`] of a job that is due at `at`.
pub(crate) fn due_later(id: Uuid, at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(|at| at.timestamp_millis()).filter(|at| *at > made_at_ms(id))
}

/// The place of a job in its lane, lowest first: the millisecond it was made in, and a priority step is worth a minute
/// of age. So nothing waits for ever behind what comes after it.
#[must_use]
pub fn served_at(id: Uuid, priority: i16) -> i64 {
    made_at_ms(id) - i64::from(priority) * 60_000
}

/// The millisecond in a UUIDv7.
#[must_use]
pub fn made_at_ms(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() >> 80).expect("48 bits fit")
}

impl From<&NewJob> for Envelope {
    fn from(job: &NewJob) -> Self {
        Self {
            id: job.id,
            token: 0,
            cost: job.cost,
            header: Header {
                tenant: job.tenant_id,
                kind: job.kind.clone(),
                version: job.version,
                lane: job.lane.clone(),
                priority: job.priority,
                errors: 0,
                crashes: 0,
                suspect: false,
                max_attempts: job.max_attempts,
                cancel_requested: false,
                left_behind: false,
                generation: 0,
                due_ms: due_later(job.id, job.run_at),
                not_after: job.not_after,
                subject: job.subject.clone(),
                trace: job.trace.clone(),
                request_id: job.request_id.clone(),
            },
            payload: Bytes::from(job.payload.clone()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn envelope(payload: &'static [u8]) -> Envelope {
        Envelope {
            id: Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001),
            token: 7,
            cost: 3,
            header: Header {
                tenant: Uuid::nil(),
                kind: "mail.send".into(),
                version: 1,
                lane: "+15550100".into(),
                priority: 0,
                errors: 1,
                crashes: 0,
                suspect: false,
                max_attempts: 8,
                cancel_requested: false,
                left_behind: false,
                generation: 0,
                due_ms: None,
                not_after: None,
                subject: None,
                trace: None,
                request_id: Some("req".into()),
            },
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn what_is_packed_comes_out_whatever_the_payload_holds() {
        for payload in [&b""[..], b"{}", b"a b\nc\n", b"\0\xff\n "] {
            let envelope = envelope(payload);
            let again = Envelope::unpack(envelope.id, 7, &Bytes::from(envelope.pack()));
            assert_eq!(again, Ok(envelope));
        }
    }

    #[test]
    fn a_job_waits_since_it_was_due_where_that_is_after_its_making() {
        let mut envelope = envelope(b"");
        let made = made_at_ms(envelope.id);
        assert_eq!(envelope.waits_since_ms(), made);
        let at = DateTime::from_timestamp_millis;
        for (due, since) in [(made + 5, made + 5), (made, made), (made - 5, made)] {
            envelope.header.due_ms = due_later(envelope.id, at(due));
            assert_eq!(envelope.waits_since_ms(), since);
        }
        assert_eq!(Envelope::unpack(envelope.id, 7, &Bytes::from(envelope.pack())), Ok(envelope));
    }

    #[test]
    fn garbage_is_an_error() {
        for value in ["", "x", "1 ", "1 {}\n", "x {}\n", "\n"] {
            assert!(Envelope::unpack(Uuid::nil(), 0, &Bytes::from(value)).is_err(), "{value:?}");
        }
    }
}
