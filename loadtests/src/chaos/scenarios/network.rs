//! 6. Both servers out of reach, then both silent, then both slow, by a network of ours. In the long form under a standing
//!    backlog ([`standing`]).

use std::time::Duration;

use anyhow::Result;

use super::standing;
use crate::chaos::check::{Wanted, check};
use crate::chaos::relay::Line;
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Stage};

/// A line over an ocean, and a thin one.
const SLOW: Line = Line::Slow { latency: Duration::from_millis(40), bytes_per_second: 2_000_000 };

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let mut stage = Stage::open(servers, scale, &standing::setup(scale)?).await?;
    let away = Duration::from_secs(if scale.short { 4 } else { 60 });
    let slow = Duration::from_secs(if scale.short { 3 } else { 20 });
    stage.until(0.2).await?;
    let cases = [
        (None, "both are out of reach", Line::Cut, away),
        (Some(0.4), "both are silent", Line::Silent, Duration::from_secs(if scale.short { 3 } else { 12 })),
        (Some(0.6), "both are slow", SLOW, slow),
    ];
    for (part, what, line, time) in cases {
        if let Some(part) = part {
            standing::next(&stage, part).await?;
        }
        stage.strike(&format!("{what} for {} s", time.as_secs()));
        stage.postgres.set(line);
        stage.redis.set(line);
        tokio::time::sleep(time).await;
        stage.postgres.set(Line::Up);
        stage.redis.set(Line::Up);
        stage.calm();
    }
    // A claim's answer may be on its way for as long as a worker waits for it, and its jobs begin then.
    check(&mut stage, &Wanted { late: Duration::from_secs(5), ..Wanted::new(name) }).await
}
