//! The engine's door: whoever hands in a job is told what is wrong with it. Only a refusal for that very reason is one; an
//! error of any other kind shows nothing, and is one of the scenario.

use std::time::Duration;

use anyhow::Result;
use diesel::result::Error;
use patchbay_db::{DbError, DbResult};
use patchbay_queue::ledger::Inserted;
use patchbay_queue::ledger::insert::PayloadTooLarge;

use super::{Stage, plain};
use crate::clock;

impl Stage<'_> {
    /// Whether a job whose payload has so many bytes is refused at the door, because of them.
    ///
    /// # Errors
    /// A database that is away, or a refusal for another reason.
    pub async fn refuses(&self, bytes: usize) -> Result<bool> {
        let mut job = plain(&self.tenants, 0, self.db.ids().uuid(clock::now()), Duration::ZERO, false);
        job.payload.resize(bytes, b' ');
        let mut tx = self.db.system("chaos: a payload").await?;
        let answer = tx.enqueue(job).await;
        tx.rollback().await?;
        Ok(is_too_large(answer)?)
    }
}

fn is_too_large(answer: DbResult<Inserted>) -> DbResult<bool> {
    match answer {
        Ok(_) => Ok(false),
        Err(DbError::Query(Error::SerializationError(cause))) if cause.is::<PayloadTooLarge>() => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_refused_only_for_its_size() {
        let refused = |cause| DbError::Query(Error::SerializationError(cause));
        assert!(is_too_large(Err(refused(Box::new(PayloadTooLarge { bytes: 10_000_000 })))).unwrap());
        assert!(!is_too_large(Ok(Inserted::Waiting)).unwrap());
        assert!(is_too_large(Err(refused("a secret field is not sealed".into()))).is_err());
        assert!(is_too_large(Err(DbError::Unavailable("away".into()))).is_err());
    }
}
