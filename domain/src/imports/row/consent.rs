//! Reading a consent column: yes, no, nothing; anything else is an error of the row.
//!
//! "No" is kept as an opt-out, not as "unknown": a person who declined must not be texted because a later list
//! says nothing about them.

/// Words for yes and no, lower-case, in the languages of the mapping's headers.
const YES: [&str; 28] = [
    "yes",
    "y",
    "true",
    "1",
    "t",
    "x",
    "on",
    "ok",
    "opted in",
    "opt in",
    "opt-in",
    "opted_in",
    "subscribed",
    "granted",
    "given",
    "ja",
    "oui",
    "si",
    "sí",
    "sì",
    "sim",
    "tak",
    "да",
    "نعم",
    "是",
    "はい",
    "예",
    "✓",
];
const NO: [&str; 21] = [
    "no",
    "n",
    "false",
    "0",
    "f",
    "off",
    "opted out",
    "opt out",
    "opt-out",
    "opted_out",
    "unsubscribed",
    "denied",
    "declined",
    "stop",
    "nein",
    "non",
    "não",
    "nee",
    "nie",
    "нет",
    "لا",
];

/// `Some(true)` for yes; none where the text is neither.
pub(super) fn read(text: &str) -> Option<bool> {
    let text = text.trim().to_lowercase();
    if YES.contains(&text.as_str()) {
        Some(true)
    } else if NO.contains(&text.as_str()) {
        Some(false)
    } else {
        None
    }
}
