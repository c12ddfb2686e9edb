//! The SQL of templates.

use diesel::OptionalExtension;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::TemplateId;
use patchbay_db::{DbResult, Page, Paged, Tx};
use patchbay_queue::sql::statement;
use serde_json::json;

use super::model::{NewTemplate, Template, TemplateClass, TemplatePatch};
use crate::events::{self, Cause};

macro_rules! columns {
    () => {
        "id, code, name, channel, locale, class, body, variables, created_at, updated_at, archived_at"
    };
}

/// Makes a template for the channel `sms`.
///
/// # Errors
/// A conflict on `templates_code` if a living template has the code.
pub async fn insert(tx: &mut Tx, cause: &Cause<'_>, new: NewTemplate) -> DbResult<Template> {
    let template: Template = statement(concat!(
        "INSERT INTO templates (tenant_id, id, code, name, channel, locale, class, body, variables, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 'sms', $5, $6, $7, $8, $9, $9) RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(new.id)
    .bind::<Text, _>(new.code)
    .bind::<Text, _>(new.name)
    .bind::<Text, _>(new.locale)
    .bind::<Text, _>(new.class.as_str())
    .bind::<Text, _>(new.body)
    .bind::<Array<Text>, _>(new.variables)
    .bind::<Timestamptz, _>(cause.now)
    .get_result(tx)
    .await?;
    happened(tx, cause, "template.created", &template).await?;
    Ok(template)
}

/// The template with this id, archived or not.
///
/// # Errors
/// As any query.
pub async fn get(tx: &mut Tx, id: TemplateId) -> DbResult<Option<Template>> {
    let query = statement(concat!("SELECT ", columns!(), " FROM templates WHERE tenant_id = $1 AND id = $2"))
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id);
    Ok(query.get_result(tx).await.optional()?)
}

/// The living template with this code on the channel `sms`, in the locale that was made first if there are several.
///
/// # Errors
/// As any query.
pub async fn get_by_code(tx: &mut Tx, code: &str) -> DbResult<Option<Template>> {
    let query = statement(concat!(
        "SELECT ",
        columns!(),
        " FROM templates WHERE tenant_id = $1 AND code = $2 AND channel = 'sms' AND archived_at IS NULL
         ORDER BY id LIMIT 1"
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Text, _>(code);
    Ok(query.get_result(tx).await.optional()?)
}

/// One page of the templates, newest first, with the archived ones if asked for.
///
/// # Errors
/// As any query.
pub async fn list(tx: &mut Tx, page: Page, code: Option<&str>, archived: bool) -> DbResult<Paged<Template>> {
    let rows = statement(concat!(
        "SELECT ",
        columns!(),
        " FROM templates WHERE tenant_id = $1 AND id < $2 AND ($3 OR archived_at IS NULL) AND ($4 IS NULL OR code = $4)
         ORDER BY id DESC LIMIT $5"
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(page.before())
    .bind::<Bool, _>(archived)
    .bind::<Nullable<Text>, _>(code)
    .bind::<BigInt, _>(page.fetch())
    .load::<Template>(tx)
    .await?;
    Ok(page.cut(rows, |template| template.id))
}

/// Changes a living template; none if there is no such template.
///
/// # Errors
/// As any write.
pub async fn update(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: TemplateId,
    patch: TemplatePatch,
) -> DbResult<Option<Template>> {
    let before = statement(concat!(
        "SELECT ",
        columns!(),
        " FROM templates WHERE tenant_id = $1 AND id = $2 AND archived_at IS NULL FOR UPDATE"
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(id);
    let Some(before) = before.get_result::<Template>(tx).await.optional()? else { return Ok(None) };
    if !patch.changes(&before) {
        return Ok(Some(before));
    }
    let (body, variables) = patch.body.unzip();
    let template: Template = statement(concat!(
        "UPDATE templates SET
           name = coalesce($3, name), class = coalesce($4, class), body = coalesce($5, body),
           variables = coalesce($6, variables), updated_at = $7
         WHERE tenant_id = $1 AND id = $2 RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(id)
    .bind::<Nullable<Text>, _>(patch.name)
    .bind::<Nullable<Text>, _>(patch.class.map(TemplateClass::as_str))
    .bind::<Nullable<Text>, _>(body)
    .bind::<Nullable<Array<Text>>, _>(variables)
    .bind::<Timestamptz, _>(cause.now)
    .get_result(tx)
    .await?;
    happened(tx, cause, "template.updated", &template).await?;
    Ok(Some(template))
}

/// Archives a template; one that is archived already keeps its time. None if there is no such template.
///
/// # Errors
/// As any write.
pub async fn archive(tx: &mut Tx, cause: &Cause<'_>, id: TemplateId) -> DbResult<Option<Template>> {
    let archived = statement(concat!(
        "UPDATE templates SET archived_at = $3, updated_at = $3
         WHERE tenant_id = $1 AND id = $2 AND archived_at IS NULL RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(id)
    .bind::<Timestamptz, _>(cause.now);
    let Some(archived) = archived.get_result(tx).await.optional()? else { return get(tx, id).await };
    happened(tx, cause, "template.archived", &archived).await?;
    Ok(Some(archived))
}

async fn happened(tx: &mut Tx, cause: &Cause<'_>, kind: &'static str, template: &Template) -> DbResult<()> {
    let payload = json!({ "template_id": template.id, "code": template.code });
    events::record(tx, cause, kind, template.id.to_string(), payload).await
}
