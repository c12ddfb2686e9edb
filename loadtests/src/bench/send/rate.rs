//! Twenty thousand messages from the first batch call to the last applied receipt.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::TryStreamExt;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::bare;
use crate::bench::{Scale, rate};
use crate::customer::{Customer, SENDER};
use crate::measure::cpu::Cpu;
use crate::report::{Bar, Report};
use crate::simulated::Simulated;
use crate::stack::Stack;

/// Messages of one call.
const BATCH: usize = 1_000;

/// Everything from `POST /v1/messages/batch` to the state `delivered`.
pub async fn measure(
    stack: &Stack,
    customer: &Customer,
    world: &Simulated,
    scale: Scale,
    report: &mut Report,
) -> Result<()> {
    let count = scale.of(20_000);
    let database = stack.database.observe().await?;
    until_delivered(&database, world).await?;
    let before = delivered(&database).await?;
    let taken_before = world.count("accepted").await?;

    let (cpu, start) = (Cpu::now(), Instant::now());
    let calls = (0..count.div_ceil(BATCH)).map(|call| {
        let size = BATCH.min(count - call * BATCH);
        let messages: Vec<Value> =
            (0..size).map(|i| json!({"to": number(call * BATCH + i), "body": bare::BODY})).collect();
        async move { customer.post("/v1/messages/batch", &json!({"messages": messages})).await }
    });
    stream::iter(calls).buffer_unordered(2).try_for_each(|_| async { Ok(()) }).await?;
    let accepted = start.elapsed();
    until_delivered(&database, world).await?;
    let took = start.elapsed();
    let arrived = delivered(&database).await? - before;
    ensure!(arrived == i64::try_from(count)?, "{arrived} messages of {count} are delivered");
    report.remark(format!(
        "send: all accepted after {:.2} s, all delivered after {:.2} s; cores used: {}",
        accepted.as_secs_f64(),
        took.as_secs_f64(),
        cpu.since()
    ));
    let taken = world.count("accepted").await? - taken_before;
    ensure!(taken == u64::try_from(count)?, "the provider took {taken} messages of {count}");

    let (cpu, bare) = (Cpu::now(), bare::measure(world, count).await?);
    report.remark(format!("bare loop, {} requests at a time; cores used: {}", bare::CONCURRENCY, cpu.since()));
    let against = ("bare HTTP loop, receipts to a sink", rate(count, bare));
    let name = format!("{count} messages, accepted to delivered");
    report.compared(&name, rate(count, took), "messages/s", against, Some(Bar::AtLeast(0.4)));
    report.figure(&format!("{name}, the scale"), rate(count, took), "messages/s", Some(Bar::AtLeast(1_000.0)));
    Ok(())
}

/// Numbers that the latency's messages do not use: the simulator counts repeated texts.
fn number(n: usize) -> String {
    format!("+1628{:07}", 2_000_000 + n)
}

async fn delivered(database: &Client) -> Result<i64> {
    let row = database
        .query_one("SELECT count(*) FROM messages WHERE state = 'delivered' AND from_address = $1", &[&SENDER])
        .await?;
    Ok(row.get(0))
}

/// Asks whether any message is on its way, by the index: counting would take more of the database than the sending.
async fn until_delivered(database: &Client, world: &Simulated) -> Result<()> {
    const ANY: &str = "SELECT EXISTS (SELECT FROM tenants t JOIN messages m ON m.tenant_id = t.id
        WHERE m.state IN ('queued', 'sending', 'sent'))";
    let until = Instant::now() + Duration::from_secs(180);
    while database.query_one(ANY, &[]).await?.get::<_, bool>(0) {
        ensure!(
            Instant::now() < until,
            "{} messages are delivered, others are not; the simulator: {}",
            delivered(database).await?,
            world.ask("counts", "").await?
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
