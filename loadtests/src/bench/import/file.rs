//! The files: what an estate agent's export looks like, the same in every run.
//!
//! Two rows in a hundred repeat an earlier phone number in another spelling; consent says yes, no or nothing; four
//! columns fit no field and become free attributes, one of them with commas, quotes and line breaks in it.

use std::fmt::Write;

use bytes::Bytes;
use futures_util::Stream;

const HEADER: &str = "First Name,Last Name,E-mail Address,Mobile Phone,Country,Company,City,SMS Opt-in,Lead Source,\
                      Property Type,Budget,Move-in,Notes\n";

/// Which column is which field.
pub const MAPPING: [(&str, &str); 13] = [
    ("First Name", "first_name"),
    ("Last Name", "last_name"),
    ("E-mail Address", "email"),
    ("Mobile Phone", "phone"),
    ("Country", "country"),
    ("Company", "company_name"),
    ("City", "city"),
    ("SMS Opt-in", "sms_consent"),
    ("Lead Source", "source"),
    ("Property Type", "attributes.property_type"),
    ("Budget", "attributes.budget"),
    ("Move-in", "attributes.move_in"),
    ("Notes", "attributes.notes"),
];

const FIRST: [&str; 8] = ["Ada", "José", "Mary Ann", "Omar", "Zoë", "Chidi", "李", "Anneliese"];
const LAST: [&str; 9] =
    ["Lovelace", "García", "O'Neill", "Haddad", "Müller", "Okafor", "Wang", "van der Berg", "Smith"];
const CITY: [&str; 5] = ["San Francisco", "Oakland", "Daly City", "Sausalito", "Mill Valley"];
const KIND: [&str; 4] = ["2 bed flat", "villa", "studio", "penthouse"];

/// A file of `rows` rows.
pub fn ordinary(rows: usize) -> String {
    let mut text = HEADER.to_owned();
    for n in 0..rows {
        row(&mut text, n, "asked for \"quiet, with a view\"\ncall after five");
    }
    text
}

/// A file of about `size` bytes in rows of about `row_kb` kilobytes, made as it is read.
pub fn large(size: usize, row_kb: usize) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    const ROWS: usize = 100;
    let notes = "an agent who writes everything down, in very long notes ";
    let notes = notes.repeat((row_kb * 1_000).saturating_sub(150) / notes.len());
    let head = futures_util::stream::iter([Ok(Bytes::from_static(HEADER.as_bytes()))]);
    let rows = futures_util::stream::unfold((0_usize, 0_usize), move |(n, written)| {
        let mut text = String::new();
        if written < size {
            (n..n + ROWS).for_each(|n| row(&mut text, n, &notes));
        }
        let next = (n + ROWS, written + text.len());
        async move { (!text.is_empty()).then(|| (Ok(Bytes::from(text)), next)) }
    });
    futures_util::StreamExt::chain(head, rows)
}

fn row(text: &mut String, n: usize, notes: &str) {
    // Rows 49, 99, … repeat the number of the one before, in another spelling.
    let repeats = n % 50 == 49;
    let digits = 2_000_000 + n - usize::from(repeats);
    let (exchange, line) = (digits / 10_000, digits % 10_000);
    let phone = match (n % 3, repeats) {
        (0, false) => format!("(415) {exchange}-{line:04}"),
        (1, false) => format!("415.{exchange}.{line:04}"),
        _ => format!("+1 415 {exchange} {line:04}"),
    };
    let consent = ["yes", "yes", "", "yes", "yes", "yes", "", "yes", "yes", "no"][n / 7 % 10];
    let (first, last) = (FIRST[n % FIRST.len()], LAST[n % LAST.len()]);
    let email = if repeats { String::new() } else { format!("lead.{n}@example.com") };
    writeln!(
        text,
        "{first},{last},{email},{phone},US,Company {company},{city},{consent},website,{kind},{budget},2026-{month:02},\"{notes}\"",
        company = n % 1_000,
        city = CITY[n % CITY.len()],
        kind = KIND[n % KIND.len()],
        budget = 200_000 + n % 900 * 1_000,
        month = 1 + n % 12,
        notes = notes.replace('"', "\"\""),
    )
    .expect("a String takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_field_for_each_column() {
        let text = ordinary(100);
        assert_eq!(HEADER.trim_end().split(',').count(), MAPPING.len());
        // Two lines a row: each has one line break inside its notes.
        assert_eq!(text.lines().count(), 1 + 2 * 100);
        assert!(text.contains("+1 415 200 0048") && text.contains("(415) 200-0048"));
    }
}
