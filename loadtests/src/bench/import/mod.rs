//! A lead file through the public API, beside a bare COPY of the very rows that it wrote.

mod copy;
mod file;
mod upload;

use std::time::Duration;

use anyhow::Result;

use super::Scale;
use crate::console;
use crate::customer::Customer;
use crate::measure::cpu::Cpu;
use crate::report::{Bar, Report};
use crate::stack::{Parts, Program, Stack};

const ROWS: usize = 100_000;
/// The size of the file that memory is measured with, in bytes.
const LARGE: usize = 200_000_000;
/// The most memory that API and worker may hold meanwhile, in MB.
const MEMORY_MB: f64 = 150.0;

/// Measures an import.
///
/// # Errors
/// When the programs do not start, or the import does not succeed.
pub async fn run(scale: Scale) -> Result<Report> {
    let mut report = Report::new("import");
    let stack = Stack::start(Parts::All).await?;
    let measured = measure(&stack, scale, &mut report).await;
    stack.end().await?;
    measured?;
    Ok(report)
}

async fn measure(stack: &Stack, scale: Scale, report: &mut Report) -> Result<()> {
    let rows = scale.of(ROWS);
    let customer = Customer::sign_up(stack).await?;
    let text = file::ordinary(rows);
    console::note(&format!("  importing {rows} rows, {} MB", text.len() / 1_000_000));
    checkpoint(stack).await;
    let cpu = Cpu::now();
    let done = upload::import(&customer, text.into()).await?;
    report.remark(format!("import: {}; cores used: {}", done.told, cpu.since()));
    checkpoint(stack).await;
    let bare = copy::measure(&stack.database).await?;
    report.remark(format!("COPY: {}", bare.told));
    let name = format!("import of {rows} rows");
    let whole = done.whole.as_secs_f64();
    let against = ("COPY, same rows and indexes", bare.indexes.as_secs_f64());
    report.compared(&format!("{name}, upload to done"), whole, "s", against, Some(Bar::AtMost(4.0)));
    report.compared(&format!("{name}, its job alone"), done.job.as_secs_f64(), "s", against, None);
    let against = ("COPY, foreign keys too", bare.foreign_keys.as_secs_f64());
    report.compared(&format!("{name}, upload to done"), whole, "s", against, None);
    report.figure(&format!("{name}, the scale"), whole, "s", Some(Bar::AtMost(20.0)));
    memory(stack, scale, report).await
}

/// Peaks only grow: what a file of longer rows adds is seen after it.
async fn memory(stack: &Stack, scale: Scale, report: &mut Report) -> Result<()> {
    let size = scale.of(LARGE);
    for (row_kb, what) in [(1, "rows of 1 KB"), (20, "rows of 20 KB")] {
        let what = format!("{} MB in {what}", size / 1_000_000);
        console::note(&format!("  importing {what}, to see what memory that takes"));
        let customer = Customer::sign_up(stack).await?;
        let done = upload::import(&customer, reqwest::Body::wrap_stream(file::large(size, row_kb))).await?;
        report.remark(format!("{what}: {}", done.told));
        for name in ["patchbay-api", "patchbay-worker"] {
            let row = format!("{name}: peak memory, {what}");
            match stack.program(name).and_then(Program::peak_memory_mb) {
                Some(peak) => report.figure(&row, peak, "MB", Some(Bar::AtMost(MEMORY_MB))),
                None => report.remark(format!("{row}: this system does not say")),
            }
        }
    }
    Ok(())
}

/// Lets neither side pay for the other's dirty pages. Needs a superuser; without one the figures are a little noisier.
async fn checkpoint(stack: &Stack) {
    let done = async { anyhow::Ok(stack.database.connect().await?.batch_execute("CHECKPOINT").await?) };
    if let Err(error) = tokio::time::timeout(Duration::from_secs(60), done).await.unwrap_or(Ok(())) {
        console::note(&format!("  no checkpoint: {error}"));
    }
}
