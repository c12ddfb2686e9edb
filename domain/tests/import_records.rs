//! Promises of the streamed CSV reader: the same records however the bytes are cut, the same as a plain CSV
//! reader gives for sound files, and no more than one row lost to a broken quote.
#![expect(clippy::unwrap_used, reason = "tests")]

use patchbay_domain::imports::file::{Broken, Decode, MAX_RECORD_BYTES, Next, Records};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Row(Vec<String>),
    Broken(Broken, Vec<String>),
}

/// Reads `bytes`, cut at `cuts`, with the first record as header.
fn read(bytes: &[u8], encoding: &str, cuts: &[usize]) -> Vec<Item> {
    let mut decode = Decode::by_name(encoding).unwrap();
    let mut records = Records::new(b',');
    let mut items = Vec::new();
    let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    bounds.extend([0, bytes.len()]);
    bounds.sort_unstable();
    for pair in bounds.windows(2) {
        let last = pair[1] == bytes.len();
        let mut text = String::new();
        decode.push(&bytes[pair[0]..pair[1]], last, &mut text);
        records.push(&text);
        if last {
            drain(&mut records, &mut items);
        }
        if last {
            break;
        }
        drain(&mut records, &mut items);
    }
    records.end();
    drain(&mut records, &mut items);
    items
}

fn drain(records: &mut Records, items: &mut Vec<Item>) {
    loop {
        let item = match records.read() {
            Next::Record(record) => Item::Row(record.iter().map(str::to_owned).collect()),
            Next::Broken(why, record) => Item::Broken(why, record.iter().map(str::to_owned).collect()),
            Next::Need | Next::End => return,
        };
        if items.is_empty()
            && let Item::Row(fields) = &item
        {
            records.set_width(fields.len());
        }
        items.push(item);
    }
}

fn row(fields: &[&str]) -> Item {
    Item::Row(fields.iter().map(|field| (*field).to_owned()).collect())
}

fn plain(text: &str) -> Vec<Item> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().map(|record| Item::Row(record.unwrap().iter().map(str::to_owned).collect())).collect()
}

#[test]
fn a_file_that_ends_inside_a_quote_loses_its_last_row_only() {
    let items = read(b"name,phone\nAnn,1\n\"Bob,2", "utf-8", &[]);
    assert_eq!(items[..2], [row(&["name", "phone"]), row(&["Ann", "1"])]);
    assert_eq!(items[2..], [Item::Broken(Broken::UnterminatedQuote, vec!["Bob,2".into()])]);
}

#[test]
fn a_note_cut_off_inside_its_quote_is_one_broken_row() {
    let items = read(b"name,note\nAnn,1\nBob,\"first line\nsecond line\nthird", "utf-8", &[]);
    assert!(matches!(&items[2..], [Item::Broken(Broken::UnterminatedQuote, _)]), "{items:?}");
}

#[test]
fn a_stray_quote_costs_its_own_line_and_not_the_rows_after_it() {
    for text in [
        "a,b,c\n1,2,3\n4,\"5,6\n7,8,9\n10,11,12\n",
        "a,b,c\n1,2,3\n4,5,\"6\n7,8,9\n10,11,12",
        "a,b,c\r\n1,2,3\r\n4,\"5,6\r\n7,8,9\r\n10,\"x, y\",12\r\n",
    ] {
        let items = read(text.as_bytes(), "utf-8", &[]);
        assert!(matches!(items[2], Item::Broken(Broken::UnterminatedQuote, _)), "{text:?}: {items:?}");
        assert_eq!(items[3], row(&["7", "8", "9"]), "{text:?}");
        assert_eq!(items.len(), 5, "{text:?}: {items:?}");
    }
}

#[test]
fn line_breaks_in_quoted_fields_are_kept() {
    let text = "name,address\nAnn,\"1 High Street\nLondon\n\nUK\"\nBob,x\n";
    assert_eq!(read(text.as_bytes(), "utf-8", &[]), plain(text));
}

#[test]
fn an_endless_field_is_one_broken_row_and_the_next_row_is_read() {
    let big = "x".repeat(MAX_RECORD_BYTES + 100);
    for field in [big.clone(), format!("\"{big}\"")] {
        let items = read(format!("a,b\n1,{field}\n2,y\n").as_bytes(), "utf-8", &[5, 1_000_000, 2_000_000]);
        assert!(matches!(&items[1], Item::Broken(Broken::TooLarge, fields) if fields == &["1"]), "{}", items.len());
        assert_eq!(items[2..], [row(&["2", "y"])]);
    }
}

#[test]
fn a_stray_quote_in_a_large_file_does_not_swallow_it() {
    let mut text = String::from("a,b,c\n1,\"2,3\n");
    let rows = MAX_RECORD_BYTES / 8 + 1000;
    (0..rows).for_each(|n| text.push_str(&format!("{n:04},y,z\n")));
    let items = read(text.as_bytes(), "utf-8", &[100_000, 700_000]);
    assert!(matches!(items[1], Item::Broken(Broken::UnterminatedQuote, _)));
    assert_eq!(items.len(), rows + 2);
}

#[test]
fn a_field_of_one_megabyte_is_read() {
    let big = "x".repeat(1024 * 1024);
    let text = format!("a,b\n1,{big}\n2,y\n");
    assert_eq!(read(text.as_bytes(), "utf-8", &[1000]), plain(&text));
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9 é你😀]{0,12}", "[a-z ]{0,6}".prop_map(|text| format!("\"{text}, {text}\"\" \n{text}\"")),]
}

fn table() -> impl Strategy<Value = String> {
    let line_end = prop::sample::select(vec!["\n", "\r\n"]);
    (prop::collection::vec(prop::collection::vec(field(), 2), 1..20), line_end, any::<bool>()).prop_map(
        |(rows, line_end, closed)| {
            let rows: Vec<String> = rows.iter().map(|fields| format!("k,{}", fields.join(","))).collect();
            format!("a,b,c{line_end}{}{}", rows.join(line_end), if closed { line_end } else { "" })
        },
    )
}

proptest! {
    #[test]
    fn cut_anywhere_a_sound_file_gives_the_records_of_a_plain_reader(
        text in table(), cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        prop_assert_eq!(read(text.as_bytes(), "utf-8", &cuts), plain(&text));
    }

    #[test]
    fn cut_anywhere_utf_16_gives_the_same_records(text in table(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let bytes: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        prop_assert_eq!(read(&bytes, "utf-16le", &cuts), plain(&text));
    }

    #[test]
    fn any_bytes_give_the_same_items_however_they_are_cut(
        text in "[a\",;\n\r \u{0}é]{0,80}", cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let whole = read(text.as_bytes(), "utf-8", &[]);
        prop_assert_eq!(read(text.as_bytes(), "utf-8", &cuts), whole);
    }
}
