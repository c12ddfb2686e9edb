//! What is done to the programs, in turn, until the load is over.

use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::console;
use crate::stack::Stack;

/// Between two blows.
const PAUSE: Duration = Duration::from_secs(2);

/// One of them.
#[derive(Clone, Copy)]
enum Blow {
    /// SIGKILL, and a new process at once, as a supervisor does.
    Kill(&'static [&'static str]),
    /// All that Redis knows is gone.
    EmptyRedis,
}

const BLOWS: [Blow; 5] = [
    Blow::Kill(&["patchbay-worker"]),
    Blow::EmptyRedis,
    Blow::Kill(&["patchbay-api"]),
    Blow::Kill(&["patchbay-scheduler"]),
    Blow::Kill(&["patchbay-api", "patchbay-worker", "patchbay-scheduler"]),
];

/// Strikes until `calm`; says what was done.
pub(super) async fn strike(stack: &mut Stack, calm: &CancellationToken) -> Result<String> {
    let (mut kills, mut floods) = (0, 0);
    for blow in BLOWS.iter().cycle() {
        tokio::select! {
            () = calm.cancelled() => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
        match blow {
            Blow::Kill(names) => {
                console::note(&format!("  kill -9 {}", names.join(" ")));
                for name in *names {
                    stack.kill_and_restart(name).await?;
                    kills += 1;
                }
            }
            Blow::EmptyRedis => {
                console::note("  Redis is emptied");
                stack.empty_redis().await?;
                floods += 1;
            }
        }
    }
    Ok(format!("{kills} programs killed, Redis emptied {floods} times"))
}
