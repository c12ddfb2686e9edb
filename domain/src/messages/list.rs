//! The list of messages, newest first.
//!
//! Each filter has an index with the id behind it: contact, state (inbound is exactly `received`), job (a job has
//! a thousand messages at most, which are sorted). Not prepared (`sql_query`), so that the planner sees which
//! filters are set: one cached plan for all of them would fit none.

use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, JobId};
use patchbay_db::{DbResult, Page, Paged, Tx};

use super::model::Message;
use super::state::{Direction, MessageState};

/// Which messages; all where nothing is set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this contact.
    pub contact: Option<ContactId>,
    /// In this state.
    pub state: Option<MessageState>,
    /// Of this job.
    pub job: Option<JobId>,
    /// Going this way.
    pub direction: Option<Direction>,
}

impl Filter {
    /// The states that the filter lets through; nothing for all of them.
    fn states(&self) -> Option<Vec<&'static str>> {
        if self.state.is_none() && self.direction.is_none() {
            return None;
        }
        let inbound = |state: MessageState| state == MessageState::Received;
        let wanted = MessageState::ALL.iter().copied().filter(|state| {
            self.state.is_none_or(|s| s == *state)
                && self.direction.is_none_or(|d| inbound(*state) == (d == Direction::Inbound))
        });
        Some(wanted.map(MessageState::as_str).collect())
    }
}

const LIST: &str = "
SELECT * FROM messages
WHERE id < $1
    AND ($3::uuid IS NULL OR contact_id = $3)
    AND ($4::uuid IS NULL OR job_id = $4)
    AND ($5::text[] IS NULL OR state = ANY ($5))
ORDER BY id DESC
LIMIT $2";

/// A page of the tenant's messages.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, filter: &Filter, page: Page) -> DbResult<Paged<Message>> {
    let rows: Vec<Message> = sql_query(LIST)
        .bind::<Uuid, _>(page.before())
        .bind::<BigInt, _>(page.fetch())
        .bind::<Nullable<Uuid>, _>(filter.contact)
        .bind::<Nullable<Uuid>, _>(filter.job)
        .bind::<Nullable<Array<Text>>, _>(filter.states())
        .load(tx)
        .await?;
    Ok(page.cut(rows, |message| message.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_and_state_meet() {
        let of = |state, direction| Filter { state, direction, ..Filter::default() }.states();
        assert_eq!(of(None, None), None);
        assert_eq!(of(None, Some(Direction::Inbound)), Some(vec!["received"]));
        assert_eq!(of(Some(MessageState::Sent), Some(Direction::Inbound)), Some(vec![]));
        assert_eq!(of(Some(MessageState::Sent), Some(Direction::Outbound)), Some(vec!["sent"]));
        assert_eq!(of(None, Some(Direction::Outbound)).map(|s| s.len()), Some(MessageState::ALL.len() - 1));
    }
}
