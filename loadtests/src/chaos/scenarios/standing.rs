//! No scenario, but what some stand on: a standing backlog, of jobs that take so long that more is fed than is done, and so
//! many that they last for all blows. Then full speed is what all slots of all workers do. Under fast jobs it would be what is
//! fed, of which an engine that has lost nearly all of its speed is still capable, and "full speed again" would say nothing.
//! Only in the long form: the short one is too short for it.
//!
//! How it adds up. All slots together have [`SPAN`] to do: 96 s, of which a twentieth is cancelled before it begins, so 90 s.
//! Of 20,000 jobs and 48 slots each takes 230 ms, which makes 208 a second, while 400 are fed. Until the first blow 10 s
//! pass, and [`APART`] (18 s, more than work may take to recover) between two blows: when the last of four is over, at the most
//! 10 + 3 · 18 = 64 s of work are done, and 6 s in those blows that leave some of it going; what recovery takes is not even
//! worked. So at least 20 s of work are left then, more than it may take to recover. Stalls and outages take nothing
//! from that: while nothing is done the backlog stays. (The network has three blows, and in the last of them work goes on for
//! 20 s: 10 + 2 · 18 + 20 = 66 s.) A run takes those 90 s, the outages, and what each recovery takes: `postgres-broken` less
//! than two minutes, `redis-broken` and `network` about three.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::chaos::stage::{AtOnce, Scale, Setup, Stage, TENANTS};

/// Of all workers together.
const SLOTS: u16 = 48;
/// How long all slots have to do, at least.
const SPAN: Duration = Duration::from_secs(96);
/// From the end of a blow to the next. More than work may take to recover ([`RECOVERY`](crate::chaos::row::RECOVERY)).
pub const APART: Duration = Duration::from_secs(18);
/// So many seconds of everybody's work wait at least when a blow comes: cancelled ones still count among what waits.
const WAITING: usize = 10;

/// In the long form with a standing backlog, of which nobody's limit stops it from having its share of all slots.
///
/// # Errors
/// Numbers that are no numbers of jobs.
pub fn setup(scale: Scale) -> Result<Setup> {
    if scale.short {
        return Ok(Setup::default());
    }
    let share = SLOTS / u16::try_from(TENANTS)?;
    let limited = Some(AtOnce { tenant: share, lane: share.div_ceil(2), all: SLOTS });
    Ok(Setup { work: work(scale)?, limited, ..Setup::default() })
}

/// What all slots do in a second, at most.
///
/// # Errors
/// As [`setup`].
pub fn pace(scale: Scale) -> Result<usize> {
    let second = Duration::from_secs(1) * u32::from(SLOTS);
    Ok(usize::try_from(second.as_micros() / work(scale)?.as_micros().max(1))?)
}

/// Waits for the next blow: until so much of the load is accepted in the short form, for [`APART`] in the long one.
///
/// # Errors
/// A feeder that gave up, or a load that does not last until then.
pub async fn next(stage: &Stage<'_>, part: f64) -> Result<()> {
    if stage.scale.short {
        return stage.until(part).await;
    }
    tokio::time::sleep(APART).await;
    let waiting = stage.backlog();
    ensure!(waiting > pace(stage.scale)? * WAITING, "only {waiting} jobs wait: too few to tell full speed by");
    Ok(())
}

/// How long a job takes: all of them [`SPAN`] of all slots, and what is fed in three seconds five.
fn work(scale: Scale) -> Result<Duration> {
    let (jobs, rate) = (u32::try_from(scale.jobs.max(1))?, u32::try_from(scale.rate.max(1))?);
    let lasting = SPAN * u32::from(SLOTS) / jobs;
    let slower_than_fed = Duration::from_secs(1) * u32::from(SLOTS) * 5 / 3 / rate;
    Ok(lasting.max(slower_than_fed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::row::RECOVERY;

    /// As loads are asked for: as usual, as the README has it, larger, and slower.
    const LOADS: [(usize, usize); 4] = [(20_000, 400), (5_000, 400), (100_000, 400), (20_000, 100)];

    fn long((jobs, rate): (usize, usize)) -> Scale {
        Scale { jobs, rate, lease: Duration::from_secs(9), short: false }
    }

    fn seconds(count: usize, per_second: usize) -> f64 {
        f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(per_second).unwrap())
    }

    #[test]
    fn more_is_fed_than_is_done() {
        for load in LOADS {
            let scale = long(load);
            assert!(pace(scale).unwrap() * 10 <= scale.rate * 6, "{load:?}: {} a second", pace(scale).unwrap());
        }
    }

    #[test]
    fn the_last_blow_finds_more_work_than_recovery_may_take() {
        for load in LOADS {
            let (scale, pace) = (long(load), pace(long(load)).unwrap());
            // One in twenty is cancelled, and the first blow comes with a fifth of the load, of which some has to be done.
            let all = seconds(scale.jobs * 94 / 100, pace);
            let first = seconds(scale.jobs / 5, scale.rate).max(seconds(scale.jobs / 25, pace));
            // Between the blows, and in those that leave work going: of PostgreSQL, and of the network.
            let worked = (3.0 * APART.as_secs_f64() + 6.0).max(2.0 * APART.as_secs_f64() + 20.0);
            assert!(all - first - worked > RECOVERY, "{load:?}: {all} s of work, {first} s before the first blow");
        }
    }

    #[test]
    fn the_slots_are_those_of_all_workers() {
        let slots: usize = setup(long(LOADS[0])).unwrap().workers.iter().map(|part| part.concurrency).sum();
        assert_eq!(slots, usize::from(SLOTS));
    }

    #[test]
    fn the_short_form_is_as_fast_as_ever() {
        let scale = Scale { jobs: 300, rate: 100, lease: Duration::from_secs(3), short: true };
        assert_eq!(setup(scale).unwrap().work, Setup::default().work);
        assert!(setup(long(LOADS[0])).unwrap().work > Duration::from_millis(200));
    }
}
