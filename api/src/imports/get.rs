//! `GET /v1/imports/{id}`.

use patchbay_db::ids::ImportId;
use patchbay_domain::imports::store;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::Import};
use crate::contacts::default_country;
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get an import
    #[oai(path = "/v1/imports/:id", method = "get", operation_id = "imports_get", tag = "Tag::Imports")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The import's id.
        id: Path<Id<ImportId>>,
    ) -> Handled<Json<Import>> {
        let mut tx = call.read().await?;
        let import = store::get(&mut tx, id.0.0).await?;
        let country = default_country(&mut tx).await?;
        tx.commit().await?;
        Ok(Json(Import::of(import, country)))
    }
}
