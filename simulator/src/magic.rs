//! Numbers that mean something: the one table of them, printed in the README.
//!
//! Twilio's own (documented for its test credentials) keep their meaning; ours are +1500555 01xx, which libphonenumber
//! takes for valid (personal) numbers, so that they pass any check before us. "Once" is once for each account,
//! phone *and* text: a retry of the same message gets through, a further message is struck again.

use crate::faults::effect::Effect::{self, *};

/// One magic number.
#[derive(Debug)]
pub struct Magic {
    /// The number, E.164.
    pub number: &'static str,
    /// What it does, in the words of the README.
    pub what: &'static str,
    /// What strikes the first send of a text only.
    pub once: &'static [Effect],
    /// What strikes every send.
    pub always: &'static [Effect],
}

const fn always(number: &'static str, what: &'static str, always: &'static [Effect]) -> Magic {
    Magic { number, what, once: &[], always }
}

const fn once(number: &'static str, what: &'static str, once: &'static [Effect]) -> Magic {
    Magic { number, what, once, always: &[] }
}

/// Every magic `To`.
pub static MAGIC: &[Magic] = &[
    always("+15005550001", "refused, 21211 invalid number (Twilio's own)", &[Reject(21_211)]),
    always("+15005550002", "refused, 21612 cannot be routed (Twilio's own)", &[Reject(21_612)]),
    always("+15005550003", "refused, 21408 region not permitted (Twilio's own)", &[Reject(21_408)]),
    always("+15005550004", "refused, 21610 opted out (Twilio's own)", &[Reject(21_610)]),
    always("+15005550009", "refused, 21614 not a mobile number (Twilio's own)", &[Reject(21_614)]),
    always("+15005550100", "delivered", &[]),
    always("+15005550101", "undelivered, 30003 unreachable", &[Fail(30_003)]),
    always("+15005550102", "failed, 30007 filtered", &[Fail(30_007)]),
    once("+15005550103", "once HTTP 429 (20429), then delivered", &[Reject(20_429)]),
    always("+15005550104", "delivered, the final receipt is lost", &[LoseReceipt]),
    always("+15005550105", "delivered, the final receipt comes 5 s late", &[LateReceipt(5_000)]),
    always("+15005550106", "delivered, every receipt comes twice", &[DuplicateReceipts]),
    always("+15005550107", "delivered, `sent` is told after `delivered`", &[OutOfOrderReceipts]),
    once("+15005550108", "once accepted with the connection dropped before the answer; receipts come", &[Drop]),
    once("+15005550109", "once HTTP 500 (20500), then delivered", &[Reject(20_500)]),
    always("+15005550110", "undelivered, 30006 landline", &[Fail(30_006)]),
    once("+15005550111", "once the connection is reset before acceptance, then delivered", &[Reset]),
    once("+15005550112", "once HTTP 503 (20503), then delivered", &[Reject(20_503)]),
    once("+15005550113", "once accepted with the answer 10 s later; receipts come", &[Hang(10_000)]),
    always("+15005550114", "always HTTP 429 (20429)", &[Reject(20_429)]),
    always("+15005550115", "always HTTP 500 (20500)", &[Reject(20_500)]),
    always("+15005550116", "failed, 30001 queue overflow", &[Fail(30_001)]),
    always("+15005550117", "undelivered, 30005 unknown handset", &[Fail(30_005)]),
    always("+15005550118", "undelivered, 30008 unknown error", &[Fail(30_008)]),
    always("+15005550119", "undelivered, 30004 blocked", &[Fail(30_004)]),
    Magic {
        number: "+15005550120",
        what: "as 0108 and 0104 together: no answer and no final receipt, only a look-up can tell",
        once: &[Drop],
        always: &[LoseReceipt],
    },
    always("+15005550121", "failed, 30036 validity expired", &[Fail(30_036)]),
    always(
        "+15005550122",
        "delivered, every receipt twice and in the wrong order",
        &[DuplicateReceipts, OutOfOrderReceipts],
    ),
];

/// Every magic `From`; all are Twilio's own.
static MAGIC_FROM: &[Magic] = &[
    always("+15005550001", "refused, 21212 invalid number", &[Reject(21_212)]),
    always("+15005550007", "refused, 21606 not a number of the account", &[Reject(21_606)]),
    always("+15005550008", "refused, 21611 its queue is full", &[Reject(21_611)]),
];

/// What sending to this number means, if it is magic.
pub(crate) fn of_to(number: &str) -> Option<&'static Magic> {
    find(MAGIC, number)
}

/// What sending from this number means, if it is magic.
pub(crate) fn of_from(number: &str) -> Option<&'static Magic> {
    find(MAGIC_FROM, number)
}

fn find(table: &'static [Magic], number: &str) -> Option<&'static Magic> {
    // Nearly every number fails this, so the table may be searched plainly.
    number.starts_with("+1500555").then(|| table.iter().find(|magic| magic.number == number))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_magic_number_as_it_is() {
        let readme = include_str!("../README.md");
        for magic in MAGIC.iter().chain(MAGIC_FROM) {
            let row = format!("| `{}` | {} |", magic.number, magic.what);
            assert!(readme.contains(&row), "the README lacks: {row}");
        }
    }
}
