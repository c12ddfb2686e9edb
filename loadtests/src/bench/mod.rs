//! The benches, by name.

mod queue;

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
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
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
}

/// Runs the benches one after the other.
///
/// # Errors
/// When one could not be run; one that misses its bar is no error.
pub async fn run(args: &Args) -> Result<()> {
    let all = <Name as clap::ValueEnum>::value_variants();
    let scale = Scale { quick: args.quick };
    for name in all.iter().filter(|name| args.names.is_empty() || args.names.contains(name)) {
        let (file, report) = match name {
            Name::Queue => ("queue", queue::run(scale).await?),
        };
        show(args, file, &report)?;
    }
    Ok(())
}

fn show(args: &Args, file: &str, report: &Report) -> Result<()> {
    report.save(&if args.quick { format!("{file}.quick") } else { file.to_owned() })?;
    console::result(&if args.json { report.json()? } else { report.table() });
    Ok(())
}
