//! The benches, by name.

mod api;
mod import;
pub mod queue;
mod send;

use anyhow::Result;

use crate::console;
use crate::report::Report;

/// Which benches to run, and how to show them.
#[derive(clap::Args)]
pub struct Args {
    /// Which; all without.
    #[arg(value_enum)]
    names: Vec<Name>,
    /// Prints each result as one line of JSON in place of the table.
    #[arg(long)]
    json: bool,
    /// A twentieth of the load, to try a bench out: its figures mean nothing, and go to `<name>.quick.json`.
    #[arg(long)]
    quick: bool,
    /// Of the bench `queue` only these parts; the result goes to `queue.part.json`.
    #[arg(long, value_enum, value_delimiter = ',')]
    part: Vec<queue::Part>,
    /// Rounds of the bench `queue`, of which the median counts; three, or one of a quick run.
    #[arg(long)]
    rounds: Option<usize>,
    /// In the bench `queue` nobody but ourselves: to look for what our own time goes to.
    #[arg(long)]
    alone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// A lead file against a bare COPY.
    Import,
    /// Accepting messages against pgbench.
    Api,
    /// Sending and receipts against a bare HTTP loop.
    Send,
    /// The queue engine by itself.
    Queue,
}

/// How much load a bench makes.
#[derive(Clone, Copy)]
pub struct Scale {
    quick: bool,
}

impl Scale {
    /// `full`, or a twentieth of it where the bench is only tried out.
    pub fn of(self, full: usize) -> usize {
        if self.quick { (full / 20).max(1) } else { full }
    }

    /// Whether the bench is only tried out.
    pub const fn is_quick(self) -> bool {
        self.quick
    }
}

/// Runs the benches one after the other.
///
/// # Errors
/// When one could not be run; one that misses its bar is no error.
pub async fn run(args: &Args) -> Result<()> {
    let all = <Name as clap::ValueEnum>::value_variants();
    let scale = Scale { quick: args.quick };
    for name in all.iter().filter(|name| args.names.is_empty() || args.names.contains(name)) {
        console::note(&format!("{name:?}"));
        let (file, report) = match name {
            Name::Import => ("import", import::run(scale).await?),
            Name::Api => ("api", api::run(scale).await?),
            Name::Send => ("send", send::run(scale).await?),
            Name::Queue => ("queue", queue::run(scale, args).await?),
        };
        show(args, file, &report)?;
    }
    Ok(())
}

fn show(args: &Args, file: &str, report: &Report) -> Result<()> {
    let part = if args.part.is_empty() { "" } else { ".part" };
    let quick = if args.quick { ".quick" } else { "" };
    report.save(&format!("{file}{part}{quick}"))?;
    console::result(&if args.json { report.json()? } else { report.table() });
    Ok(())
}

/// How many a second.
fn rate(count: usize, took: std::time::Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}
