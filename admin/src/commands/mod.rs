//! The commands: a folder a noun, a file a verb.

pub mod autoscale;
pub mod completion;
pub mod dead;
pub mod jobs;
pub mod lanes;
pub mod limits;
pub mod plans;
pub mod queues;
pub mod schedules;
pub mod tenants;
pub mod workers;

/// Sets those parameters of a call that were given.
macro_rules! given {
    ($call:expr, $($name:ident: $value:expr),+ $(,)?) => {{
        let call = $call;
        $(let call = match &$value {
            Some(value) => call.$name(value.clone()),
            None => call,
        };)+
        call
    }};
}

pub(crate) use given;
