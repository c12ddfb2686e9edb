//! Enqueueing from a board: into the ledger in one transaction, then into the lanes, as everywhere.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use apalis_core::task::Task;
use futures_util::Sink;

use super::{Board, BoardError, BoardJob};
use crate::context::LedgerPool;
use crate::lanes::Window;
use crate::ledger::{Inserted, insert};
use crate::{Envelope, Lanes, NewJob};

/// The jobs of a flush on their way.
pub(super) type Sending = Pin<Box<dyn Future<Output = Result<(), BoardError>> + Send + Sync>>;

async fn send(jobs: Vec<NewJob>, queue: String, lanes: Lanes, ledger: LedgerPool) -> Result<(), BoardError> {
    let written = tokio::spawn(async move {
        let mut conn = ledger.get().await.map_err(|error| BoardError::Pool(error.to_string()))?;
        let as_of = Instant::now();
        let inserted =
            diesel_async::AsyncConnection::transaction(&mut *conn, async |conn| insert(conn, &jobs).await).await?;
        let due = jobs.iter().zip(inserted).filter(|(_, inserted)| *inserted == Inserted::Waiting);
        let due: Vec<Envelope> = due.map(|(job, _)| Envelope::from(job)).collect();
        lanes.push(&queue, &due, Window::default(), as_of).await?;
        Ok(())
    });
    written.await.unwrap_or_else(|error| Err(BoardError::Pool(error.to_string())))
}

impl Sink<Task<BoardJob>> for Board {
    type Error = BoardError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoardError>> {
        self.poll_flush(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, task: Task<BoardJob>) -> Result<(), BoardError> {
        let job = self.make(task.args)?;
        self.unsent.push(job);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoardError>> {
        if self.sending.is_none() {
            if self.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let jobs = std::mem::take(&mut self.unsent);
            self.sending = Some(Box::pin(send(jobs, self.queue.clone(), self.lanes.clone(), self.ledger.clone())));
        }
        let sending = self.sending.as_mut().expect("set above");
        let sent = ready!(sending.as_mut().poll(cx));
        self.sending = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoardError>> {
        self.poll_flush(cx)
    }
}
