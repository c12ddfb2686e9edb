//! Real signals. One test, because signals reach the whole process and this file is one.

use std::{future::pending, time::Duration};

use nix::sys::signal::{Signal, raise};
use patchbay_service::{Shutdown, shutdown::Finish};

#[tokio::test]
async fn the_first_signal_drains_the_second_ends_and_the_grace_ends_too() {
    let patient = Shutdown::on_signals(Duration::from_secs(600)).unwrap();
    let hasty = Shutdown::on_signals(Duration::from_millis(20)).unwrap();
    assert!(!patient.is_draining());

    raise(Signal::SIGTERM).unwrap();
    patient.draining().await;
    assert_eq!(hasty.finish(pending::<()>()).await, Finish::Cut, "the grace ends it without a second signal");
    assert_eq!(patient.finish(async { 1 }).await, Finish::Done(1), "draining leaves work alone");

    raise(Signal::SIGINT).unwrap();
    assert_eq!(patient.finish(pending::<()>()).await, Finish::Cut);
}
