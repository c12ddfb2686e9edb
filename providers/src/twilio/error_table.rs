//! Twilio's error codes that a text message can meet, as data, sorted by code.
//!
//! Numbers and what they stand for follow Twilio's error dictionary (<https://www.twilio.com/docs/api/errors>, compared
//! in 2026-11 with its pages and public copies of its list); the classes and words are ours. Twilio warns that codes
//! get split into finer ones: one that is missing here falls back to the HTTP status, so the table may lag without
//! harm. Codes about inbound messages, voice and other channels are left out. Waits are guesses for answers without
//! `Retry-After`.

use std::time::Duration;

use super::errors::ErrorEntry;
use crate::{
    ErrorClass::{self, AuthFailed, OptedOut, Permanent, Retryable, Throttled, Unknown},
    ErrorScope::{self, Account, Message, Recipient, Region, Sender},
};

const fn row(code: u32, class: ErrorClass, scope: ErrorScope, meaning: &'static str) -> ErrorEntry {
    ErrorEntry { code, class, scope, pause: None, meaning }
}

const fn limit(code: u32, scope: ErrorScope, seconds: u64, meaning: &'static str) -> ErrorEntry {
    ErrorEntry { code, class: Throttled, scope, pause: Some(Duration::from_secs(seconds)), meaning }
}

