//! A million of what people wait for and look at: a group of a million members that is counted, completed and cancelled, and
//! lists of a million jobs and of a million dead letters, page by page from anywhere. All of it is measured once: a million
//! rows take minutes to make.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use patchbay_db::SystemTx;
use patchbay_db::ids::TenantId;
use patchbay_queue::ledger::{groups, list};
use patchbay_queue::{After, Flow, NewJob};
use uuid::Uuid;

use super::Plan;
use super::field::{BATCH, BULK_CALLS};
use super::ours::{World, seed};
use super::turns::turns;
use crate::bench::rate;
use crate::measure::latency::Latencies;
use crate::report::{Bar, Report};
use crate::stack::random;

/// Pages of a list, and jobs of a page.
const PAGES: usize = 200;
const PAGE: i64 = 50;
/// A group that has not ended by then does not.
const PATIENCE: Duration = Duration::from_secs(300);

/// See the module.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    let world = World::new().await?;
    let measured = measure_in(&world, plan, report).await;
    world.end().await?;
    measured
}

async fn measure_in(world: &World, plan: Plan, report: &mut Report) -> Result<()> {
    let tenant = world.tenant();
    let done = completed(world, tenant, plan.million, report).await?;
    let cancelled = cancelled(world, tenant, plan.million, report).await?;
    seed::backlog(world, &[tenant], plan.million, "waiting").await?;
    seed::backlog(world, &[tenant], plan.million, "dead").await?;
    let all = list::JobFilter::default();
    let of = |state: &str| list::JobFilter { states: vec![state.to_owned()], ..list::JobFilter::default() };
    for (what, filter) in [("jobs", all), ("waiting jobs", of("waiting")), ("dead letters", of("dead"))] {
        let mut tx = look(world).await?;
        let mut took = Vec::with_capacity(PAGES);
        for _ in 0..PAGES {
            let (before, start) = (anywhere(world), Instant::now());
            list::list(&mut tx, tenant.into(), &filter, before, PAGE).await?;
            took.push(start.elapsed());
        }
        pages(report, &format!("a page of {what} among {} of each state", plan.million), &took);
    }
    for (state, group) in [("succeeded", done), ("cancelled", cancelled)] {
        let mut tx = look(world).await?;
        let mut took = Vec::with_capacity(PAGES);
        for _ in 0..PAGES {
            let (before, start) = (anywhere(world), Instant::now());
            groups::members(&mut tx, tenant.into(), group, Some(state), before, PAGE).await?;
            took.push(start.elapsed());
        }
        pages(report, &format!("a page of a group's {} {state} members", plan.million), &took);
    }
    Ok(())
}

/// A transaction to look with.
async fn look(world: &World) -> Result<SystemTx> {
    Ok(world.db.system("a bench's look").await?)
}

/// An id of some instant of the last hour.
fn anywhere(world: &World) -> Uuid {
    let back = Duration::from_millis(u64::from_be_bytes(random()) % 3_600_000);
    world.db.ids().uuid(crate::clock::now() - back)
}

fn pages(report: &mut Report, name: &str, took: &[Duration]) {
    let took = Latencies::of(took);
    report.remark(format!("{name}: {}", took.summary()));
    report.once(&format!("{name}, p99"), took.percentile_ms(99.0), "ms", Some(Bar::AtMost(50.0)));
}

async fn enqueue(world: &World, tenant: TenantId, jobs: Vec<NewJob>) -> Result<()> {
    let mut tx = world.db.begin(tenant).await?;
    tx.enqueue_all(jobs).await?;
    tx.commit().await?;
    Ok(())
}

/// A group of so many that wait, and one that waits for all of them.
async fn group(world: &World, tenant: TenantId, members: usize) -> Result<Uuid> {
    let id = Uuid::from_bytes(random());
    let of = |flow: Flow| NewJob { flow: Some(Box::new(flow)), ..world.job(tenant, "") };
    turns(members / BATCH, BULK_CALLS, |_| {
        let member = || of(Flow { group: Some(id), ..Flow::default() });
        enqueue(world, tenant, (0..BATCH).map(|_| member()).collect())
    })
    .await?;
    let after = vec![After { on: id, group: true, any_end: true }];
    enqueue(world, tenant, vec![of(Flow { after, ..Flow::default() })]).await?;
    let mut tx = world.db.begin(tenant).await?;
    groups::seal(&mut tx, tenant.into(), id).await?;
    tx.commit().await?;
    Ok(id)
}

/// A group that is worked off: counted to the last, and then its completion job runs.
async fn completed(world: &World, tenant: TenantId, members: usize, report: &mut Report) -> Result<Uuid> {
    let start = Instant::now();
    let id = group(world, tenant, members).await?;
    report.remark(format!("a group's members were enqueued at {:.0}/s", rate(members, start.elapsed())));
    let (worker, start) = (world.work(), Instant::now());
    worker.until(members).await;
    let (ran, waits_since) = (start.elapsed(), Instant::now());
    tokio::time::timeout(PATIENCE, worker.until(members + 1)).await.context("a group was not completed")?;
    let waited = waits_since.elapsed();
    world.all_done().await?;
    worker.stop().await?;
    let view = ended(world, tenant, id).await?;
    let members_i64 = i64::try_from(members)?;
    ensure!((view.total, view.succeeded) == (members_i64, members_i64), "the group was counted wrongly: {view:?}");
    report.remark(format!("a group's members ran at {:.0}/s", rate(members, ran)));
    let name = format!("a group of {members}: from its last member's run to its completion job's");
    report.once(&name, waited.as_secs_f64(), "s", Some(Bar::AtMost(5.0)));
    Ok(id)
}

/// A group that is cancelled while all of it waits.
async fn cancelled(world: &World, tenant: TenantId, members: usize, report: &mut Report) -> Result<Uuid> {
    let id = group(world, tenant, members).await?;
    let start = Instant::now();
    let mut tx = world.db.begin(tenant).await?;
    groups::request_cancel(&mut tx, tenant.into(), id).await?;
    tx.commit().await?;
    let view = ended(world, tenant, id).await?;
    ensure!(view.cancelled == i64::try_from(members)?, "the group was cancelled in part: {view:?}");
    let name = format!("a group of {members} that waits: all of it is cancelled after");
    report.once(&name, start.elapsed().as_secs_f64(), "s", Some(Bar::AtMost(120.0)));
    let worker = world.work();
    world.all_done().await?;
    ensure!(worker.runs() == 1, "of a cancelled group {} members ran", worker.runs() - 1);
    worker.stop().await?;
    Ok(id)
}

/// The group once it has ended.
async fn ended(world: &World, tenant: TenantId, id: Uuid) -> Result<groups::GroupView> {
    let until = Instant::now() + PATIENCE;
    loop {
        let view = groups::get(&mut *look(world).await?, tenant.into(), id).await?.context("no such group")?;
        if view.ended_at.is_some() {
            return Ok(view);
        }
        ensure!(Instant::now() < until, "the group did not end: {view:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
