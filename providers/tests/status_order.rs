//! Receipts may come in any order and any number of times: the outcome is the same.

use patchbay_providers::DeliveryStatus::{self, *};
use proptest::prelude::*;

fn apply(receipts: &[DeliveryStatus]) -> DeliveryStatus {
    receipts.iter().fold(Queued, |current, receipt| if receipt.supersedes(current) { *receipt } else { current })
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(
        (receipts, shuffled) in prop::collection::vec(prop::sample::select(DeliveryStatus::ALL.to_vec()), 0..12)
            .prop_flat_map(|receipts| {
                let twice: Vec<_> = receipts.iter().chain(&receipts).copied().collect();
                (Just(receipts), Just(twice).prop_shuffle())
            }),
    ) {
        prop_assert_eq!(apply(&receipts), apply(&shuffled));
    }

    #[test]
    fn a_state_never_goes_down(receipts in prop::collection::vec(prop::sample::select(DeliveryStatus::ALL.to_vec()), 0..12)) {
        let states: Vec<_> = (0..=receipts.len()).map(|count| apply(&receipts[..count]).rank()).collect();
        prop_assert!(states.is_sorted());
    }
}

#[test]
fn a_final_state_gives_way_only_to_evidence_of_delivery() {
    for last in [Failed, Undelivered, Delivered, Read] {
        for next in DeliveryStatus::ALL.into_iter().filter(|next| next.supersedes(last)) {
            assert!(matches!(next, Undelivered | Delivered | Read), "{next} after {last}");
        }
    }
    assert!(Delivered.supersedes(Undelivered) && !Undelivered.supersedes(Delivered));
    assert!(!Sent.supersedes(Failed) && !Delivered.supersedes(Read));
}

#[test]
fn a_cancelled_message_that_went_out_counts_as_sent() {
    assert_eq!(apply(&[Accepted, Canceled, Sent]), Sent);
    assert_eq!(apply(&[Sending, Canceled]), Sending);
}

#[test]
fn rank_name_and_order_agree() {
    assert!(DeliveryStatus::ALL.is_sorted());
    assert!(DeliveryStatus::ALL.map(DeliveryStatus::rank).is_sorted_by(|a, b| a < b));
    for status in DeliveryStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
}
