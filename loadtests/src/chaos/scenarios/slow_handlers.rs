//! 10. Handlers slower than a lease, every slot taken and more waiting: nothing may run twice.
//!
//! The limits are wide enough for all slots to be taken: all together may run as many as there are slots, of which the one
//! limited tenant may have its share and no more, and the limited lane half a share. The rest fill up what those leave.

use std::time::Duration;

use anyhow::Result;
use patchbay_queue::NewJob;
use uuid::Uuid;

use crate::chaos::cast::Part;
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{AtOnce, Scale, Setup, Stage, TENANTS, plain};

/// Longer than the lease of either form.
const SLOW: Duration = Duration::from_secs(5);
const VERY_SLOW: Duration = Duration::from_secs(12);
const WORKERS: u16 = 3;

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let concurrency: u16 = if scale.short { 8 } else { 64 };
    let slots = concurrency * WORKERS;
    let share = slots / u16::try_from(TENANTS)?;
    let setup = Setup {
        workers: vec![Part { concurrency: usize::from(concurrency), ..Part::default() }; usize::from(WORKERS)],
        make: Some(if scale.short { short } else { long }),
        limited: Some(AtOnce { tenant: share, lane: share.div_ceil(2), all: slots }),
        ..Setup::default()
    };
    let mut stage = Stage::open(servers, scale, &setup).await?;
    check(&mut stage, &Wanted { once: true, heard: true, ..Wanted::new(name) }).await
}

/// The slow ones come together, more of them than there are slots, also without those that wait for others.
fn slow(tenants: &[Uuid], n: usize, id: Uuid, at_once: usize, time: Duration) -> NewJob {
    let work = if n % (at_once * 10) < at_once { time } else { Duration::from_millis(2) };
    // None that fails at first.
    plain(tenants, n, id, work, false)
}

fn short(tenants: &[Uuid], n: usize, id: Uuid) -> NewJob {
    slow(tenants, n, id, 40, SLOW)
}

fn long(tenants: &[Uuid], n: usize, id: Uuid) -> NewJob {
    slow(tenants, n, id, 300, VERY_SLOW)
}
