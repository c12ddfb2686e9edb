//! `POST /v1/contacts`.
//!
//! A contact comes with its addresses in one call, so that none is ever half made.

use patchbay_domain::contacts::{self, NewChannel, NewContact};
use patchbay_domain::countries::Country;
use poem_openapi::OpenApi;

use super::{
    Write, default_country,
    dto::{ChannelCreate, Contact, ContactCreate},
    faults,
};
use crate::{
    http::{Body, Call, Created, FieldError, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Make a contact
    ///
    /// Answers 409 `already_exists` where another contact has one of the addresses, and names it; 422 for an address
    /// that is none.
    #[oai(path = "/v1/contacts", method = "post", operation_id = "contacts_create", tag = "Tag::Contacts")]
    async fn run(&self, call: Call<Write>, body: Body<ContactCreate>) -> Written<Created<Contact>> {
        let digest = body.digest();
        let (fields, wanted) = body.into_inner().into_domain();
        let mut tx = call.begin_once(digest).await?;
        let country = default_country(&mut tx).await?;
        let channels = new_channels(wanted, country)?;
        let new = NewContact { id: call.app.db.new_id(call.now), fields, channels };
        let made = contacts::create(&mut tx, &call.cause(), new).await;
        let contact = made.map_err(|error| faults::refused(error, "/channels"))?;
        let location = format!("/v1/contacts/{}", contact.row.id);
        tx.finish(Created { location, record: contact.into() }).await
    }
}

/// The addresses in their stored form; every one that is none is named.
fn new_channels(wanted: Vec<ChannelCreate>, country: Option<Country>) -> Result<Vec<NewChannel>, Problem> {
    let mut channels: Vec<NewChannel> = Vec::with_capacity(wanted.len());
    let mut errors = Vec::new();
    for (index, channel) in wanted.into_iter().enumerate() {
        let pointer = format!("/channels/{index}/address");
        match new_channel(channel, &pointer, country) {
            Ok(new) if channels.iter().any(|other| (other.channel, &other.address) == (new.channel, &new.address)) => {
                errors.push(FieldError::new(pointer, "address_twice", "The same address stands before."));
            }
            Ok(new) => channels.push(new),
            Err(error) => errors.extend_from_slice(error.errors()),
        }
    }
    if errors.is_empty() {
        return Ok(channels);
    }
    let detail = errors.iter().map(|error| error.detail.as_str()).collect::<Vec<_>>().join("; ");
    Err(Problem::new(crate::http::Code::ValidationFailed, detail).with_errors(errors))
}

/// One address in its stored form.
pub(super) fn new_channel(
    wanted: ChannelCreate,
    pointer: &str,
    country: Option<Country>,
) -> Result<NewChannel, Problem> {
    let channel = wanted.channel.into();
    let address = contacts::address(pointer, channel, &wanted.address, country);
    let address = address.map_err(|fault| faults::invalid(vec![fault]))?;
    let consent = wanted.consent.map(|consent| consent.into_domain());
    Ok(NewChannel { channel, address, is_primary: wanted.is_primary, consent })
}
