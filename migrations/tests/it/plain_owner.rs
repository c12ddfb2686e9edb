//! Everything works when the database belongs to an ordinary login, as with a managed PostgreSQL.
//!
//! Forced row-level security binds such an owner, a superuser not: what works for the one can silently do
//! the wrong thing for the other.

use patchbay_db::migrate;
use patchbay_db::testdb::TestDb;
use secrecy::{ExposeSecret, SecretString};

use crate::support::{EmptyDb, owner, texts};

/// A login of its own for a test; logins belong to the whole server, so it is dropped at the end.
struct Login {
    name: String,
    url: SecretString,
    admin: tokio_postgres::Client,
}

impl Login {
    async fn new(db_url: &str, privileges: &str) -> Self {
        let admin = owner(db_url).await;
        let mut url: url::Url = db_url.parse().unwrap();
        let name = format!("login_of{}", url.path().replace('/', "_"));
        admin
            .batch_execute(&format!(
                "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD 'only-a-test' {privileges}"
            ))
            .await
            .unwrap();
        url.set_username(&name).unwrap();
        url.set_password(Some("only-a-test")).unwrap();
        Self { name, url: url.to_string().into(), admin }
    }

    async fn client(&self) -> tokio_postgres::Client {
        owner(self.url.expose_secret()).await
    }

    async fn drop(self) {
        let Self { name, admin, .. } = self;
        let gone = format!("REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}");
        admin.batch_execute(&gone).await.unwrap();
    }
}

#[tokio::test]
async fn retention_of_a_plain_owner_drops_no_unfinished_job() {
    let db = EmptyDb::new().await;
    let login = Login::new(db.url(), "CREATEROLE").await;
    let name = &login.name;
    login
        .admin
        .batch_execute(&format!(
            "GRANT patchbay_app, patchbay_system TO {name};
             DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO {name}', current_database()); END $$;
             ALTER SCHEMA public OWNER TO {name};
             ALTER TABLE __diesel_schema_migrations OWNER TO {name};"
        ))
        .await
        .unwrap();
    migrate::up(&login.url).await.unwrap();
    let client = login.client().await;
    client
        .batch_execute(
            "SELECT queue.ensure_partitions('2026-01-01', 2);
             SET ROLE patchbay_system;
             INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts, state)
             SELECT gen_random_uuid(), queue.uuid_floor(day), 'q', 'k', 1, '', now(), 3, state FROM (VALUES
                ('2026-01-01 10:00Z'::timestamptz, 'waiting'), ('2026-01-01 11:00Z', 'succeeded'),
                ('2026-01-02 10:00Z', 'succeeded'), ('2025-01-01 10:00Z', 'succeeded')) rows (day, state)",
        )
        .await
        .unwrap();
    assert_eq!(texts(&client, "SELECT queue.drop_partitions('2026-02-01')::text").await, ["1"]);
    assert_eq!(texts(&client, "SELECT state FROM queue.jobs").await, ["waiting"]);
    client.batch_execute("RESET ROLE").await.unwrap();
    login.drop().await;
}

#[tokio::test]
async fn separate_logins_of_each_role_get_their_timeouts_with_each_begin() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let app = Login::new(db.url(), "IN ROLE patchbay_app").await;
    let mut config = db.config().clone();
    config.app_url = Some(app.url.clone());
    let separate = db.another(&config);
    let mut tx = separate.begin(tenant).await.unwrap();
    let timeouts = "DO $$ BEGIN ASSERT current_setting('statement_timeout') = '30s'
        AND current_setting('idle_in_transaction_session_timeout') = '1min'
        AND (SELECT count(*) FROM tenants) = 1; END $$";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *tx, timeouts).await.unwrap();
    tx.rollback().await.unwrap();
    app.drop().await;
}

#[tokio::test]
async fn an_application_login_that_may_act_for_the_system_is_refused() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let both = Login::new(db.url(), "IN ROLE patchbay_app, patchbay_system").await;
    let mut config = db.config().clone();
    config.app_url = Some(both.url.clone());
    let refused = db.another(&config).begin(tenant).await.err().unwrap();
    assert!(format!("{refused:?}").contains("not as patchbay_system"), "{refused:?}");
    both.drop().await;
}
