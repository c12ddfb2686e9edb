//! The numbering plans, compiled on first use and kept.
//!
//! The `phonenumber` crate keeps the sources of its patterns and compiles them through one locked cache of a
//! hundred entries; a file with numbers of many countries then spends its time compiling (an import of 100,000
//! rows must parse in about a second). Here each plan compiles the patterns it is asked for, once, without a lock.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use phonenumber::metadata::{DATABASE, Descriptor};
use regex::{Regex, RegexBuilder};

/// A pattern of the metadata, anchored at the start, and at the end where `whole`.
struct Pattern {
    source: &'static str,
    whole: bool,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    fn new(source: &'static str, whole: bool) -> Self {
        Self { source, whole, compiled: OnceLock::new() }
    }

    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let end = if self.whole { "$" } else { "" };
            RegexBuilder::new(&format!("^(?:{}){end}", self.source))
                .ignore_whitespace(true)
                .unicode(false)
                .build()
                .expect("the crate's metadata was compiled with the same syntax when it was built")
        })
    }
}

/// One kind of number of a country (mobile, fixed line, …).
struct Kind {
    lengths: &'static [u16],
    pattern: Pattern,
}

impl Kind {
    fn matches(&self, number: &str) -> bool {
        let length_fits = self.lengths.is_empty() || self.lengths.iter().any(|l| usize::from(*l) == number.len());
        length_fits && self.pattern.regex().is_match(number)
    }
}

/// One country's numbering plan.
pub(super) struct Region {
    /// The country calling code.
    pub(super) code: u16,
    general: Pattern,
    kinds: Vec<Kind>,
    leading: Option<Pattern>,
    idd: Option<Pattern>,
    trunk: Option<Pattern>,
    transform: Option<&'static str>,
}

/// How a number's digits compare with the lengths that its plan knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Length {
    Possible,
    TooShort,
    TooLong,
    NotPossible,
}

impl Region {
    fn new(meta: &'static phonenumber::Metadata) -> Self {
        let all = meta.descriptors();
        // The frequent kinds first: the first match ends the search.
        let kinds = [
            all.mobile(),
            all.fixed_line(),
            all.toll_free(),
            all.voip(),
            all.personal_number(),
            all.shared_cost(),
            all.premium_rate(),
            all.uan(),
            all.pager(),
            all.voicemail(),
        ];
        let kind = |d: &'static Descriptor| Kind {
            lengths: d.possible_length(),
            pattern: Pattern::new(d.national_number().as_str(), true),
        };
        let trunk = meta.national_prefix_for_parsing().map(|p| p.as_str()).or(meta.national_prefix());
        Self {
            code: meta.country_code(),
            general: Pattern::new(all.general().national_number().as_str(), true),
            kinds: kinds.into_iter().flatten().map(kind).collect(),
            leading: meta.leading_digits().map(|p| Pattern::new(p.as_str(), false)),
            idd: meta.international_prefix().map(|p| Pattern::new(p.as_str(), false)),
            trunk: trunk.map(|p| Pattern::new(p, false)),
            transform: meta.national_prefix_transform_rule(),
        }
    }

    fn owns(&self, number: &str) -> bool {
        self.leading.as_ref().is_none_or(|leading| leading.regex().is_match(number))
            && self.general.regex().is_match(number)
            && self.kinds.iter().any(|kind| kind.matches(number))
    }

    /// Whether the whole of `number` fits the plan's general form.
    pub(super) fn is_viable(&self, number: &str) -> bool {
        self.general.regex().is_match(number)
    }

    /// What follows this country's prefix for calls abroad; none where the number does not start with it.
    pub(super) fn after_idd<'n>(&self, number: &'n str) -> Option<&'n str> {
        let end = self.idd.as_ref()?.regex().find(number)?.end();
        Some(&number[end..]).filter(|rest| !rest.starts_with('0'))
    }

    /// `number` without the trunk prefix and carrier code; none where it has none.
    /// (libphonenumber: `maybeStripNationalPrefixAndCarrierCode`.)
    pub(super) fn without_trunk(&self, number: &str) -> Option<String> {
        let found = self.trunk.as_ref()?.regex().captures(number)?;
        let rest = &number[found.get(0)?.end()..];
        let kept = found.len() > 1 && found.get(found.len() - 1).is_some();
        let stripped = match self.transform {
            Some(rule) if kept => format!("{}{rest}", expand(rule, &found)),
            _ => rest.to_owned(),
        };
        let loses = self.is_viable(number) && !self.is_viable(&stripped);
        (!loses && stripped != number).then_some(stripped)
    }

    /// Compares the length of a national number with the plan.
    pub(super) fn length(&self, number: &str) -> Length {
        let lengths = || self.kinds.iter().flat_map(|kind| kind.lengths).map(|l| usize::from(*l));
        let len = number.len();
        match (lengths().min(), lengths().max()) {
            _ if lengths().any(|l| l == len) => Length::Possible,
            (Some(min), _) if len < min => Length::TooShort,
            (_, Some(max)) if len > max => Length::TooLong,
            _ => Length::NotPossible,
        }
    }
}

/// Puts the groups of `found` into a rule such as `9$1`.
fn expand(rule: &str, found: &regex::Captures<'_>) -> String {
    let mut out = String::new();
    let mut chars = rule.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '$' { chars.next().and_then(|d| d.to_digit(10)) } else { None }) {
            ('$', Some(group)) => out.push_str(found.get(group as usize).map_or("", |m| m.as_str())),
            _ => out.push(c),
        }
    }
    out
}

struct Book {
    by_code: HashMap<u16, Vec<Region>>,
    by_country: HashMap<&'static str, (u16, usize)>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut book = Book { by_code: HashMap::new(), by_country: HashMap::new() };
    for code in 1..=999_u16 {
        let Some(metas) = DATABASE.by_code(&code) else {
            continue;
        };
        for (at, meta) in metas.iter().enumerate() {
            book.by_country.insert(meta.id(), (code, at));
        }
        book.by_code.insert(code, metas.into_iter().map(Region::new).collect());
    }
    book
});

/// The plan of a country by its ISO 3166 code; none for the few without one.
pub(super) fn of_country(alpha2: &str) -> Option<&'static Region> {
    let (code, at) = BOOK.by_country.get(alpha2)?;
    BOOK.by_code.get(code)?.get(*at)
}

/// The main plan of a calling code.
pub(super) fn of_code(code: u16) -> Option<&'static Region> {
    BOOK.by_code.get(&code)?.first()
}

/// Whether any country of the calling code has assigned `number`.
pub(super) fn is_assigned(code: u16, number: &str) -> bool {
    BOOK.by_code.get(&code).is_some_and(|regions| regions.iter().any(|region| region.owns(number)))
}
