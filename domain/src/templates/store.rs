//! The SQL of templates.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::TemplateId;
use patchbay_db::{DbResult, Page, Paged, Tx};
use patchbay_queue::sql::statement;

use super::model::{NewTemplate, Template, TemplateClass, TemplatePatch};

macro_rules! columns {
    () => {
        "id, code, name, channel, locale, class, body, variables, created_at, updated_at, archived_at"
    };
}

/// Makes a template for the channel `sms`.
///
/// # Errors
/// A conflict on `templates_code` if a living template has the code.
pub async fn insert(tx: &mut Tx, new: NewTemplate, now: DateTime<Utc>) -> DbResult<Template> {
    let template = statement(concat!(
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
    .bind::<Timestamptz, _>(now)
    .get_result(tx)
    .await?;
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
    id: TemplateId,
    patch: TemplatePatch,
    now: DateTime<Utc>,
) -> DbResult<Option<Template>> {
    let (body, variables) = patch.body.unzip();
    let query = statement(concat!(
        "UPDATE templates SET
           name = coalesce($3, name), class = coalesce($4, class), body = coalesce($5, body),
           variables = coalesce($6, variables), updated_at = $7
         WHERE tenant_id = $1 AND id = $2 AND archived_at IS NULL RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(id)
    .bind::<Nullable<Text>, _>(patch.name)
    .bind::<Nullable<Text>, _>(patch.class.map(TemplateClass::as_str))
    .bind::<Nullable<Text>, _>(body)
    .bind::<Nullable<Array<Text>>, _>(variables)
    .bind::<Timestamptz, _>(now);
    Ok(query.get_result(tx).await.optional()?)
}

/// Archives a template; one that is archived already keeps its time. None if there is no such template.
///
/// # Errors
/// As any write.
pub async fn archive(tx: &mut Tx, id: TemplateId, now: DateTime<Utc>) -> DbResult<Option<Template>> {
    let query = statement(concat!(
        "UPDATE templates SET archived_at = coalesce(archived_at, $3),
           updated_at = CASE WHEN archived_at IS NULL THEN $3 ELSE updated_at END
         WHERE tenant_id = $1 AND id = $2 RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(id)
    .bind::<Timestamptz, _>(now);
    Ok(query.get_result(tx).await.optional()?)
}
