//! `POST /v1/imports/{id}/cancel`.
//!
//! It does not wait for the worker, which notices before its next batch.

use patchbay_db::ids::ImportId;
use patchbay_domain::imports::store;
use poem_openapi::{OpenApi, param::Path};

use super::{Write, dto::Import};
use crate::contacts::default_country;
use crate::{
    http::{BodyDigest, Call, Code, Done, Id, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Cancel;

#[OpenApi]
impl Cancel {
    /// Cancel an import
    ///
    /// What was written stays; nothing more is written, and the file is dropped. Answers 409 `state_conflict` for an
    /// import that has ended.
    #[oai(path = "/v1/imports/:id/cancel", method = "post", operation_id = "imports_cancel", tag = "Tag::Imports")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The import's id.
        id: Path<Id<ImportId>>,
    ) -> Written<Done<Import>> {
        let mut tx = call.begin_once(BodyDigest::empty()).await?;
        let cancelled = store::cancel(&mut tx, &call.cause(), id.0.0).await?;
        let import = cancelled.ok_or_else(|| Problem::new(Code::StateConflict, "The import has ended."))?;
        let country = default_country(&mut tx).await?;
        tx.finish(Done(Import::of(import, country))).await
    }
}
