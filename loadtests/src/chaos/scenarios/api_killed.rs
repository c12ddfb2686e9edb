//! 2. kill -9 of the API: between commit and push (it dies there by itself, see `patchbay_db`'s failpoints), and at random.
//!    Before, while it lives, ten megabytes at its door.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::chaos::product::Product;
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::Scale;

const API: &str = "patchbay-api";

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    // An API that is away so often takes less than it is asked to: limits that suit this, or none would ever bind.
    let taken = if scale.short { 0.3 } else { 0.6 };
    let mut product = Product::start(servers, f64::from(u32::try_from(scale.rate)?) * taken).await?;
    let refused = product.refuses(10_000_000).await?;
    let place = product.stack.place(API)?;
    let sending = product.send(scale).await?;
    while !sending.is_at(0.2) && sending.goes_on() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    product.seen(scale.jobs / 20).await?;
    // Between commit and push it dies after so many calls; anywhere less often, or it would hardly come so far.
    let every = format!("after_commit:{}", if scale.short { 20 } else { scale.rate });
    let seconds = if scale.short { 2.0..4.0 } else { 3.0..8.0 };
    product.strike("the API will die between commit and push, and anywhere");
    product.stack.kill_and_restart(place, &[("PATCHBAY_FAILPOINT", &every)]).await?;
    product.calm();
    let mut random = StdRng::from_os_rng();
    let mut pause = || Duration::from_secs_f64(random.random_range(seconds.clone()));
    let (mut works, mut again, mut died) = (None, pause(), 0);
    let mut before = sending.accepted();
    while !sending.is_at(0.85) && sending.goes_on() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        // On a busy machine a start takes long: one that is killed before it accepts anything shows nothing.
        if works.is_none() && sending.accepted() > before {
            works = Some(Instant::now());
        }
        if works.is_some_and(|since| since.elapsed() > again) {
            product.strike("kill -9 of the API");
            product.stack.kill_and_restart(place, &[]).await?;
            product.calm();
            (works, again, before) = (None, pause(), sending.accepted());
        } else if product.stack.revive()? > 0 {
            product.strike("the API died between commit and push");
            product.calm();
            died += 1;
        }
    }
    product.strike("kill -9 of the API for the last time");
    product.stack.kill_and_restart(place, &[("PATCHBAY_FAILPOINT", "")]).await?;
    product.calm();
    let accepted = sending.end().await?;
    ensure!(died > 0, "the API never died between commit and push: was it built with its failpoints?");
    let mut row = product.check(name, servers, accepted, true).await?;
    row.over_limit += u64::from(!refused);
    Ok(row.judged())
}
