//! A fault with its number filled in, ready to strike.

/// One thing that goes wrong with one send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Refused with a Twilio code.
    Reject(u32),
    /// Accepted, then ended with a Twilio code.
    Fail(u32),
    /// Accepted, answered after so many milliseconds.
    Hang(u64),
    /// The connection is reset before anything is accepted.
    Reset,
    /// Accepted, and the connection closed without an answer.
    Drop,
    /// The final receipt is never told.
    LoseReceipt,
    /// The final receipt is told so many milliseconds late.
    LateReceipt(u64),
    /// Each receipt is told twice.
    DuplicateReceipts,
    /// `sent` is told after the final receipt.
    OutOfOrderReceipts,
}

impl Effect {
    /// The effect of "fail with this code": 3xxxx and 6xxxx are what Twilio reports after it accepted, every
    /// other code is an answer at the door.
    #[must_use]
    pub(crate) fn of_code(code: u32) -> Self {
        if matches!(code, 30_000..40_000 | 60_000..70_000) { Self::Fail(code) } else { Self::Reject(code) }
    }
}
