//! The test database itself: its own, and gone afterwards, also after a kill.

use patchbay_db::testdb::TestDb;

use crate::support::{owner, texts};

fn name(url: &str) -> String {
    url.rsplit('/').next().unwrap().to_owned()
}

fn admin() -> String {
    std::env::var("DATABASE_URL").unwrap()
}

async fn exists(database: &str) -> bool {
    let sql = format!("SELECT 1::text FROM pg_database WHERE datname = '{database}'");
    !texts(&owner(&admin()).await, &sql).await.is_empty()
}

#[tokio::test]
async fn two_tests_do_not_see_each_other() {
    let (one, other) = tokio::join!(TestDb::new(), TestDb::new());
    one.tenant().await;
    assert_ne!(one.namespace(), other.namespace());
    let count = "SELECT count(*)::text FROM tenants";
    assert_eq!(texts(&owner(one.url()).await, count).await, ["1"]);
    assert_eq!(texts(&owner(other.url()).await, count).await, ["0"]);
}

#[tokio::test]
async fn it_is_gone_after_the_test_even_with_open_connections() {
    let db = TestDb::new().await;
    let database = name(db.url());
    let open = db.db().begin(db.tenant().await).await.unwrap();
    assert!(exists(&database).await);
    drop(db);
    assert!(!exists(&database).await);
    drop(open);
}

#[tokio::test]
async fn what_a_killed_test_left_is_swept_by_the_next() {
    let left = "patchbay_test_left_by_a_test_of_the_sweeper";
    let client = owner(&admin()).await;
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {left}")).await.unwrap();
    client.batch_execute(&format!("CREATE DATABASE {left}")).await.unwrap();
    let _next = TestDb::new().await;
    for _ in 0..500 {
        if !exists(left).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{left} is still there");
}
