//! Limits, weights and pauses of a stage: set as the API does, in the ledger and in force at once, and noted as rules that
//! the runs are held against.

use anyhow::Result;
use patchbay_queue::lanes::{LaneName, Limit, PauseScope, Rate};
use patchbay_queue::ledger::controls;
use uuid::Uuid;

use super::{LANE, Stage};
use crate::chaos::agent::jobs::QUEUE;
use crate::chaos::rules::{Rule, Scope};

/// How many may run at a time of what is limited.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce {
    /// Of a tenant.
    pub tenant: u16,
    /// Of a lane of another.
    pub lane: u16,
    /// Of all together.
    pub all: u16,
}

impl Stage<'_> {
    /// Every kind of limit, on every kind of key: tenant 0 and a lane of tenant 1 get a little less than they are fed, tenant
    /// 2 has few slots, a lane of tenant 3 one, and all together have a ceiling.
    pub(super) async fn limit_some(&mut self, most: AtOnce) -> Result<()> {
        let share = f64::from(u32::try_from(self.scale.rate)?) / f64::from(u32::try_from(self.tenants.len())?);
        let tenants = self.tenants.clone();
        self.set_rate(Scope::tenant(tenants[0]), (share * 0.8).max(1.0), 5).await?;
        self.set_rate(Scope::lane(tenants[1], LANE), (share * 0.4).max(1.0), 5).await?;
        self.set_at_once(Scope::tenant(tenants[2]), most.tenant).await?;
        self.set_at_once(Scope::lane(tenants[3], LANE), most.lane).await?;
        self.set_at_once(Scope::shared("pa"), most.all).await?;
        self.set_rate(Scope::shared("pa"), f64::from(u32::try_from(self.scale.rate)?) * 3.0, 100).await
    }

    /// Sets a rate.
    ///
    /// # Errors
    /// A server that is away.
    pub async fn set_rate(&mut self, scope: Scope, per_second: f64, burst: i32) -> Result<()> {
        let rule = Rule::Rate(per_second, f64::from(burst));
        self.set_limit(scope, rule, |limit| limit.rate = Some(Rate { per_second, burst })).await
    }

    /// Sets how many may run at a time.
    ///
    /// # Errors
    /// A server that is away.
    pub async fn set_at_once(&mut self, scope: Scope, most: u16) -> Result<()> {
        let rule = Rule::AtOnce(usize::from(most));
        self.set_limit(scope, rule, |limit| limit.concurrency = Some(i32::from(most))).await
    }

    /// Sets a tenant's weight in the turn.
    ///
    /// # Errors
    /// A server that is away.
    pub async fn set_weight(&mut self, tenant: Uuid, weight: f64) -> Result<()> {
        self.set_limit(Scope::tenant(tenant), Rule::Other, |limit| limit.weight = Some(weight)).await
    }

    /// Changes what is set on a key: in the ledger, and in force at once, as the API does.
    async fn set_limit(&mut self, scope: Scope, rule: Rule, change: impl FnOnce(&mut Limit)) -> Result<()> {
        let lane = LaneName { tenant: scope.tenant, lane: scope.lane.clone() };
        let limit = self.limits.entry(scope.clone()).or_insert_with(|| Limit::new(lane));
        change(limit);
        let limit = limit.clone();
        let now = self.now();
        self.rules.order(now, scope, rule);
        let mut conn = self.straight.system().get().await?;
        controls::set_limit(&mut conn, QUEUE, &limit).await?;
        self.lanes.set_limits(QUEUE, &[limit]).await?;
        Ok(())
    }

    /// Pauses the queue, a kind, a tenant or a lane, or lets it go on.
    ///
    /// # Errors
    /// A server that is away.
    pub async fn pause(&mut self, scope: Scope, paused: bool) -> Result<()> {
        let what = paused_by(&scope);
        let mut conn = self.straight.system().get().await?;
        if paused {
            controls::pause(&mut conn, QUEUE, &what, None, "chaos", "chaos").await?;
            self.lanes.pause(QUEUE, &what, None).await?;
            let now = self.now();
            self.rules.order(now, scope, Rule::Paused(true));
        } else {
            let now = self.now();
            self.rules.order(now, scope, Rule::Paused(false));
            controls::resume(&mut conn, QUEUE, &what).await?;
            self.lanes.resume(QUEUE, &what).await?;
        }
        Ok(())
    }
}

fn paused_by(scope: &Scope) -> PauseScope {
    let Scope { tenant, lane, kind } = scope.clone();
    match (kind.is_empty(), lane.is_empty(), tenant.is_nil()) {
        (false, ..) => PauseScope::Kind(kind),
        (_, false, _) => PauseScope::Lane(LaneName { tenant, lane }),
        (.., true) => PauseScope::Queue,
        _ => PauseScope::Tenant(tenant),
    }
}
