//! Objects, and the ways in which schemas combine.

use poem_openapi::registry::MetaSchema;
use serde_json::{Map, Value};

use super::{Checker, Findings, Pointer};

impl Checker {
    /// Checks `fields` against the parts of one object, which together say what it may hold.
    pub(super) fn object(
        &self,
        parts: &[&MetaSchema],
        fields: &Map<String, Value>,
        at: &mut Pointer,
        findings: &mut Findings,
    ) {
        for name in parts.iter().flat_map(|part| &part.required) {
            if !fields.contains_key(*name) {
                at.within(name, |at| findings.add(at, "required", format!("The field {name} is missing.")));
            }
        }
        let free_form = parts.iter().all(|part| part.properties.is_empty() && part.additional_properties.is_none());
        if free_form {
            return;
        }
        for (name, value) in fields {
            let known = parts.iter().find_map(|part| {
                let property = part.properties.iter().find(|(property, _)| property == name)?;
                Some((&property.1, !part.required.contains(&property.0)))
            });
            at.within(name, |at| match known {
                Some((_, true)) if value.is_null() => {}
                Some((schema, _)) => self.walk(schema, value, at, findings),
                None => match parts.iter().find_map(|part| part.additional_properties.as_deref()) {
                    Some(schema) => self.walk(schema, value, at, findings),
                    None => findings.add(at, "unknown_field", format!("There is no field {name} here.")),
                },
            });
        }
        if let Some(most) = parts.iter().find_map(|part| part.max_properties).filter(|most| fields.len() > *most) {
            findings.add(at, "too_many", format!("At most {most} fields."));
        }
    }

    /// All parts must hold. Objects are merged first: each part alone would call the others' fields unknown.
    pub(super) fn all_of(&self, schema: &MetaSchema, value: &Value, at: &mut Pointer, findings: &mut Findings) {
        let parts: Vec<_> = schema.all_of.iter().filter_map(|part| self.resolve(part)).collect();
        // A field that is a union, with its description: the union says all there is to say.
        if let Some(union) = parts.iter().find(|part| !part.one_of.is_empty() || !part.any_of.is_empty()) {
            return self.one_of(union, value, at, findings);
        }
        match value {
            Value::Object(fields) if parts.iter().any(|part| part.ty == "object") => {
                let objects: Vec<_> = parts.into_iter().filter(|part| part.ty == "object").collect();
                self.object(&objects, fields, at, findings);
            }
            _ => schema.all_of.iter().for_each(|part| self.walk(part, value, at, findings)),
        }
    }

    /// One of the variants must hold: the one that the discriminator names, else the one that fits best.
    pub(super) fn one_of(&self, schema: &MetaSchema, value: &Value, at: &mut Pointer, findings: &mut Findings) {
        if let Some(discriminator) = &schema.discriminator {
            let name = discriminator.property_name;
            let given = value.get(name).and_then(Value::as_str);
            let chosen = given.and_then(|given| discriminator.mapping.iter().find(|(mapped, _)| mapped == given));
            let Some((_, reference)) = chosen else {
                let names: Vec<_> = discriminator.mapping.iter().map(|(name, _)| name.as_str()).collect();
                let detail = format!("Must be one of: {}.", names.join(", "));
                return at.within(name, |at| findings.add(at, "not_allowed", detail));
            };
            let target = reference.rsplit('/').next().unwrap_or_default().to_owned();
            return self.walk(&poem_openapi::registry::MetaSchemaRef::Reference(target), value, at, findings);
        }
        let attempts = schema.one_of.iter().chain(&schema.any_of).map(|variant| {
            let mut attempt = Findings::default();
            self.walk(variant, value, at, &mut attempt);
            attempt.0
        });
        let best = attempts.min_by_key(Vec::len).unwrap_or_default();
        findings.0.extend(best);
    }
}
