//! 9. Poison: jobs that panic, abort their process, never end, block their thread; and ten megabytes, refused at the door.

use anyhow::Result;
use patchbay_queue::{JobRequest, NewJob};
use uuid::Uuid;

use crate::chaos::agent::jobs::{Act, Poison};
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Setup, Stage, WORK, lane, plain};

/// The kinds of poison.
const POISON: [Act; 4] = [Act::Panic, Act::Abort, Act::Endless, Act::Spin];
/// One of each in so many jobs, and so many times: among the first half of the load, so that there is enough after it for a
/// second of full speed. Otherwise the last job that was in their company would be what is measured.
const SHORT: (usize, usize) = (60, 3);
const LONG: (usize, usize) = (3_000, 4);

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let make = if scale.short { short } else { long };
    let mut stage =
        Stage::open(servers, scale, &Setup { make: Some(make), holds_threads: true, ..Setup::default() }).await?;
    let refused = stage.refuses(10_000_000).await?;
    // Until some are done, and before the first is fed: the pace before the blow is what full speed is measured by.
    stage.until(0.04).await?;
    stage.strike("poison among the jobs");
    // The last has been fed.
    stage.until(0.55).await?;
    stage.calm();
    let every = if scale.short { SHORT } else { LONG };
    let mut wanted = Wanted::new(name);
    wanted.renewed = true;
    wanted.dead = Some(Box::new(move |n| poison(n, every).is_some()));
    let mut row = check(&mut stage, &wanted).await?;
    row.over_limit += u64::from(!refused);
    Ok(row.judged())
}

/// What job number `n` does, if it is poison.
fn poison(n: usize, (every, times): (usize, usize)) -> Option<Act> {
    let first = every * 4 / 10;
    (n % every).checked_sub(first).filter(|_| n / every < times).and_then(|place| POISON.get(place)).copied()
}

fn make(tenants: &[Uuid], n: usize, id: Uuid, every: (usize, usize)) -> NewJob {
    match poison(n, every) {
        Some(act) => JobRequest::new(id, tenants[n % tenants.len()], Poison { act }).lane(lane(tenants, n)).into(),
        None => plain(tenants, n, id, WORK, true),
    }
}

fn short(tenants: &[Uuid], n: usize, id: Uuid) -> NewJob {
    make(tenants, n, id, SHORT)
}

fn long(tenants: &[Uuid], n: usize, id: Uuid) -> NewJob {
    make(tenants, n, id, LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_poison_comes_after_the_pace_was_measured_and_the_last_before_the_blow_is_over() {
        for (jobs, every) in [(300, SHORT), (20_000, LONG)] {
            let poisoned: Vec<usize> = (0..jobs).filter(|n| poison(*n, every).is_some()).collect();
            assert_eq!(poisoned.len(), every.1 * POISON.len());
            assert!(
                poisoned[0] > jobs * 4 / 100 && poisoned[poisoned.len() - 1] < jobs / 2 + jobs / 50,
                "{poisoned:?}"
            );
        }
    }
}
