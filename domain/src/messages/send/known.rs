//! What stands against taking a message found at the provider for an uncertain one of ours.

use std::collections::HashSet;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Double, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{MessageId, ProviderAccountId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

/// What is known around some uncertain messages of one account.
#[derive(Debug, Default)]
pub struct Known {
    /// The provider's ids, of those asked about, that are ours already.
    pub taken: HashSet<String>,
    /// Uncertain messages with a twin on its way (same recipient, same text): whose a found message is
    /// cannot be told until that one's answer is recorded.
    pub twins: HashSet<MessageId>,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Text)]
    provider_message_id: String,
}

#[derive(QueryableByName)]
struct Twin {
    #[diesel(sql_type = Uuid)]
    id: MessageId,
}

const TAKEN: &str = "
SELECT provider_message_id FROM messages WHERE provider_account_id = $1 AND provider_message_id = ANY ($2)";

const TWINS: &str = "
SELECT u.id FROM messages u
WHERE u.id = ANY ($1) AND EXISTS (
    SELECT FROM messages o
    WHERE o.state = 'sending' AND o.id <> ALL ($1) AND o.provider_account_id = u.provider_account_id
        AND o.to_address = u.to_address AND o.body = u.body AND o.attempted_at >= now() - make_interval(secs => $2))";

/// What is known of the provider ids `found` and around the uncertain messages `uncertain`.
///
/// # Errors
/// The database's.
pub async fn known(
    tx: &mut Tx,
    account: ProviderAccountId,
    uncertain: &[MessageId],
    found: &[String],
    settle: Duration,
) -> DbResult<Known> {
    let taken: Vec<Taken> = statement(TAKEN).bind::<Uuid, _>(account).bind::<Array<Text>, _>(found).load(tx).await?;
    let twins: Vec<Twin> =
        statement(TWINS).bind::<Array<Uuid>, _>(uncertain).bind::<Double, _>(settle.as_secs_f64()).load(tx).await?;
    Ok(Known {
        taken: taken.into_iter().map(|row| row.provider_message_id).collect(),
        twins: twins.into_iter().map(|row| row.id).collect(),
    })
}
