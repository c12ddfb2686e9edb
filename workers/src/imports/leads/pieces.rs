//! Pieces of the file, read ahead of their use by a few.

use patchbay_db::ids::{ImportId, TenantId};
use patchbay_db::{Db, DbResult};
use patchbay_domain::imports::store;
use tokio::sync::mpsc::{Receiver, channel};

/// How many pieces wait to be used.
const AHEAD: usize = 2;

/// One piece, or why there is none; the channel ends with the file.
pub(super) type Pieces = Receiver<DbResult<Vec<u8>>>;

/// Reads the pieces of an import's file in order, until its end, an error, or nobody wants more.
pub(super) fn pieces(db: &Db, tenant: TenantId, import: ImportId) -> Pieces {
    let (sender, receiver) = channel(AHEAD);
    let db = db.clone();
    tokio::spawn(async move {
        for seq in 0.. {
            let Some(piece) = read(&db, tenant, import, seq).await.transpose() else { return };
            let is_last = piece.is_err();
            if sender.send(piece).await.is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

async fn read(db: &Db, tenant: TenantId, import: ImportId, seq: i32) -> DbResult<Option<Vec<u8>>> {
    let mut tx = db.begin_read(tenant).await?;
    let piece = store::read_chunk(&mut tx, import, seq).await?;
    tx.commit().await?;
    Ok(piece)
}
