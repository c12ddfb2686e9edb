//! `GET /v1/contacts`.
//!
//! One filter at most: each has an index with the list's order, and a pair of them has not.

use patchbay_db::ids::ImportId;
use patchbay_domain::contacts::{self, ChannelKind, Filter};
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{Read, default_country, dto::Contact};
use crate::{
    http::{Call, Code, FieldError, Handled, Id, Limit, ListOf, Problem, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List contacts
    ///
    /// Newest first. Takes one filter at most.
    #[oai(path = "/v1/contacts", method = "get", operation_id = "contacts_list", tag = "Tag::Contacts")]
    async fn run(
        &self,
        call: Call<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only the contact with this phone number on its SMS channel.
        phone: Query<Option<String>>,
        /// Only the contact with this e-mail address.
        email: Query<Option<String>>,
        /// Only contacts that this import made.
        import_id: Query<Option<Id<ImportId>>>,
    ) -> Handled<Json<ListOf<Contact>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let mut tx = call.read().await?;
        let filter = match (phone.0, email.0, import_id.0) {
            (None, None, None) => Filter::All,
            (Some(phone), None, None) => {
                let country = default_country(&mut tx).await?;
                let address = contacts::address("?phone", ChannelKind::Sms, &phone, country);
                Filter::Address(ChannelKind::Sms, address.map_err(|fault| unreadable(&fault))?)
            }
            (None, Some(email), None) => {
                let address = contacts::address("?email", ChannelKind::Email, &email, None);
                Filter::Address(ChannelKind::Email, address.map_err(|fault| unreadable(&fault))?)
            }
            (None, None, Some(import)) => Filter::Import(import.0),
            _ => {
                return Err(
                    Problem::new(Code::InvalidRequest, "Take one of the filters phone, email, import_id.").into()
                );
            }
        };
        let found = contacts::list(&mut tx, &filter, page).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, Contact::from)))
    }
}

fn unreadable(fault: &contacts::Fault) -> Problem {
    let field = FieldError::new(fault.pointer.clone(), fault.code, fault.detail.clone());
    Problem::new(Code::InvalidRequest, fault.detail.clone()).with_errors(vec![field])
}
