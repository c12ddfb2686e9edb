//! Tenants: the isolation boundary, and the defaults that everything inside it falls back on.
//!
//! A tenant is made and changed by the operator of the installation (system role); a tenant's own role may only read
//! its row. Users and agencies come with the identity area.

mod model;
mod rules;
mod store;

pub use model::{NewTenant, Tenant, TenantPatch, TenantStatus};
pub use rules::{TenantFault, check};
pub use store::{get, get_own, insert, list, update};
