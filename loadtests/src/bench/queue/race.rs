//! Rounds in which everybody does the same, one after the other, in an order that turns: a slow minute of the machine falls on
//! all of them alike. What counts is the median over the rounds.

use anyhow::{Context, Result};

use super::Plan;
use super::field::{Contender, Entrant, Store};
use super::median::median;
use crate::bench::rate;
use crate::console;
use crate::report::Report;

/// What is done in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discipline {
    /// Enqueue in bulk, and work that off.
    Throughput,
    /// Enqueue one by one.
    OneByOne,
    /// From enqueue to start, at a steady rate.
    Latency,
    /// One job behind somebody's backlog.
    Behind,
}

/// What is measured in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Jobs a second.
    Bulk,
    /// Jobs a second.
    Drain,
    /// Jobs a second.
    Single,
    /// Milliseconds.
    P50,
    /// Milliseconds.
    P99,
    /// Milliseconds.
    Start,
}

/// The figures of all rounds.
#[derive(Debug, Default)]
pub struct Standings {
    seen: Vec<(Entrant, Figure, f64)>,
}

impl Standings {
    /// The median of `entrant`'s.
    pub fn of(&self, entrant: Entrant, figure: Figure) -> Option<f64> {
        let own = self.seen.iter().filter(|row| row.0 == entrant && row.1 == figure);
        median(&own.map(|row| row.2).collect::<Vec<_>>())
    }

    /// The fastest of the others, of those with their jobs in `store` or of all.
    pub fn best_peer(&self, figure: Figure, store: Option<Store>) -> Option<(Entrant, f64)> {
        let peers = Entrant::ALL.iter().filter(|entrant| **entrant != Entrant::Ours);
        let peers = peers.filter(|entrant| store.is_none_or(|store| entrant.store() == store));
        let rated = peers.filter_map(|entrant| Some((*entrant, self.of(*entrant, figure)?)));
        rated.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// Lets `field` do `discipline` in `rounds` rounds. A peer that fails is out, with a remark; we may not.
pub async fn run(
    discipline: Discipline,
    field: &[Entrant],
    rounds: usize,
    plan: Plan,
    report: &mut Report,
) -> Result<Standings> {
    let mut standings = Standings::default();
    let mut out: Vec<Entrant> = Vec::new();
    for round in 0..rounds {
        for place in 0..field.len() {
            let entrant = field[(place + round) % field.len()];
            if out.contains(&entrant) {
                continue;
            }
            match once(discipline, entrant, plan).await {
                Ok((figures, remarks)) => {
                    let shown: Vec<String> =
                        figures.iter().map(|(figure, value)| format!("{figure:?} {value:.1}")).collect();
                    console::note(&format!("    round {}: {}: {}", round + 1, entrant.name(), shown.join(", ")));
                    standings.seen.extend(figures.into_iter().map(|(figure, value)| (entrant, figure, value)));
                    if round == 0 {
                        remarks.into_iter().for_each(|remark| report.remark(remark));
                    }
                }
                Err(error) if entrant == Entrant::Ours => return Err(error),
                Err(error) => {
                    let remark = format!("{}: out of {discipline:?}: {error:#}", entrant.name());
                    console::note(&format!("    {remark}"));
                    report.remark(remark);
                    out.push(entrant);
                }
            }
        }
    }
    Ok(standings)
}

type Round = (Vec<(Figure, f64)>, Vec<String>);

async fn once(discipline: Discipline, entrant: Entrant, plan: Plan) -> Result<Round> {
    let mut contender = entrant.open().await.with_context(|| format!("{} did not start", entrant.name()))?;
    let figures = measure(discipline, contender.as_mut(), plan).await;
    let remarks = contender.remarks();
    contender.close().await?;
    Ok((figures?, remarks))
}

async fn measure(discipline: Discipline, contender: &mut dyn Contender, plan: Plan) -> Result<Vec<(Figure, f64)>> {
    Ok(match discipline {
        Discipline::Throughput => {
            let bulk = rate(plan.drain, contender.enqueue(plan.drain).await?);
            // What a server that runs for longer than this round has done by itself.
            contender.place().database.analyze().await?;
            let drain = rate(plan.drain, contender.drain(plan.drain).await?);
            vec![(Figure::Bulk, bulk), (Figure::Drain, drain)]
        }
        Discipline::OneByOne => {
            vec![(Figure::Single, rate(plan.single, contender.one_by_one(plan.single).await?))]
        }
        Discipline::Latency => {
            let spread = contender.latency(plan.latency).await?;
            vec![(Figure::P50, spread.p50_ms), (Figure::P99, spread.p99_ms)]
        }
        Discipline::Behind => {
            contender.enqueue(plan.behind).await?;
            contender.place().database.analyze().await?;
            vec![(Figure::Start, contender.behind().await?.as_secs_f64() * 1000.0)]
        }
    })
}
