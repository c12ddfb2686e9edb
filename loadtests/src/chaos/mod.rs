//! The promises, broken on purpose: processes, servers and the way between them fail under load, and everything is counted.
//!
//! Each scenario has real worker processes with a PostgreSQL and a Redis of its own, a steady load of several tenants, some of
//! them limited, and an observer outside at which alone effects count. When all is over a checker states what was lost, done
//! twice, let through against a limit, left behind, or stuck, and how long it took until work went at full speed again.
//! Nothing here is tuned to hold: a count that is off is a defect of the engine, or of the check.

pub mod agent;
mod cast;
mod check;
mod feed;
mod mixed;
mod observer;
mod product;
mod recovery;
mod relay;
mod row;
mod rules;
mod scenarios;
mod servers;
mod stage;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum as _;

use crate::console;
use row::Rows;
use scenarios::Name;
use servers::Servers;
use stage::Scale;

/// Which scenarios, and how large.
#[derive(clap::Args)]
pub struct Args {
    /// Which; all without.
    #[arg(value_enum)]
    names: Vec<Name>,
    /// Jobs of each scenario.
    #[arg(long)]
    jobs: Option<usize>,
    /// Jobs a second.
    #[arg(long)]
    rate: Option<usize>,
    /// The short form: a few hundred jobs, short outages, short leases.
    #[arg(long)]
    quick: bool,
    /// Prints the result as one line of JSON in place of the table.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn scale(&self) -> Scale {
        let (jobs, rate, lease) = if self.quick { (300, 100, 3) } else { (20_000, 400, 9) };
        Scale {
            jobs: self.jobs.unwrap_or(jobs),
            rate: self.rate.unwrap_or(rate),
            lease: Duration::from_secs(lease),
            short: self.quick,
        }
    }
}

/// Runs the scenarios one after the other, and writes `.dev/chaos.json` after each: of the rows that are there, those of
/// scenarios that were not asked for stay.
///
/// # Errors
/// When one could not be run, or does not hold.
pub async fn run(args: &Args) -> Result<()> {
    let mut servers = Servers::start().await?;
    let scale = args.scale();
    let path = Path::new(if args.quick { ".dev/chaos.quick.json" } else { ".dev/chaos.json" });
    let mut kept = if args.names.is_empty() { Rows::default() } else { Rows::load(path, scale) };
    let mut rows = Rows::default();
    for name in Name::value_variants().iter().filter(|name| args.names.is_empty() || args.names.contains(name)) {
        console::note(&format!("  {}", name.text()));
        let start = Instant::now();
        let row = name.run(&mut servers, scale).await.with_context(|| format!("{} could not be run", name.text()))?;
        console::note(&format!(
            "    {} after {:.0} s",
            if row.holds { "holds" } else { "BROKEN" },
            start.elapsed().as_secs_f64()
        ));
        kept.put(row.clone());
        kept.save(path, scale)?;
        rows.put(row);
    }
    servers.end().await?;
    console::result(&if args.json { rows.json()? } else { rows.table() });
    anyhow::ensure!(rows.hold(), "a promise does not hold");
    Ok(())
}
