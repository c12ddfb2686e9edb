//! Takes a file in, piece by piece: each piece is looked at, added to the digest, and written in a transaction of its
//! own. What is held is one piece, whatever the size of the file.

use patchbay_db::ids::{ImportId, TenantId};
use patchbay_db::{Db, DbResult};
use patchbay_domain::imports::file::{EncodingScan, FileError, Inspection, inspect};
use patchbay_domain::imports::store::{self, CHUNK_BYTES};
use poem::web::Field;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::form::too_large;
use crate::http::{Code, Problem};

/// A file that has come in whole.
pub(super) struct Received {
    /// Its size.
    pub(super) bytes: i64,
    /// Its SHA-256.
    pub(super) digest: [u8; 32],
    /// What it looks like, or why it is no table.
    pub(super) file: Result<Inspection, FileError>,
}

/// Reads the part to its end into the import.
///
/// # Errors
/// `payload_too_large` over `limit` bytes; `invalid_request` where the stream breaks off; the database's.
pub(super) async fn receive(
    db: &Db,
    tenant: TenantId,
    import: ImportId,
    part: Field,
    limit: u64,
) -> Result<Received, Problem> {
    let mut reader = Box::pin(part.into_async_read());
    let (mut scan, mut hash, mut bytes) = (EncodingScan::default(), Sha256::new(), 0_u64);
    let mut piece = Vec::with_capacity(CHUNK_BYTES);
    for seq in 0.. {
        piece.clear();
        while piece.len() < CHUNK_BYTES {
            let room = u64::try_from(CHUNK_BYTES - piece.len()).unwrap_or_default();
            let read = (&mut reader).take(room).read_buf(&mut piece).await;
            if read.map_err(broken_off)? == 0 {
                break;
            }
        }
        if piece.is_empty() {
            break;
        }
        bytes += piece.len() as u64;
        if bytes > limit {
            return Err(too_large(limit));
        }
        scan.feed(&piece);
        hash.update(&piece);
        keep(db, tenant, import, seq, &piece).await?;
    }
    let file = scan.finish().and_then(|head| inspect(&head));
    let bytes = i64::try_from(bytes).map_err(Problem::internal)?;
    Ok(Received { bytes, digest: hash.finalize().into(), file })
}

async fn keep(db: &Db, tenant: TenantId, import: ImportId, seq: i32, piece: &[u8]) -> DbResult<()> {
    let mut tx = db.begin(tenant).await?;
    store::append_chunk(&mut tx, import, seq, piece).await?;
    tx.commit().await
}

fn broken_off(error: std::io::Error) -> Problem {
    Problem::new(Code::InvalidRequest, "The upload broke off, or is not well-formed multipart/form-data.")
        .caused_by(error)
}