/// Every code we know, sorted.
#[rustfmt::skip] // One code a line: it is a table.
pub static ERRORS: &[ErrorEntry] = &[
    limit(14107, Account, 10, "too many texts in too short a time"),
    row(20001, Permanent, Message, "a parameter is not known"),
    row(20003, AuthFailed, Account, "the account's credentials are wrong"),
    row(20004, Permanent, Account, "the method is not allowed at this address"),
    row(20005, AuthFailed, Account, "the account is not active"),
    row(20006, AuthFailed, Account, "the credentials may not do this"),
    row(20008, AuthFailed, Account, "test credentials cannot do this"),
    row(20010, AuthFailed, Account, "this is disabled for the account"),
    row(20403, AuthFailed, Account, "the account is forbidden to do this"),
    row(20404, AuthFailed, Account, "the account does not exist under these credentials"),
    row(20409, Retryable, Message, "another change got in between"),
    limit(20429, Account, 5, "too many requests at once"),
    row(20500, Unknown, Message, "Twilio had a fault of its own"),
    row(20503, Unknown, Message, "Twilio is not available for the moment"),
    row(21211, Permanent, Recipient, "the recipient's number is not valid"),
    row(21212, Permanent, Sender, "the sender is not valid"),
    row(21265, Permanent, Recipient, "the recipient is a short code"),
    row(21266, Permanent, Recipient, "sender and recipient are the same number"),
    row(21267, Permanent, Sender, "a trial account cannot send from a name"),
    row(21268, Permanent, Recipient, "the recipient is a premium or information service"),
    row(21401, Permanent, Sender, "the sender cannot text"),
    row(21408, Permanent, Region, "the account may not text this country; allow it in Twilio's geo permissions"),
    row(21601, Permanent, Sender, "the sender is not a number of this account that can text"),
    row(21602, Permanent, Message, "the text is empty"),
    row(21603, Permanent, Message, "no sender was named"),
    row(21604, Permanent, Message, "no recipient was named"),
    row(21605, Permanent, Message, "the text is too long"),
    row(21606, Permanent, Sender, "the sender cannot text this destination or is not this account's"),
    row(21608, Permanent, Recipient, "a trial account can text only numbers it has verified"),
    row(21609, Permanent, Account, "the callback address is not valid"),
    row(21610, OptedOut, Recipient, "the person has opted out of this sender"),
    limit(21611, Sender, 60, "the sender's queue is full"),
    row(21612, Permanent, Recipient, "this sender cannot reach this recipient"),
    row(21614, Permanent, Recipient, "the recipient's number is not a mobile number"),
    row(21616, Permanent, Sender, "the sender matches several numbers of the account"),
    row(21617, Permanent, Message, "the text is longer than 1,600 characters"),
    row(21618, Permanent, Message, "the text cannot be sent"),
    row(21619, Permanent, Message, "there is neither text nor media"),
    row(21624, Permanent, Message, "the validity period is not valid"),
    row(21635, Permanent, Recipient, "the recipient's number is a landline"),
    row(21657, Permanent, Sender, "the sender name is not valid"),
    row(21659, Permanent, Sender, "the sender is not a Twilio number, or a short code of another country"),
    row(21660, Permanent, Sender, "the sender belongs to another account"),
    row(21661, Permanent, Sender, "the sender cannot text"),
    row(21701, Permanent, Sender, "the messaging service does not exist"),
    row(21702, Permanent, Sender, "the messaging service cannot send at present"),
    row(21703, Permanent, Sender, "the messaging service has no sender for this message"),
    row(21704, Permanent, Sender, "the messaging service has no senders"),
    row(21705, Permanent, Sender, "the messaging service is not valid"),
    row(21708, Permanent, Sender, "the messaging service has no sender name for this destination"),
    row(21709, Permanent, Sender, "the sender name is not allowed in this messaging service"),
    limit(30001, Sender, 60, "the sender's queue overflowed"),
    row(30002, AuthFailed, Account, "the account is suspended"),
    row(30003, Retryable, Recipient, "the phone could not be reached; it may be off or out of range"),
    row(30004, Permanent, Recipient, "the recipient or their carrier blocks this message"),
    row(30005, Permanent, Recipient, "the number is not known or no longer in use"),
    row(30006, Permanent, Recipient, "the number is a landline or its carrier cannot be reached"),
    row(30007, Permanent, Message, "a carrier filtered the message as unwanted"),
    row(30008, Retryable, Message, "the carrier failed to deliver and gave no reason"),
    row(30010, Permanent, Message, "the message costs more than its price limit"),
    row(30011, Permanent, Recipient, "the recipient's carrier does not take media"),
    row(30012, Permanent, Message, "the validity period is too short"),
    row(30013, Permanent, Message, "the validity period is too long"),
    row(30014, Permanent, Message, "the recipient is not of the channel's form"),
    row(30016, Permanent, Message, "sender and recipient are of different channels"),
    row(30017, Retryable, Message, "the carrier's network is congested"),
    row(30018, Permanent, Sender, "the recipient's carrier wants the sender registered; delivery is not sure"),
    row(30019, Permanent, Message, "the content is larger than the carrier allows"),
    limit(30022, Sender, 60, "the campaign's rate at a US carrier is used up"),
    limit(30023, Sender, 3_600, "the brand's daily cap at a US carrier is used up; it resets at midnight Pacific"),
    row(30024, Permanent, Sender, "the sender is not set up at the carrier"),
    limit(30027, Sender, 3_600, "the brand's daily cap at T-Mobile is used up; it resets at midnight Pacific"),
    row(30032, Permanent, Sender, "the toll-free number is not verified"),
    row(30033, Permanent, Sender, "the sender's US campaign is suspended"),
    row(30034, Permanent, Sender, "the sender is not registered for US texting"),
    row(30035, Retryable, Sender, "the sender's US registration is not active yet"),
    row(30036, Permanent, Message, "the message expired before its turn came"),
    row(30037, AuthFailed, Account, "sending is disabled for the account"),
    row(30040, Permanent, Sender, "the recipient's carrier requires the sender to be registered first"),
    row(30041, Permanent, Sender, "the sender is not registered for texting the United Kingdom"),
    row(30042, Permanent, Sender, "the sender name is too generic or has characters that are not allowed"),
    row(30126, Permanent, Sender, "the sender's US registration failed"),
    row(30410, Permanent, Message, "the carrier timed out; the person may have the message"),
    row(30450, Permanent, Recipient, "the message was blocked as likely fraud against this destination"),
    row(30453, Retryable, Recipient, "texts to this destination are held back for some hours as likely fraud"),
    limit(30454, Account, 3_600, "the account's limit of messages is used up"),
    row(30485, Retryable, Recipient, "texts to this destination are held back for some hours as likely fraud"),
    row(30500, Retryable, Message, "Twilio had a fault of its own after it took the message"),
    limit(63017, Account, 10, "the account and its subaccounts send faster than Twilio allows"),
    limit(63018, Sender, 60, "the sender's rate limit is used up"),
    limit(63038, Account, 3_600, "the account's limit for a day is used up"),
    row(90007, Permanent, Message, "the validity period is not between 1 and 36,000 seconds"),
];
