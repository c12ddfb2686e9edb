//! Templates: texts with `{{ variables }}`, one channel and one locale each.
//!
//! A template's variables are found when it is written and stored with it, so that a send can be refused at the door
//! for a missing one without parsing. There is no logic in a template: what a message says is decided by who sends it.
//! An archived template is kept (messages point at it) and gives its code free.

mod model;
mod rules;
mod store;

pub use model::{NewTemplate, Template, TemplateClass, TemplatePatch};
pub use rules::{TemplateFault, TemplateText, VariableFaults};
pub use store::{archive, get, get_by_code, insert, list, update};
