//! The domain's refusals, as problems with pointers.

use patchbay_db::DbError;
use patchbay_domain::templates::{TemplateFault, VariableFaults};

use crate::http::{Code, FieldError, Problem};

/// A text that is no template.
pub(super) fn invalid(fault: &TemplateFault) -> Problem {
    let code = match fault {
        TemplateFault::Unclosed { .. } => "unclosed_variable",
        TemplateFault::Name { .. } => "invalid_variable_name",
    };
    let field = FieldError::new("/body", code, fault.to_string());
    Problem::new(Code::InvalidTemplate, field.detail.clone()).with_errors(vec![field])
}

/// Variables that do not fit the template. `pointer` is where the variables stand in the body.
pub fn variables(faults: &VariableFaults, pointer: &str) -> Problem {
    let missing = faults.missing.iter().map(|name| {
        FieldError::new(
            format!("{pointer}/{name}"),
            "missing_variable",
            format!("The template needs the variable {name}."),
        )
    });
    let unknown = faults.unknown.iter().map(|name| {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        FieldError::new(
            format!("{pointer}/{escaped}"),
            "unknown_variable",
            format!("The template has no variable {name}."),
        )
    });
    let errors: Vec<_> = missing.chain(unknown).collect();
    let detail = errors.iter().map(|error| error.detail.as_str()).collect::<Vec<_>>().join(" ");
    Problem::new(Code::TemplateVariables, detail).with_errors(errors)
}

/// A write that met a living template with the same code.
pub(super) fn taken(error: DbError) -> Problem {
    if error.is_conflict_on("templates_code") {
        let field = FieldError::new("/code", "taken", "A living template with this code and locale exists.");
        return Problem::new(Code::AlreadyExists, field.detail.clone()).with_errors(vec![field]).caused_by(error);
    }
    error.into()
}
