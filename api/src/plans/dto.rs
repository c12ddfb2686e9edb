//! What plans look like on the wire.

use patchbay_queue::ledger::controls;
use poem_openapi::{Object, types::Example};

use crate::http::Time;

/// A plan.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// A tenant's share of the workers against the others', in every queue; without a plan it is 1.
    pub weight: f64,
    /// How many jobs of a tenant may wait in a queue; what is configured where it is null.
    pub max_waiting: Option<i64>,
    /// When it was last changed.
    pub updated_at: Time,
}

impl From<controls::Plan> for Plan {
    fn from(plan: controls::Plan) -> Self {
        let controls::Plan { name, weight, max_waiting, updated_at } = plan;
        Self { name, weight, max_waiting, updated_at: Time(updated_at) }
    }
}

impl Example for Plan {
    fn example() -> Self {
        Self { name: "pro".to_owned(), weight: 4.0, max_waiting: Some(1_000_000), updated_at: Time::example() }
    }
}

/// A plan to be made or changed.
#[derive(Debug, Object)]
#[oai(example)]
pub struct PlanPut {
    /// A tenant's share of the workers against the others', in every queue.
    #[oai(validator(minimum(value = "0.01"), maximum(value = "1000")))]
    pub weight: f64,
    /// How many jobs of a tenant may wait in a queue; what is configured where it is left out.
    #[oai(validator(minimum(value = "1")))]
    pub max_waiting: Option<i64>,
}

impl Example for PlanPut {
    fn example() -> Self {
        Self { weight: 4.0, max_waiting: Some(1_000_000) }
    }
}
