//! The queue engine beside the others of its field, on the same servers in one run; and what only it promises.
//!
//! A figure is the median over rounds, but where a round takes minutes: Redis with millions of jobs waiting, the group and the
//! lists of a million, and the peers behind a backlog are measured once, and a remark says so. A rate is compared with the
//! best peer that keeps jobs in the same kind of store; what is slower than a bar is shown as missed, and the remarks say
//! where the time went.

mod dispatcher;
mod field;
mod median;
mod memory;
mod millions;
mod neighbour;
mod ours;
mod plan;
mod race;
mod recovery;
mod rows;
mod scaling;
mod turns;

use anyhow::Result;

pub use ours::process::{Args as WorkerArgs, run as run_worker};
pub use plan::Part;

use super::{Args, Scale};
use crate::console;
use crate::report::{Bar, Report};
use field::{Entrant, Store};
use plan::Plan;
use race::{Discipline, Figure};

/// Measures the engine, or some parts of it.
///
/// # Errors
/// When PostgreSQL or Redis is not there, or a job of ours is lost.
pub async fn run(scale: Scale, args: &Args) -> Result<Report> {
    let mut report = Report::new("queue");
    let plan = Plan::new(scale, args.rounds);
    let field = if args.alone { vec![Entrant::Ours] } else { present(&mut report).await };
    let all = <Part as clap::ValueEnum>::value_variants();
    for part in all.iter().filter(|part| args.part.is_empty() || args.part.contains(part)) {
        console::note(&format!("  {part:?}"));
        measure(*part, plan, &field, &mut report).await?;
    }
    Ok(report)
}

/// Who can take part on this machine; who cannot is named with the reason.
async fn present(report: &mut Report) -> Vec<Entrant> {
    let mut field = Vec::new();
    for entrant in Entrant::ALL {
        match entrant.present().await {
            Ok(()) => field.push(*entrant),
            Err(reason) => {
                let remark = format!("{}: not present: {reason}", entrant.name());
                console::note(&format!("  {remark}"));
                report.remark(remark);
            }
        }
    }
    if !cfg!(feature = "peers") {
        report.remark("apalis-postgres, apalis-redis: not present: built without the feature `peers`");
    }
    field
}

async fn measure(part: Part, plan: Plan, field: &[Entrant], report: &mut Report) -> Result<()> {
    let rounds = plan.rounds;
    match part {
        Part::Dispatcher => dispatcher::measure(plan, report).await?,
        Part::Throughput => {
            let standings = race::run(Discipline::Throughput, field, rounds, plan, report).await?;
            let name = format!("drain {} durable, 100 tenants, limits on", plan.drain);
            let bars = [(Some(Store::Postgres), 1.5), (Some(Store::Redis), 1.0)];
            rows::rate(report, &name, Figure::Drain, &standings, &bars);
            rows::rate(report, "enqueue 1,000 a call, 4 calls", Figure::Bulk, &standings, &[(None, 1.0)]);
        }
        Part::Single => {
            let standings = race::run(Discipline::OneByOne, field, rounds, plan, report).await?;
            let bars = [(Some(Store::Postgres), 1.5)];
            rows::rate(report, "enqueue one by one, 50 calls", Figure::Single, &standings, &bars);
        }
        Part::Latency => {
            let standings = race::run(Discipline::Latency, field, rounds, plan, report).await?;
            for (percent, figure, bar) in [("p50", Figure::P50, 2.0), ("p99", Figure::P99, 10.0)] {
                let name = format!("enqueue to start at 500/s, {percent}");
                if let Some(ours) = standings.of(Entrant::Ours, figure) {
                    report.figure(&name, ours, "ms", Some(Bar::AtMost(bar)));
                }
                rows::peers(report, &name, figure, "ms", &standings);
            }
        }
        Part::Neighbour => {
            neighbour::measure(plan, report).await?;
            // First come, first served, for the contrast; once, since nothing is compared with it.
            let peers = field.iter().copied().filter(|peer| *peer != Entrant::Ours && peer.holds_a_backlog());
            let peers: Vec<Entrant> = peers.collect();
            let standings = race::run(Discipline::Behind, &peers, 1, plan, report).await?;
            let name = format!("start behind {} waiting", plan.behind);
            rows::peers(report, &name, Figure::Start, "ms", &standings);
            report.remark(format!("{name}: one run of each peer, no median"));
        }
        Part::Memory => {
            memory::measure(plan, report).await?;
            scaling::weigh(plan, report).await?;
        }
        Part::Millions => millions::measure(plan, report).await?,
        Part::Recovery => recovery::measure(plan, report).await?,
        Part::Scaling => scaling::measure(plan, report).await?,
    }
    Ok(())
}
