//! Promises of looking at a file while it comes in: the right encoding, however the pieces are cut and wherever the
//! telling bytes stand.
#![expect(clippy::unwrap_used, reason = "tests")]

use patchbay_domain::imports::file::{EncodingScan, FileError, HEAD_BYTES, Head, inspect};
use proptest::prelude::*;

fn scan(bytes: &[u8], piece: usize) -> Result<Head, FileError> {
    let mut scan = EncodingScan::default();
    bytes.chunks(piece.max(1)).for_each(|piece| scan.feed(piece));
    scan.finish()
}

fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[test]
fn an_accent_after_a_megabyte_still_says_that_the_file_is_not_utf_8() {
    let text = format!("name,phone\n{}José Núñez Peña,+34612345678\n", "Ann,+447911123456\n".repeat(60_000));
    let head = scan(&latin(&text), 4096).unwrap();
    assert_eq!(head.encoding.name(), "windows-1252");
    assert_eq!((head.bytes.len(), head.is_all), (HEAD_BYTES, false));
}

#[test]
fn a_few_damaged_bytes_do_not_make_a_utf_8_file_another() {
    let mut bytes = format!("name\n{}", "Zoë Müller\n".repeat(100)).into_bytes();
    bytes.extend_from_slice(b"Jos\xE9\n");
    assert_eq!(scan(&bytes, 7).unwrap().encoding.name(), "UTF-8");
}

#[test]
fn arabic_and_russian_of_old_exports_are_recognised() {
    let (arabic, _, _) =
        encoding_rs::WINDOWS_1256.encode("الاسم,الهاتف\nأحمد محمد علي,+971501234567\nفاطمة الزهراء,+971501234568\n");
    assert_eq!(scan(&arabic, 100).unwrap().encoding.name(), "windows-1256");
    let (russian, _, _) =
        encoding_rs::WINDOWS_1251.encode("Имя,Телефон\nАнна Иванова,+79161234567\nПётр Сидоров,+79161234568\n");
    assert_eq!(scan(&russian, 100).unwrap().encoding.name(), "windows-1251");
}

#[test]
fn the_delimiter_is_the_sign_that_the_records_agree_on() {
    let cases = [
        ("name;price;phone\nAnn;12,50;1\nBob;9,90;2\n", b';'),
        ("name\tnote\nAnn\ta, b, c\nBob\td\n", b'\t'),
        ("name|phone\nAnn|1\n", b'|'),
        ("\"a;b\",c\n\"d;e\",f\n", b','),
        ("phone\n123\n456\n", b','),
        ("sep=|\nname|a,b\nAnn|c,d\n", b'|'),
    ];
    for (text, delimiter) in cases {
        let file = inspect(&scan(text.as_bytes(), 5).unwrap()).unwrap();
        assert_eq!(char::from(file.delimiter), char::from(delimiter), "{text}");
    }
}

#[test]
fn columns_have_unique_names_and_a_few_samples() {
    let file = inspect(&scan("Phone,Phone,,Phone\n,b,c,\nx,b,c,d\n".as_bytes(), 3).unwrap()).unwrap();
    let names: Vec<&str> = file.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["Phone", "Phone (2)", "Column 3", "Phone (3)"]);
    assert_eq!(file.columns[1].samples, ["b"]);
}

proptest! {
    #[test]
    fn the_decision_does_not_depend_on_the_pieces(
        bytes in prop::collection::vec(prop_oneof![Just(b'a'), Just(b','), Just(b'\n'), any::<u8>()], 1..200), piece in 1..50_usize,
    ) {
        let name = |head: Result<Head, FileError>| head.map(|head| head.encoding.name());
        prop_assert_eq!(name(scan(&bytes, piece)), name(scan(&bytes, bytes.len())));
    }
}
