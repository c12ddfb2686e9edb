//! Provider accounts: a tenant's credentials at one provider, and the senders behind them.
//!
//! Credentials are sealed before they come here and are opened only by who sends or verifies. A sender's rate is
//! written to the queue's ledger in the transaction that changes the sender, so that no job can start at a rate
//! that the sender does not have.

mod cache;
mod create;
mod credentials;
mod delete;
mod get;
pub mod limits;
mod list;
mod mark;
mod model;
mod patch;
mod sealed;
mod senders;

pub use cache::{AccountCache, AccountError, Opened};
pub use create::{NewAccount, create};
pub use credentials::{CredentialsError, open, seal};
pub use delete::delete;
pub use get::get;
pub use list::list;
pub use mark::mark_auth_failed;
pub use model::{AccountRow, AccountStatus, ProviderAccount, Sender, webhook_path};
pub use patch::{AccountPatch, NewCredentials, patch};
pub use sealed::{SealedAccount, find_tenant, sealed};
pub use senders::{NewSender, SenderError, put_senders};
