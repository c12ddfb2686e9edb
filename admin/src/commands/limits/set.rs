//! `limits set`.
//!
//! The API replaces all that is set on a key. Somebody who sets a rate does not mean to lift the concurrency limit beside
//! it, so what is set is read first, and what was not named stays.

use clap::Args;

use super::{key::Key, list::page, parse, told::told};
use crate::{
    client::types::{CircuitBreaker, LaneLimit, OpeningHours, OpeningTime},
    commands::given,
    context::Context,
    failure::Failure,
    screen::View,
};

const AFTER: &str = "Examples:
  patchbay-admin limits set sends pac_01h455vb4pex5vsknk084sn02q --rate 20 --burst 40 --concurrency 8
  patchbay-admin limits set sends '*' --tenant tnt_01h455vb4pex5vsknk084sn02q --weight 2
  patchbay-admin limits set sends '*' --shared --rate 500
  patchbay-admin limits set sends '*' --open mon-fri@09:00-20:00 --timezone America/Chicago --only";

/// Sets limits, which hold for what waits already.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Set {
    #[command(flatten)]
    key: Key,
    /// Cost units a second (segments of messages, one for other jobs).
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Cost units that may go at once.
    #[arg(long, value_name = "UNITS")]
    burst: Option<i32>,
    /// Jobs that may run at a time.
    #[arg(long, value_name = "JOBS")]
    concurrency: Option<i32>,
    /// The tenant's share against the others'. For the system key, on `*`.
    #[arg(long, value_name = "WEIGHT")]
    weight: Option<f64>,
    /// Jobs of the tenant that may wait. For the system key, on `*`.
    #[arg(long, value_name = "JOBS")]
    max_waiting: Option<i64>,
    /// When jobs may start; may be given several times.
    #[arg(long, value_name = "DAYS@FROM-TO", value_parser = parse::opening, requires = "timezone")]
    open: Vec<OpeningTime>,
    /// On whose clocks they open and close.
    #[arg(long, value_name = "ZONE", requires = "open")]
    timezone: Option<String>,
    /// Rest for REST seconds after so many failures within WITHIN seconds.
    #[arg(long, value_name = "FAILURES,WITHIN,REST", value_parser = parse::breaker)]
    breaker: Option<CircuitBreaker>,
    /// Lift what is not named here.
    #[arg(long)]
    only: bool,
}

impl Set {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let before = if self.only { LaneLimit::default() } else { self.before(context).await? };
        let body = self.over(before);
        let call = context.client.queues_set_limit().queue(&self.key.queue).lane(&self.key.lane).body(body);
        let call = given!(call, tenant_id: context.tenant, shared: self.key.shared());
        let answer = context.answered(call.send().await)?;
        let text = told(&answer.read);
        Ok(View::new(answer.json, text))
    }

    /// What is set there now.
    async fn before(&self, context: &Context) -> Result<LaneLimit, Failure> {
        let mut cursor = None;
        loop {
            let page = page(context, &self.key.queue, self.key.shared(), cursor).await?.read;
            let found = page.data.into_iter().find(|set| set.lane == self.key.listed_lane());
            match (found, page.next_cursor) {
                (Some(set), _) => return Ok(set.limit),
                (None, None) => return Ok(LaneLimit::default()),
                (None, next) => cursor = next,
            }
        }
    }

    fn over(&self, before: LaneLimit) -> LaneLimit {
        // A new rate with an old burst would be a surprise: a burst stays only where the rate does.
        let burst = if self.rate.is_some() { None } else { before.burst };
        let hours =
            self.timezone.as_ref().map(|zone| OpeningHours { timezone: zone.clone(), openings: self.open.clone() });
        LaneLimit {
            rate_per_second: self.rate.or(before.rate_per_second),
            burst: self.burst.or(burst),
            concurrency: self.concurrency.or(before.concurrency),
            weight: self.weight.or(before.weight),
            max_waiting: self.max_waiting.or(before.max_waiting),
            hours: hours.or(before.hours),
            breaker: self.breaker.clone().or(before.breaker),
        }
    }
}
