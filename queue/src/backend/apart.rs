//! The thread on which leases are kept, apart from the runtime that runs handlers.
//!
//! A handler that never yields keeps a thread of its runtime for itself; a few of them, all. Renewals there would stop,
//! and every job of the process would count as crashed for the fault of one. So one thread of its own, with a runtime
//! and connections of its own, keeps the leases and the heartbeat of all queues of the process; it must never wait for
//! anything of another runtime (the ledger's pool, whose connections live there, for one).

use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use tokio::runtime::{Builder, Handle};

static APART: OnceLock<Handle> = OnceLock::new();

/// The runtime of that thread; started when it is asked for first, and never stopped.
pub(super) fn runtime() -> &'static Handle {
    APART.get_or_init(|| {
        let (tell, told) = sync_channel(1);
        std::thread::Builder::new()
            .name("queue-leases".to_owned())
            .spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build();
                let runtime = runtime.expect("a system that has run out of file descriptors can keep no lease");
                // Who asked waits for this.
                let _waits = tell.send(runtime.handle().clone());
                runtime.block_on(std::future::pending::<()>());
            })
            .expect("a system that has run out of threads can keep no lease");
        told.recv().expect("the thread tells before it does anything else")
    })
}
