//! The test database itself: quick to make, its own, and gone afterwards.
#![expect(clippy::print_stderr, reason = "x")]
use patchbay_db::testdb::TestDb;

#[tokio::test]
async fn time() {
    for _ in 0..10 {
        let t = std::time::Instant::now();
        let db = TestDb::new().await;
        let a = t.elapsed();
        db.tenant().await;
        let b = t.elapsed();
        drop(db);
        eprintln!("made {a:?} tenant {:?} drop {:?}", b - a, t.elapsed() - b);
    }
}
