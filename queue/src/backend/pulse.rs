//! The pulse of the runtime in which handlers run: it shows that a thread of it is free, and sees to it that one is awake.
//!
//! One thread of a runtime waits for sockets and timers, the others sleep until there is more to do than it can. Where all
//! that it wakes for is one handler that never yields, it runs that, and none of the others knows that nobody waits any
//! more: one thread of many is held, and the whole process stands still (tokio, <https://github.com/tokio-rs/tokio/issues/4730>).
//! A task that comes from outside wakes one of them, which then waits in its place. So the pulse is given from the thread
//! apart. Rejected: tokio's own remedy (`enable_eager_driver_handoff`), which is unstable, and up to whoever builds the runtime.
//! What this does not mend: one task that the held thread was to run next (the last that it woke itself) stays with it, as no
//! other thread may take that; where it is one of the engine's loops, the watchdog sees that it stands still.
//! How to break it: beat in a loop of the runtime itself, whose timer is then among what nobody waits for.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::Shared;

/// How often it beats: for so long a process may stand still.
const PULSE: Duration = Duration::from_millis(100);

/// Beats in `handlers` until the backend has closed or that runtime has ended. One beat at a time: where every thread is
/// held by a handler that does not yield, nothing piles up.
pub(super) async fn run(shared: Arc<Shared>, handlers: Handle) {
    loop {
        let vitals = shared.vitals.clone();
        let beat = handlers.spawn(async move { vitals.beat() });
        tokio::select! {
            () = shared.inflight.closed() => return,
            beat = beat => if beat.is_err() { return },
        }
        tokio::select! {
            () = shared.inflight.closed() => return,
            () = tokio::time::sleep(PULSE) => {}
        }
    }
}
