//! Whether a provider is there: what the breaker of its account is told, and who has to wait.
//!
//! An outage is no answer, or one of the kind 5xx; every other answer, a refusal too, is a sign of life. Each outage is
//! told, signs of life once a second for an account: the breaker counts failures in a row, and a row that is broken
//! once a second is broken. Telling each would add a call to Redis to each message sent.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use dashmap::DashMap;
use patchbay_db::ids::{ProviderAccountId, TenantId};
use patchbay_db::{Db, TypedId};
use patchbay_domain::messages::lane;
use patchbay_domain::provider_accounts::limits::QUEUE;
use patchbay_providers::{Accepted, ErrorClass, ProviderError};
use patchbay_queue::lanes::Report;
use patchbay_queue::{JobContext, JobError, LaneName};

use super::SendHandler;
use super::fate::{Slow, Throttle};

/// How often a sign of life is told.
const EVERY: Duration = Duration::from_secs(1);

/// What this process told last. One a handler.
#[derive(Debug)]
pub(super) struct Pulse {
    db: Db,
    alive: DashMap<ProviderAccountId, Instant>,
}

impl Pulse {
    pub(super) fn new(db: &Db) -> Self {
        Self { db: db.clone(), alive: DashMap::new() }
    }

    /// Tells what `answer` says about the provider of `account`. A Redis that does not answer only costs the breaker a
    /// report.
    pub(super) async fn note(
        &self,
        tenant: TenantId,
        account: ProviderAccountId,
        answer: &Result<Accepted, ProviderError>,
    ) {
        let went = if answer.as_ref().is_err_and(is_outage) { Report::Failure } else { Report::Ok };
        if went == Report::Ok {
            let now = Instant::now();
            let mut told = self.alive.entry(account).or_insert(now - EVERY);
            if now.duration_since(*told) < EVERY {
                return;
            }
            *told = now;
        } else {
            // The next sign of life is news.
            self.alive.remove(&account);
        }
        let key = key(tenant, account);
        match self.db.dispatcher().lanes().report(QUEUE, &key, went).await {
            Ok(Some(until)) => tracing::warn!(%account, until, "the provider is away: its account rests"),
            Ok(None) => {}
            Err(error) => tracing::debug!(%account, %error, "a breaker could not be told"),
        }
    }

    /// Lets nothing of `account` start before `until`.
    async fn penalise(
        &self,
        tenant: TenantId,
        account: ProviderAccountId,
        until: DateTime<Utc>,
    ) -> Result<(), JobError> {
        let told = self.db.dispatcher().lanes().penalise(QUEUE, &key(tenant, account), until.timestamp_millis()).await;
        told.map_err(|error| JobError::retryable("redis_unavailable", error.to_string()))
    }
}

fn key(tenant: TenantId, account: ProviderAccountId) -> LaneName {
    LaneName { tenant: tenant.uuid(), lane: lane::of_account(account) }
}

/// Whether the provider could not be had at all.
fn is_outage(error: &ProviderError) -> bool {
    matches!(error.class, ErrorClass::Retryable | ErrorClass::Unknown)
        && error.http_status.is_none_or(|status| status >= 500)
}

impl SendHandler {
    /// Makes those wait who are too fast.
    pub(super) async fn slow_down(&self, throttle: &Throttle, ctx: &JobContext) -> Result<(), JobError> {
        match throttle.slow {
            Slow::Message => Ok(()),
            Slow::Sender => ctx.penalise(throttle.until).await,
            Slow::Account(account) => {
                self.pulse.penalise(TenantId::from_uuid(ctx.tenant()), account, throttle.until).await
            }
        }
    }
}
