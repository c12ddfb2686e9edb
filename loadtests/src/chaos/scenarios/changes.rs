//! 11. Limits and pauses changed 1,000 times under load, each to take effect within a second: of tenants and their lanes at
//!     random, and one after the other what everybody shares.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use patchbay_queue::{Job as _, JobRequest, NewJob};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

use crate::chaos::agent::jobs::{New, Unheard};
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::rules::Scope;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{LANE, Scale, Setup, Stage, lane, plain};

/// So many that a key is left alone for a while between two changes: what may still hold for a second after a change would
/// hide everything else.
const TENANTS: usize = 48;
/// Long enough that a limit on what runs is felt.
const WORK: Duration = Duration::from_millis(60);
/// What all tenants share.
const ALL: &str = "pa";
/// Times that something of everybody's is paused, and let go on.
const WIDE: u32 = 4;

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let setup = Setup { limited: None, tenants: TENANTS, work: WORK, make: Some(make), ..Setup::default() };
    let mut stage = Stage::open(servers, scale, &setup).await?;
    let mut changer = Changer { random: StdRng::from_os_rng(), paused: BTreeSet::new(), limited: BTreeSet::new() };
    let changes: u32 = if scale.short { 60 } else { 1_000 };
    stage.until(0.1).await?;
    stage.strike(&format!("{changes} changes of limits, weights and pauses"));
    let mut wide = Vec::new();
    for change in 0..changes {
        stage.until(0.1 + 0.7 * f64::from(change) / f64::from(changes)).await?;
        // Each stands for as long as nothing of its sort does: long enough for what it forbids to be seen.
        let turn = change * WIDE * 2 / changes;
        if wide.last() != Some(&turn) {
            wide.push(turn);
            changer.everybodys(&mut stage, turn).await?;
        } else {
            changer.somebodys(&mut stage).await?;
        }
    }
    changer.undo(&mut stage).await?;
    stage.calm();
    check(&mut stage, &Wanted { heard: true, ..Wanted::new(name) }).await
}

/// Every seventh is of another kind.
fn make(tenants: &[Uuid], n: usize, id: Uuid) -> NewJob {
    if n % 7 != 6 {
        return plain(tenants, n, id, WORK, true);
    }
    let work_us = u64::try_from(WORK.as_micros()).unwrap_or(u64::MAX);
    JobRequest::new(id, tenants[n % tenants.len()], Unheard { work_us }).lane(lane(tenants, n)).into()
}

struct Changer {
    random: StdRng,
    paused: BTreeSet<Scope>,
    limited: BTreeSet<Scope>,
}

impl Changer {
    /// Pauses what is not paused, and the other way round.
    async fn toggle(&mut self, stage: &mut Stage<'_>, scope: Scope) -> Result<()> {
        let paused = !self.paused.remove(&scope);
        if paused {
            self.paused.insert(scope.clone());
        }
        stage.pause(scope, paused).await
    }

    /// Something of one tenant's.
    async fn somebodys(&mut self, stage: &mut Stage<'_>) -> Result<()> {
        // The upper half of the tenants is left in peace: their jobs must not suffer.
        let tenant = stage.tenants[self.random.random_range(0..stage.tenants.len() / 2)];
        let scope = if self.random.random_bool(0.5) { Scope::tenant(tenant) } else { Scope::lane(tenant, LANE) };
        let most = self.random.random_range(1..4);
        match self.random.random_range(0..4) {
            0 => self.toggle(stage, scope).await,
            1 => stage.set_weight(tenant, self.random.random_range(0.5..4.0)).await,
            2 => {
                self.limited.insert(scope.clone());
                stage.set_at_once(scope, most).await
            }
            _ => {
                self.limited.insert(scope.clone());
                stage.set_rate(scope, self.random.random_range(0.5..6.0), i32::from(most)).await
            }
        }
    }

    /// In even turns a pause of the queue, a kind or everybody's lane, lifted in the odd one after; and another ceiling, in
    /// turns how many run and how many begin.
    async fn everybodys(&mut self, stage: &mut Stage<'_>, turn: u32) -> Result<()> {
        let scopes = [Scope::kind(Unheard::KIND), Scope::queue(), Scope::shared(LANE), Scope::kind(New::KIND)];
        let place = usize::try_from(turn / 2)? % scopes.len();
        self.toggle(stage, scopes[place].clone()).await?;
        let all = Scope::shared(ALL);
        self.limited.insert(all.clone());
        match turn % 4 {
            0 => stage.set_at_once(all, self.random.random_range(20..40)).await,
            1 => stage.set_rate(all, self.random.random_range(300.0..500.0), 20).await,
            2 => stage.set_at_once(all, self.random.random_range(30..48)).await,
            _ => stage.set_rate(all, self.random.random_range(500.0..700.0), 40).await,
        }
    }

    /// Nothing is forbidden any more.
    async fn undo(self, stage: &mut Stage<'_>) -> Result<()> {
        for scope in self.paused {
            stage.pause(scope, false).await?;
        }
        for scope in self.limited {
            stage.set_rate(scope.clone(), 2_000.0, 100).await?;
            stage.set_at_once(scope, 100).await?;
        }
        Ok(())
    }
}
