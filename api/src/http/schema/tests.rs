//! What the checker finds, and where.

use patchbay_db::ids::ContactId;
use poem_openapi::{Enum, Object, Union, types::MaybeUndefined};
use serde_json::{Value, json};

use super::Checker;
use crate::http::id::Id;

#[derive(Debug, Enum)]
#[oai(rename_all = "snake_case")]
enum Colour {
    Red,
    DarkBlue,
}

#[derive(Debug, Object)]
struct Inner {
    #[oai(validator(max_length = 3))]
    name: String,
}

#[derive(Debug, Object)]
struct Outer {
    #[oai(validator(pattern = "^[a-z]+$", min_length = 2))]
    code: String,
    colour: Option<Colour>,
    owner: MaybeUndefined<Id<ContactId>>,
    #[oai(validator(max_items = 2))]
    items: Option<Vec<Inner>>,
    #[oai(validator(minimum(value = "1"), maximum(value = "9")))]
    count: Option<u32>,
    at: Option<chrono::DateTime<chrono::Utc>>,
    #[oai(rename = "a/b")]
    odd: Option<bool>,
    labels: Option<std::collections::HashMap<String, String>>,
    anything: Option<Value>,
}

#[derive(Debug, Object)]
struct Circle {
    radius: u32,
}

#[derive(Debug, Object)]
struct Square {
    side: u32,
}

#[derive(Debug, Union)]
#[oai(discriminator_name = "shape")]
enum Shape {
    Circle(Circle),
    Square(Square),
}

#[derive(Debug, Object)]
struct Drawing {
    /// What it shows.
    shape: Shape,
}

/// `pointer code` of each finding.
fn found<T: poem_openapi::types::Type + 'static>(value: &Value) -> Vec<String> {
    Checker::of::<T>().check(value).into_iter().map(|error| format!("{} {}", error.pointer, error.code)).collect()
}

#[test]
fn a_body_that_fits_has_no_findings() {
    let value = json!({
        "code": "ab", "colour": "dark_blue", "owner": "con_01h455vb4pex5vsknk084sn02q", "items": [{"name": "x"}],
        "count": 9, "at": "2026-11-21T09:30:00Z", "a/b": true, "labels": {"k": "v"}, "anything": [1, {"x": null}],
    });
    assert_eq!(found::<Outer>(&value), Vec::<String>::new());
}

#[test]
fn null_and_absent_are_both_fine_where_a_field_is_not_required() {
    assert_eq!(
        found::<Outer>(&json!({"code": "ab", "colour": null, "owner": null, "items": null})),
        Vec::<String>::new()
    );
}

#[test]
fn every_mistake_is_found_at_its_place() {
    let value = json!({
        "code": "A", "colour": "green", "owner": "con_1", "items": [{"name": "long"}, {"nam": "x"}], "count": 10,
        "at": "yesterday", "a/b": 1, "labels": {"k": 1}, "extra": true,
    });
    let expected = [
        "/code too_short",
        "/colour not_allowed",
        "/owner invalid_id",
        "/items/0/name too_long",
        "/items/1/name required",
        "/items/1/nam unknown_field",
        "/count out_of_range",
        "/at invalid_time",
        "/a~1b wrong_type",
        "/labels/k wrong_type",
        "/extra unknown_field",
    ];
    assert_eq!(found::<Outer>(&value), expected);
}

#[test]
fn a_required_field_may_not_be_null() {
    assert_eq!(found::<Outer>(&json!({"code": null})), ["/code wrong_type"]);
    assert_eq!(found::<Outer>(&json!([])), [" wrong_type"]);
}

#[test]
fn a_number_with_a_fraction_is_no_integer() {
    assert_eq!(found::<Outer>(&json!({"code": "ab", "count": 1.5})), ["/count wrong_type"]);
    assert_eq!(found::<Outer>(&json!({"code": "ab", "count": -1})), ["/count out_of_range"]);
}

#[test]
fn the_discriminator_chooses_the_variant() {
    assert_eq!(found::<Shape>(&json!({"shape": "Circle", "radius": 1})), Vec::<String>::new());
    assert_eq!(found::<Shape>(&json!({"shape": "Square", "radius": 1})), ["/side required", "/radius unknown_field"]);
    assert_eq!(found::<Shape>(&json!({"radius": 1})), ["/shape not_allowed"]);
    let drawing = json!({"shape": {"shape": "Square", "side": 1, "radius": 1}});
    assert_eq!(found::<Drawing>(&drawing), ["/shape/radius unknown_field"], "as a described field, too");
}

#[test]
fn findings_are_bounded() {
    let many: serde_json::Map<_, _> = (0..1_000).map(|n| (format!("x{n}"), json!(1))).collect();
    assert_eq!(found::<Inner>(&Value::Object(many)).len(), 100);
}

#[test]
fn a_character_that_cannot_be_stored_is_found_in_free_form_values_too() {
    let value = json!({"code": "ab", "anything": {"a": ["\0"], "b\0": 1}});
    assert_eq!(found::<Outer>(&value), ["/anything/a/0 invalid_character", "/anything invalid_character"]);
}
