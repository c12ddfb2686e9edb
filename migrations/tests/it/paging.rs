//! Keyset paging over real rows: every row once, newest first, also while rows are added.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ContactId;
use patchbay_db::testdb::TestDb;
use patchbay_db::{Page, Paged, Tx};
use patchbay_queue::sql::statement;

#[derive(QueryableByName)]
struct Contact {
    #[diesel(sql_type = SqlUuid)]
    id: ContactId,
}

async fn list(tx: &mut Tx, page: Page) -> Paged<ContactId> {
    let rows: Vec<Contact> = statement("SELECT id FROM contacts WHERE id < $1 ORDER BY id DESC LIMIT $2")
        .bind::<SqlUuid, _>(page.before())
        .bind::<BigInt, _>(page.fetch())
        .load(&mut **tx)
        .await
        .unwrap();
    page.cut(rows, |row| row.id).map(|row| row.id)
}

async fn add(db: &TestDb, tx: &mut Tx) -> ContactId {
    let id: ContactId = db.db().new_id(chrono::DateTime::UNIX_EPOCH);
    let tenant = tx.tenant();
    statement("INSERT INTO contacts (tenant_id, id) VALUES ($1, $2)")
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .execute(&mut **tx)
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn every_row_comes_once_newest_first_although_more_are_added() {
    let db = TestDb::new().await;
    let mut tx = db.db().begin(db.tenant().await).await.unwrap();
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.insert(0, add(&db, &mut tx).await);
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = Page::new(Some(3), cursor.as_deref()).unwrap();
        let got = list(&mut tx, page).await;
        add(&db, &mut tx).await;
        seen.extend(got.data);
        match got.next_cursor {
            Some(next) => cursor = Some(next.to_string()),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}
