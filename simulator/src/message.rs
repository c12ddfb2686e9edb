//! One message as Twilio would remember it.
//!
//! Kept small (a million of them are kept by default): ids are numbers, addresses are shared with the indexes,
//! and what is only needed on the way to delivery lives in its `Flight`. There is no `Debug`: a body must not
//! reach a log by accident.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use crate::chance;
use crate::sync::lock;

/// A message id: `SM` and 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sid(u128);

impl Sid {
    /// A new one, never guessable from the last.
    pub(crate) fn random() -> Self {
        Self(chance::bits())
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SM{:032x}", self.0)
    }
}

impl FromStr for Sid {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let hex = text.strip_prefix("SM").ok_or(())?;
        if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(());
        }
        u128::from_str_radix(hex, 16).map(Self).map_err(drop)
    }
}

/// Where a message is on its way. The order of an ordinary one: queued, sent, delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Accepted,
    Queued,
    Sent,
    Delivered,
    Undelivered,
    Failed,
    Received,
}

impl Status {
    /// Twilio's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Received => "received",
        }
    }
}

/// Who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// By our customer, through the API.
    OutboundApi,
    /// By Twilio itself, answering a keyword.
    OutboundReply,
    /// By a phone.
    Inbound,
}

impl Direction {
    /// Twilio's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OutboundApi => "outbound-api",
            Self::OutboundReply => "outbound-reply",
            Self::Inbound => "inbound",
        }
    }
}

/// The part of a message that changes.
#[derive(Clone, Copy)]
pub(crate) struct Progress {
    pub status: Status,
    pub error_code: Option<u32>,
    pub sent_ms: Option<i64>,
    pub updated_ms: i64,
}

/// What the sender or the phone handed over.
pub(crate) struct Draft {
    pub to: Arc<str>,
    pub from: Arc<str>,
    pub body: Box<str>,
    pub service: Option<Box<str>>,
    pub direction: Direction,
    pub segments: u16,
    pub status: Status,
    /// The W3C `traceparent` that the request came with.
    pub trace: Option<Box<str>>,
}

/// A message that was taken on.
pub(crate) struct Message {
    pub sid: Sid,
    /// Rank within its account: later is higher.
    pub seq: u64,
    pub created_ms: i64,
    pub draft: Draft,
    progress: Mutex<Progress>,
}

impl Message {
    /// A message at the start of its life.
    pub(crate) fn new(seq: u64, now_ms: i64, draft: Draft) -> Self {
        let sent = matches!(draft.status, Status::Received).then_some(now_ms);
        Self {
            sid: Sid::random(),
            seq,
            created_ms: now_ms,
            progress: Mutex::new(Progress {
                status: draft.status,
                error_code: None,
                sent_ms: sent,
                updated_ms: now_ms,
            }),
            draft,
        }
    }

    /// The state at this moment.
    pub(crate) fn progress(&self) -> Progress {
        *lock(&self.progress)
    }

    /// Moves on to `status`.
    pub(crate) fn advance(&self, status: Status, error_code: Option<u32>, now_ms: i64) {
        let mut progress = lock(&self.progress);
        progress.status = status;
        progress.error_code = error_code;
        progress.updated_ms = now_ms;
        if status != Status::Failed {
            progress.sent_ms.get_or_insert(now_ms);
        }
    }
}
