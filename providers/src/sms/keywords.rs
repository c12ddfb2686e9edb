//! Which texts are commands: stop, start, help.
//!
//! The whole text must be the keyword, after folding away case, spaces, punctuation, emoji and diacritics: "Stop.",
//! "S T O P", "OPT-OUT" and "arrêt" count, "please stop by at five" does not. The lists are supersets of the carriers'
//! (facts.md, "Keywords"), since a missed stop is a broken law and a false one is a start away from repair. Which word
//! matched is returned, because a tenant may want "yes" to mean something else while the person is not opted out.

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What a person asks for with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keyword {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// Who are you, and how do I stop this?
    Help,
}

/// A recognised keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeywordMatch {
    /// What is asked for.
    pub keyword: Keyword,
    /// The word, folded, as the list has it.
    pub word: &'static str,
    /// Whether it is one of the words that North American carriers act on themselves. Toll-free carriers hold a stop
    /// until they see START or UNSTOP, whatever we think of other words.
    pub carrier: bool,
}

/// Words on which Twilio and the carriers act by default.
const CARRIER: &[(Keyword, &[&str])] = &[
    (Keyword::Stop, &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]),
    (Keyword::Start, &["START", "YES", "UNSTOP"]),
    (Keyword::Help, &["HELP", "INFO"]),
];

/// Further words that plainly mean the same: misspellings, and the stop words that people use in other languages.
const OTHERS: &[(Keyword, &[&str])] = &[
    (
        Keyword::Stop,
        &[
            "REMOVE",
            "REMOVEME",
            "UNSUB",
            "STOPP",
            "PLEASESTOP",
            "STOPPLEASE",
            "STOPTEXTINGME",
            "STOPMESSAGES",
            "ARRET",
            "ARRETER",
            "DESABONNER",
            "DESINSCRIRE",
            "PARAR",
            "ALTO",
            "BAJA",
            "DETENER",
            "SAIR",
            "CANCELAR",
            "ABMELDEN",
            "STOPPEN",
            "توقف",
            "ايقاف",
            "الغاء",
            "СТОП",
        ],
    ),
    (Keyword::Start, &["OPTIN", "SUBSCRIBE", "RESUBSCRIBE"]),
    (Keyword::Help, &["AIDE", "AYUDA", "AJUDA", "HILFE", "مساعدة"]),
];

/// The longest folded word that can match; longer texts are not folded to their end.
const LONGEST: usize = 16;

/// The keyword that a text consists of, if it does.
#[must_use]
pub fn recognise(text: &str) -> Option<KeywordMatch> {
    let folded = fold(text)?;
    let within = |lists: &[(Keyword, &'static [&'static str])], carrier| {
        lists.iter().find_map(|(keyword, words)| {
            let word = words.iter().find(|word| **word == folded)?;
            Some(KeywordMatch { keyword: *keyword, word, carrier })
        })
    };
    within(CARRIER, true).or_else(|| within(OTHERS, false))
}

/// Letters and digits only, in capitals, without diacritics; none for a text that is empty or too long for a keyword.
fn fold(text: &str) -> Option<String> {
    let kept: Vec<char> = text
        .nfkd()
        .filter(|c| c.is_alphanumeric() && !is_combining_mark(*c) && *c != TATWEEL)
        .flat_map(char::to_uppercase)
        .take(LONGEST + 1)
        .collect();
    (1..=LONGEST).contains(&kept.len()).then(|| kept.into_iter().collect())
}

/// Stretches an Arabic word on screen and means nothing.
const TATWEEL: char = '\u{0640}';

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keyword(text: &str) -> Option<Keyword> {
        recognise(text).map(|found| found.keyword)
    }

    #[test]
    fn every_listed_word_is_recognised_as_itself() {
        for (list, carrier) in [(CARRIER, true), (OTHERS, false)] {
            for (expected, words) in list {
                for word in *words {
                    let found = KeywordMatch { keyword: *expected, word, carrier };
                    assert_eq!(recognise(word), Some(found), "{word} is not in folded form, or listed twice");
                }
            }
        }
    }

    #[test]
    fn the_ways_people_write_stop() {
        for text in [
            "stop",
            " Stop. ",
            "STOP!!!",
            "s t o p",
            "“Stop”",
            "STOP 🛑",
            "ｓｔｏｐ",
            "Opt-Out",
            "opt out",
            "Stop all",
            "Arrêt",
            "ARRE\u{302}T",
            "\u{200b}stop\n",
            "إيقاف",
            "توقّف",
            "تـوقف",
        ] {
            assert_eq!(keyword(text), Some(Keyword::Stop), "{text}");
        }
    }

    #[test]
    fn ordinary_texts_are_not_commands() {
        for text in ["", "…", "please stop by at five", "don't stop", "the end", "yes please", "informal", "nonstop"]
        {
            assert_eq!(keyword(text), None, "{text}");
        }
    }

    #[test]
    fn start_and_help_say_whether_the_carrier_acts_too() {
        assert_eq!(keyword("Unstop"), Some(Keyword::Start));
        assert_eq!(keyword("help?"), Some(Keyword::Help));
        assert!(recognise("START").is_some_and(|found| found.carrier));
        assert!(recognise("subscribe").is_some_and(|found| !found.carrier));
    }

    proptest! {
        #[test]
        fn decoration_never_hides_a_stop(before in "[ .,!?\"'*_\\-\\n]{0,20}", after in "[ .,!?🙏\\n]{0,20}") {
            let text = format!("{before}StOp{after}");
            prop_assert_eq!(keyword(&text), Some(Keyword::Stop));
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".*") {
            let _ = recognise(&text);
        }
    }
}
