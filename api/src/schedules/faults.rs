//! The domain's refusals, as problems with pointers.

use patchbay_domain::schedules::ScheduleError;
use patchbay_queue::schedule::RuleError;

use crate::{
    http::{Code, FieldError, Problem},
    messages::refused,
};

/// Why a schedule is not made or changed. Messages of an action with several stand under `/action/messages`.
pub(super) fn refused(error: ScheduleError, several: bool) -> Problem {
    match error {
        ScheduleError::Rule(error) => {
            let (pointer, code) = match &error {
                RuleError::Cron(_) => ("/cron", "invalid_cron"),
                RuleError::WeekdayNumber => ("/cron", "weekday_number"),
                RuleError::Zone(_) => ("/time_zone", "unknown_time_zone"),
            };
            Problem::refused(pointer, code, sentence(&error.to_string()))
        }
        ScheduleError::Never => Problem::refused("/cron", "never_ticks", "The rule has no tick to come."),
        error @ ScheduleError::TooMany => Problem::new(Code::LimitReached, error.to_string()),
        ScheduleError::Action(reasons) => refused::under(reasons, |index| match index {
            Some(index) if several => format!("/action/messages/{index}"),
            _ => "/action".to_owned(),
        }),
        ScheduleError::Db(error) => error.into(),
    }
}

/// What is wrong inside of an action, before the database is asked.
pub(super) fn malformed(errors: Vec<FieldError>) -> Problem {
    let detail = errors.first().map_or_else(String::new, |error| error.detail.clone());
    Problem::new(Code::ValidationFailed, detail).with_errors(errors)
}

/// A clause as a sentence.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
