//! Limits over several API processes.

use patchbay_api::http::limits::Limits;
use patchbay_queue::Lanes;
use patchbay_service::config::{LimitsConfig, RateLimit};
use patchbay_service::{Entropy, SystemEntropy};
use uuid::Uuid;

fn process() -> Limits {
    let rate = RateLimit { per_second: 1, burst: 10 };
    Limits::new(&LimitsConfig { key: rate, tenant: RateLimit { burst: 1_000, ..rate } })
}

fn redis() -> Lanes {
    let url = std::env::var("REDIS_URL").expect("REDIS_URL; cargo xtask sets it");
    let entropy: &dyn Entropy = &SystemEntropy;
    Lanes::connect(&url, &format!("test-{}", hex::encode(entropy.array::<8>()))).unwrap()
}

#[tokio::test]
async fn what_one_process_granted_is_gone_in_the_other() {
    let (one, two, lanes) = (process(), process(), redis());
    let (key, tenant) = (Uuid::from_u128(1), Uuid::from_u128(2));
    one.charge(key, tenant, 9).unwrap();
    two.charge(key, tenant, 1).unwrap();
    one.shared.tell(&lanes).await.unwrap();
    two.shared.tell(&lanes).await.unwrap();
    let refused = two.charge(key, tenant, 1).unwrap_err();
    assert!(!refused.after().unwrap().is_zero());
    assert!(two.charge(Uuid::from_u128(3), tenant, 1).is_ok(), "another key has its own budget");
}

#[tokio::test]
async fn without_redis_each_process_is_on_its_own() {
    let (one, lanes) = (process(), Lanes::connect("redis://127.0.0.1:1", "test").unwrap());
    let (key, tenant) = (Uuid::from_u128(1), Uuid::from_u128(2));
    one.charge(key, tenant, 9).unwrap();
    assert!(one.shared.tell(&lanes).await.is_err());
    assert!(one.charge(key, tenant, 1).is_ok());
    assert!(one.charge(key, tenant, 5).is_err());
}
