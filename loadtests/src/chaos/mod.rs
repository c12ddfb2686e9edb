//! Programs are killed and Redis is emptied while messages are sent; then everything is counted.
//!
//! The load comes through the public API with an idempotency key for each call, repeated until it is answered, as a careful
//! customer does. What must come out is exact: every message accepted, sent once, delivered, no dead letter. The
//! simulator is left alone: it stands for the provider, and its counts are the proof. PostgreSQL and Redis are not
//! restarted here, because they may be anybody's; that is tested in `queue/tests/engine/weather.rs`.

mod blows;
mod load;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio_util::sync::CancellationToken;

use crate::console;
use crate::customer::{Customer, SENDER};
use crate::report::{Bar, Report};
use crate::simulated::Simulated;
use crate::stack::{Parts, Stack};

/// What may be lost on the way (receipts, answers) is asked for after minutes; here, after seconds.
const IMPATIENT: [(&str, &str); 2] =
    [("PATCHBAY__WORKER__RECONCILE_AFTER", "2s"), ("PATCHBAY__SCHEDULER__RECONCILE_EVERY", "2s")];

/// From the last accepted message to the last delivered one: an uncertain send is looked up once it has settled.
const PATIENCE: Duration = Duration::from_secs(240);

/// How hard.
#[derive(clap::Args)]
pub struct Args {
    /// Messages to send meanwhile.
    #[arg(long, default_value_t = 3_000)]
    messages: usize,
    /// Prints the result as one line of JSON in place of the table.
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
/// When the programs do not start, or a message was lost, sent twice or given up.
pub async fn run(args: &Args) -> Result<()> {
    console::note("Chaos");
    let mut stack = Stack::start_with(Parts::All, &IMPATIENT).await?;
    let mut report = Report::new("chaos");
    let held = storm(&mut stack, args.messages, &mut report).await;
    stack.end().await?;
    let holds = held?;
    report.save("chaos")?;
    console::result(&if args.json { report.json()? } else { report.table() });
    ensure!(holds, "the counts do not add up");
    Ok(())
}

async fn storm(stack: &mut Stack, messages: usize, report: &mut Report) -> Result<bool> {
    let customer = Customer::sign_up(stack).await?;
    let world = Simulated::new(stack.simulator(), customer.add_account().await?).await?;
    let (start, calm) = (Instant::now(), CancellationToken::new());
    let sending = async {
        let accepted = load::send(&customer, messages).await;
        calm.cancel();
        accepted
    };
    let (accepted, struck) = tokio::join!(sending, blows::strike(stack, &calm));
    let (accepted, struck) = (accepted?, struck?);
    report.remark(format!("{struck}; all accepted after {:.1} s", start.elapsed().as_secs_f64()));

    let delivered = until_delivered(stack, messages).await?;
    report.remark(format!("all settled after {:.1} s", start.elapsed().as_secs_f64()));
    let dead = customer.get("/v1/dead_letters?limit=100").await?["data"].as_array().map_or(0, Vec::len);
    let sent = usize::try_from(world.count("accepted").await?)?;
    let twice = usize::try_from(world.count("duplicates").await?)?;
    let mut holds = true;
    for (name, count, wanted) in [
        ("messages accepted", accepted, messages),
        ("taken by the provider", sent, messages),
        ("delivered", delivered, messages),
        ("sent twice", twice, 0),
        ("dead letters", dead, 0),
    ] {
        let bar = if wanted == 0 { Bar::AtMost(0.0) } else { Bar::AtLeast(f64::from(u32::try_from(wanted)?)) };
        report.figure(name, f64::from(u32::try_from(count)?), "messages", Some(bar));
        holds &= count == wanted;
    }
    Ok(holds)
}

/// Waits for the last delivery; answers how many there are when it has come, or when patience has run out.
async fn until_delivered(stack: &Stack, wanted: usize) -> Result<usize> {
    let database = stack.database.observe().await?;
    let until = Instant::now() + PATIENCE;
    loop {
        let sql = "SELECT count(*) FROM messages WHERE state = 'delivered' AND from_address = $1";
        let delivered = usize::try_from(database.query_one(sql, &[&SENDER]).await?.get::<_, i64>(0))?;
        if delivered >= wanted || Instant::now() > until {
            return Ok(delivered);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
