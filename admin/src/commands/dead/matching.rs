//! What dead letters have in common: the filters that `list`, `redrive`, `discard` and `export` share.

use chrono::{DateTime, Utc};
use clap::{Args, builder::PossibleValuesParser};

use crate::{
    answer::Answer,
    client::{types, words::ERROR_CLASS},
    commands::given,
    context::Context,
    failure::Failure,
    when,
};

/// Filters; a dead letter must pass all that are given.
#[derive(Debug, Clone, Args)]
pub struct Matching {
    /// Only those of this queue.
    #[arg(long, value_name = "QUEUE")]
    pub queue: Option<String>,
    /// Only those of this kind.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Only those of this lane.
    #[arg(long, value_name = "LANE")]
    pub lane: Option<String>,
    /// Only those of this group.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Only those about this record.
    #[arg(long, value_name = "ID")]
    pub subject: Option<String>,
    /// Only those with this class of error.
    #[arg(long, value_parser = PossibleValuesParser::new(ERROR_CLASS))]
    pub error_class: Option<String>,
    /// Only those with this error.
    #[arg(long, value_name = "CODE")]
    pub error_code: Option<String>,
    /// Only those that gave up then or later: an instant, or so long ago (15m, 2h, 3d).
    #[arg(long, value_name = "TIME", value_parser = when::past)]
    pub since: Option<DateTime<Utc>>,
    /// Only those that gave up before.
    #[arg(long, value_name = "TIME", value_parser = when::past)]
    pub before: Option<DateTime<Utc>>,
}

/// Sets the filters of a call.
macro_rules! matching {
    ($call:expr, $matching:expr, $context:expr) => {
        given!(
            $call,
            queue: $matching.queue,
            kind: $matching.kind,
            lane: $matching.lane,
            group_id: $matching.group,
            subject: $matching.subject,
            error_class: $matching.error_class,
            error_code: $matching.error_code,
            failed_from: $matching.since,
            failed_before: $matching.before,
            tenant_id: $context.tenant,
        )
    };
}

pub(super) use matching;

impl Matching {
    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        let Self { queue, kind, lane, group, subject, error_class, error_code, since, before } = self;
        let words = [queue, kind, lane, group, subject, error_class, error_code];
        words.into_iter().all(Option::is_none) && since.is_none() && before.is_none()
    }

    /// How many match.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn count(&self, context: &Context) -> Result<Answer<types::DeadLetterCount>, Failure> {
        let call = matching!(context.client.dead_letters_count(), self, context);
        context.answered(call.send().await)
    }

    /// As the API has it in a body.
    pub fn filter(&self) -> types::DeadLetterFilter {
        let Self { queue, kind, lane, group, subject, error_class, error_code, since, before } = self.clone();
        types::DeadLetterFilter {
            queue,
            kind,
            lane,
            group_id: group,
            subject,
            error_class,
            error_code,
            failed_from: since,
            failed_before: before,
        }
    }
}
