//! Texts and numbers.

use chrono::DateTime;
use poem_openapi::registry::MetaSchema;
use serde_json::{Number, Value};

use super::{Checker, Findings, Pointer};
use crate::http::id;

impl Checker {
    pub(super) fn text(&self, schema: &MetaSchema, text: &str, at: &Pointer, findings: &mut Findings) {
        if !schema.enum_items.is_empty() && !schema.enum_items.iter().any(|item| item.as_str() == Some(text)) {
            let names: Vec<_> = schema.enum_items.iter().filter_map(Value::as_str).collect();
            return findings.add(at, "not_allowed", format!("Must be one of: {}.", names.join(", ")));
        }
        let length = text.chars().count();
        if let Some(most) = schema.max_length.filter(|most| length > *most) {
            return findings.add(at, "too_long", format!("At most {most} characters, got {length}."));
        }
        if let Some(least) = schema.min_length.filter(|least| length < *least) {
            return findings.add(at, "too_short", format!("At least {least} characters, got {length}."));
        }
        let pattern = schema.pattern.as_ref().and_then(|pattern| self.patterns.get(pattern));
        if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(text)) {
            let code = if schema.format == Some(id::FORMAT) { "invalid_id" } else { "pattern" };
            return findings.add(at, code, format!("Must match {}", pattern.as_str()));
        }
        if schema.format == Some("date-time") && DateTime::parse_from_rfc3339(text).is_err() {
            findings.add(at, "invalid_time", "Must be an ISO 8601 instant, such as 2026-11-21T09:30:00Z.");
        }
    }
}

pub(super) fn number(schema: &MetaSchema, number: &Number, at: &Pointer, findings: &mut Findings) {
    let value = number.as_f64().unwrap_or(f64::NAN);
    let (type_min, type_max) = match schema.format {
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        Some("uint32") => (0.0, f64::from(u32::MAX)),
        Some("int16") => (f64::from(i16::MIN), f64::from(i16::MAX)),
        Some("uint16") => (0.0, f64::from(u16::MAX)),
        Some("uint64") => (0.0, f64::MAX),
        _ => (f64::MIN, f64::MAX),
    };
    let least = schema.minimum.unwrap_or(type_min).max(type_min);
    let most = schema.maximum.unwrap_or(type_max).min(type_max);
    let below = value < least || (schema.exclusive_minimum == Some(true) && value <= least);
    let above = value > most || (schema.exclusive_maximum == Some(true) && value >= most);
    if below || above {
        findings.add(at, "out_of_range", format!("Must be from {least} to {most}."));
    }
    if let Some(step) = schema.multiple_of.filter(|step| (value / step).fract() != 0.0) {
        findings.add(at, "out_of_range", format!("Must be a multiple of {step}."));
    }
}
