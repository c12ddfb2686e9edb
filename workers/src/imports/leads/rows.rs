//! The thread that computes: pieces in, batches out.

use patchbay_db::DbResult;
use patchbay_domain::imports::batches::Batches;
use patchbay_domain::imports::write::Batch;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::pieces::Pieces;

/// How many batches wait to be written; with the one in work on each side that is all that is held.
const AHEAD: usize = 1;

/// Reads every piece with `batches` on a thread of its own. It ends when the file does, or when nobody takes a
/// batch any more.
pub(super) fn rows(pieces: Pieces, batches: Batches) -> Receiver<DbResult<Batch>> {
    let (sender, receiver) = channel(AHEAD);
    tokio::task::spawn_blocking(move || read(pieces, batches, &sender));
    receiver
}

fn read(mut pieces: Pieces, mut batches: Batches, sender: &Sender<DbResult<Batch>>) {
    let mut full = |batch| sender.blocking_send(Ok(batch)).is_ok();
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Ok(piece) if batches.push(&piece, &mut full) => {}
            Ok(_) => return,
            Err(error) => {
                // Nobody left to tell is no trouble.
                drop(sender.blocking_send(Err(error)));
                return;
            }
        }
    }
    batches.end(&mut full);
}
