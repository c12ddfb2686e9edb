//! What several of the tests need: a superuser's eyes, and an empty database.

use patchbay_db::testdb::TestDb;
use secrecy::SecretString;
use tokio_postgres::{Client, NoTls, Row};

/// A connection as the user of the URL: owner of everything, bound by nothing.
pub async fn owner(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A connection as the application role, with no tenant set.
pub async fn app_without_tenant(db: &TestDb) -> Client {
    let client = owner(db.url()).await;
    client.batch_execute("SET ROLE patchbay_app").await.unwrap();
    client
}

/// An empty database without a template's content; gone with the value.
pub struct EmptyDb {
    inner: TestDb,
    pub url: SecretString,
}

impl EmptyDb {
    /// Empties a test database rather than creating one, so that sweeping finds it should the test be killed.
    pub async fn new() -> Self {
        let inner = TestDb::new().await;
        let url: SecretString = inner.url().to_owned().into();
        patchbay_db::migrate::down(&url, usize::MAX).await.unwrap();
        Self { inner, url }
    }

    pub fn url(&self) -> &str {
        self.inner.url()
    }
}

/// One text column of a query.
pub async fn texts(client: &Client, sql: &str) -> Vec<String> {
    let rows: Vec<Row> = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
