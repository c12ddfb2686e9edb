//! The lane in which a message waits: its provider account, then its sender.
//!
//! A lane's name is a path, and each prefix of it may have limits of its own: so what holds for a provider account
//! (`pac_…`) holds for all of its senders together, and what holds for a sender (`pac_…~+12025550100`) for it alone.
//! Rejected: the sender only. An account's ceiling would then have to be cut up among its senders beforehand.

use patchbay_db::ids::ProviderAccountId;

/// What stands between the segments of a path.
const SEPARATOR: char = '~';

/// The lane of what `sender` sends through `account`.
#[must_use]
pub fn of(account: ProviderAccountId, sender: &str) -> String {
    format!("{account}{SEPARATOR}{sender}")
}

/// The prefix that all lanes of `account` have.
#[must_use]
pub fn of_account(account: ProviderAccountId) -> String {
    account.to_string()
}

/// The sender of a lane, for people.
#[must_use]
pub fn sender(lane: &str) -> &str {
    lane.split_once(SEPARATOR).map_or(lane, |(_, sender)| sender)
}

#[cfg(test)]
mod tests {
    use patchbay_db::TypedId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_lane_is_the_path_of_its_account_and_sender() {
        let account = ProviderAccountId::from_uuid(Uuid::from_u128(7));
        let lane = of(account, "+12025550100");
        assert_eq!(lane, format!("{account}~+12025550100"));
        assert!(lane.starts_with(&of_account(account)));
        assert_eq!(sender(&lane), "+12025550100");
        assert_eq!(sender("+12025550100"), "+12025550100", "of a job from before lanes were paths");
    }
}
