//! The database of Patchbay: its SQL, its pools, and the one tenant-scoped way in.
//!
//! Every query of the product runs inside a [`Tx`] (one tenant, row-level security) or, in few named
//! places, a [`SystemTx`]. There is no function that hands out a bare connection to a tenant's data:
//! a query that forgot its tenant would return nothing, and this way it cannot even be written.
//! Rejected: a tenant column filter in each query (forgotten once, leaks for ever), a schema or a
//! database per tenant (a thousand tenants are a thousand migrations).
//!
//! Where things are: [`db`] opens transactions, [`tenant`] and [`system`] are the two kinds ([`Unit`] is either),
//! [`ids`] the typed ids, [`page`] keyset lists, [`migrate`] the SQL's way into the database.

pub mod db;
pub mod error;
#[cfg(feature = "failpoints")]
mod failpoint;
pub mod ids;
pub mod migrate;
pub mod page;
pub mod pool;
mod server;
pub mod statistics;
pub mod system;
pub mod tenant;
#[cfg(feature = "testdb")]
pub mod testdb;
mod transaction;
mod unit;

pub use db::Db;
pub use error::{DbError, DbResult};
pub use ids::{Ids, TypedId};
pub use page::{Cursor, Page, PageError, Paged};
pub use pool::{DbConfig, PgPool, Pools};
pub use system::SystemTx;
pub use tenant::Tx;
pub use unit::Unit;
