//! Checks a JSON body against the schema that the document shows for it, and reports everything that is wrong at once.
//!
//! poem-openapi stops at the first mistake and says it in prose; the API promises a JSON pointer for each. The schema
//! that a type registers for the document is all that is needed to find them, so the document cannot promise a check
//! that is not made. The type itself is parsed only after its schema holds.
//! Rejected: a JSON Schema crate. It would need the document serialized and compiled per type, for rules that poem-openapi
//! never emits. It is broken by a keyword that poem-openapi starts to emit and `scalar.rs` does not know.

mod object;
mod scalar;

use std::{
    any::TypeId,
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use dashmap::DashMap;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use regex::Regex;
use serde_json::Value;

use super::problem::FieldError;

static CHECKERS: LazyLock<DashMap<TypeId, Arc<Checker>>> = LazyLock::new(DashMap::new);

/// At most so many errors are reported of one body.
const MOST_ERRORS: usize = 100;

/// The schema of one type, with those it refers to.
pub struct Checker {
    root: MetaSchemaRef,
    schemas: BTreeMap<String, MetaSchema>,
    patterns: HashMap<String, Regex>,
}

impl Checker {
    /// The checker of `T`, made on first use and kept.
    #[must_use]
    pub fn of<T: Type + 'static>() -> Arc<Self> {
        let id = TypeId::of::<T>();
        if let Some(checker) = CHECKERS.get(&id) {
            return Arc::clone(&checker);
        }
        let mut registry = Registry::new();
        T::register(&mut registry);
        let mut checker = Self { root: T::schema_ref(), schemas: registry.schemas, patterns: HashMap::new() };
        checker.compile();
        let checker = Arc::new(checker);
        CHECKERS.insert(id, Arc::clone(&checker));
        checker
    }

    /// Everything that is wrong with `value`; empty if it fits.
    #[must_use]
    pub fn check(&self, value: &Value) -> Vec<FieldError> {
        let mut findings = Findings::default();
        storable(value, &mut Pointer::default(), &mut findings);
        self.walk(&self.root, value, &mut Pointer::default(), &mut findings);
        findings.0
    }

    fn resolve<'a>(&'a self, schema: &'a MetaSchemaRef) -> Option<&'a MetaSchema> {
        match schema {
            MetaSchemaRef::Inline(schema) => Some(schema),
            MetaSchemaRef::Reference(name) => self.schemas.get(name),
        }
    }

    fn walk(&self, schema: &MetaSchemaRef, value: &Value, at: &mut Pointer, findings: &mut Findings) {
        let Some(schema) = self.resolve(schema) else { return };
        if findings.full() {
            return;
        }
        if !schema.one_of.is_empty() || !schema.any_of.is_empty() {
            return self.one_of(schema, value, at, findings);
        }
        if !schema.all_of.is_empty() {
            return self.all_of(schema, value, at, findings);
        }
        match (schema.ty, value) {
            ("", _) => {}
            ("object", Value::Object(fields)) => self.object(&[schema], fields, at, findings),
            ("array", Value::Array(items)) => self.array(schema, items, at, findings),
            ("string", Value::String(text)) => self.text(schema, text, at, findings),
            ("integer", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                scalar::number(schema, number, at, findings);
            }
            ("number", Value::Number(number)) => scalar::number(schema, number, at, findings),
            ("boolean", Value::Bool(_)) => {}
            (_, Value::Null) if schema.nullable => {}
            (expected, found) => {
                let article = if matches!(expected, "object" | "array" | "integer") { "an" } else { "a" };
                let detail = format!("Expected {article} {expected}, got {}.", kind_of(found));
                findings.add(at, "wrong_type", detail);
            }
        }
    }

    fn array(&self, schema: &MetaSchema, items: &[Value], at: &mut Pointer, findings: &mut Findings) {
        if schema.max_items.is_some_and(|most| items.len() > most) {
            findings.add(
                at,
                "too_many",
                format!("At most {} items, got {}.", schema.max_items.unwrap_or_default(), items.len()),
            );
            return;
        }
        if schema.min_items.is_some_and(|least| items.len() < least) {
            findings.add(at, "too_few", format!("At least {} items.", schema.min_items.unwrap_or_default()));
        }
        if schema.unique_items == Some(true)
            && items.iter().enumerate().any(|(index, item)| items[..index].contains(item))
        {
            findings.add(at, "duplicate", "The items must differ.");
        }
        let Some(item_schema) = &schema.items else { return };
        for (index, item) in items.iter().enumerate() {
            at.within(&index.to_string(), |at| self.walk(item_schema, item, at, findings));
        }
    }

    fn compile(&mut self) {
        let mut patterns = HashMap::new();
        if let MetaSchemaRef::Inline(schema) = &self.root {
            collect(schema, &mut patterns);
        }
        for schema in self.schemas.values() {
            collect(schema, &mut patterns);
        }
        self.patterns = patterns;
    }
}

/// Compiles the patterns of `schema` and of what stands inside it.
fn collect(schema: &MetaSchema, patterns: &mut HashMap<String, Regex>) {
    if let Some(pattern) = &schema.pattern {
        let compiled = Regex::new(pattern).expect("poem-openapi's derive and the id type check their patterns");
        patterns.insert(pattern.clone(), compiled);
    }
    let boxed = schema.items.iter().chain(&schema.additional_properties).map(|inner| &**inner);
    let listed = schema.properties.iter().map(|(_, inner)| inner);
    let combined = schema.any_of.iter().chain(&schema.one_of).chain(&schema.all_of);
    for inner in boxed.chain(listed).chain(combined) {
        if let MetaSchemaRef::Inline(inner) = inner {
            collect(inner, patterns);
        }
    }
}

/// PostgreSQL stores every character but one, in free-form values and the names in them too.
fn storable(value: &Value, at: &mut Pointer, findings: &mut Findings) {
    let refuse = |at: &Pointer, findings: &mut Findings| {
        findings.add(at, "invalid_character", "The character U+0000 cannot be stored.");
    };
    match value {
        Value::String(text) if text.contains('\0') => refuse(at, findings),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_number()) {
                at.within(&index.to_string(), |at| storable(item, at, findings));
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields {
                if name.contains('\0') {
                    refuse(at, findings);
                }
                at.within(name, |at| storable(item, at, findings));
            }
        }
        _ => {}
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The errors found so far.
#[derive(Default)]
struct Findings(Vec<FieldError>);

impl Findings {
    fn add(&mut self, at: &Pointer, code: &'static str, detail: impl Into<String>) {
        if !self.full() {
            self.0.push(FieldError::new(at.0.clone(), code, detail));
        }
    }

    fn full(&self) -> bool {
        self.0.len() >= MOST_ERRORS
    }
}

/// Where the walk is, as RFC 6901 writes it.
#[derive(Default)]
struct Pointer(String);

impl Pointer {
    fn within(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.0.len();
        self.0.push('/');
        if name.contains(['~', '/']) {
            self.0.push_str(&name.replace('~', "~0").replace('/', "~1"));
        } else {
            self.0.push_str(name);
        }
        visit(self);
        self.0.truncate(length);
    }
}

#[cfg(test)]
mod tests;
