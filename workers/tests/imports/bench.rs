//! A workbench: a tenant, a way to upload and run a file, and questions to the database.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use patchbay_db::Db;
use patchbay_db::ids::{ImportId, JobId, TenantId};
use patchbay_db::testdb::TestDb;
use patchbay_domain::events::Cause;
use patchbay_domain::imports::file::{EncodingScan, FileError, Inspection, inspect};
use patchbay_domain::imports::mapping::MappingEntry;
use patchbay_domain::imports::options::Options;
use patchbay_domain::imports::store::{self, CHUNK_BYTES, Problem, StartRequest};
use patchbay_domain::imports::{Counts, Import};
use patchbay_queue::{JobError, Outcome};
use patchbay_service::{Clock, SystemClock};
use patchbay_workers::imports::leads::{LeadImporter, Watch};

/// Lets a run go on until it is told to stop.
#[derive(Default)]
pub struct Onlooker {
    pub cancel: bool,
}

#[async_trait]
impl Watch for Onlooker {
    fn is_cancelled(&self) -> bool {
        self.cancel
    }

    async fn progress(&self, _: Counts) {}
}

pub struct Bench {
    pub test: TestDb,
    pub tenant: TenantId,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Texts {
    #[diesel(sql_type = Array<Nullable<Text>>)]
    row: Vec<Option<String>>,
}

pub fn mapping(lines: &[(&str, &str)]) -> Vec<MappingEntry> {
    lines.iter().map(|(column, field)| MappingEntry { column: (*column).into(), field: (*field).into() }).collect()
}

impl Bench {
    pub async fn new() -> Self {
        let test = TestDb::new().await;
        let tenant = test.tenant().await;
        Self { test, tenant }
    }

    pub fn db(&self) -> &Db {
        self.test.db()
    }

    pub fn now(&self) -> DateTime<Utc> {
        SystemClock.now()
    }

    pub fn cause(&self) -> Cause<'_> {
        Cause { ids: self.db().ids(), now: self.now(), request_id: None }
    }

    pub fn importer(&self) -> LeadImporter {
        LeadImporter::new(self.db().clone(), Arc::new(SystemClock))
    }

    pub fn look_at(bytes: &[u8]) -> Result<Inspection, FileError> {
        let mut scan = EncodingScan::default();
        bytes.chunks(1000).for_each(|piece| scan.feed(piece));
        inspect(&scan.finish()?)
    }

    /// Uploads a file, in pieces of `chunk` bytes.
    pub async fn upload(&self, bytes: &[u8], chunk: usize) -> ImportId {
        self.upload_pieces(&Self::look_at(bytes).unwrap(), bytes.chunks(chunk).map(<[u8]>::to_vec)).await
    }

    /// Uploads a file that is never whole, found to be what `file` says.
    pub async fn upload_pieces(&self, file: &Inspection, pieces: impl Iterator<Item = Vec<u8>>) -> ImportId {
        let id: ImportId = self.db().new_id(self.now());
        let mut tx = self.db().begin(self.tenant).await.unwrap();
        store::create(&mut tx, &self.cause(), id, "leads.csv").await.unwrap();
        let mut size = 0;
        for (seq, piece) in (0..).zip(pieces) {
            store::append_chunk(&mut tx, id, seq, &piece).await.unwrap();
            size += i64::try_from(piece.len()).unwrap();
        }
        store::uploaded(&mut tx, &self.cause(), id, size, file, None, &Options::default()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub async fn start(&self, id: ImportId, lines: &[(&str, &str)], options: Options, dry_run: bool) -> JobId {
        let request = StartRequest { mapping: Some(mapping(lines)), options: Some(options), dry_run, trace: None };
        let mut tx = self.db().begin(self.tenant).await.unwrap();
        let import = store::start(&mut tx, &self.cause(), id, request).await.unwrap();
        tx.commit().await.unwrap();
        import.job_id.unwrap()
    }

    pub async fn run(&self, id: ImportId, job: JobId) -> Result<Outcome, JobError> {
        self.importer().import(self.tenant, job, id, &Onlooker::default(), None).await
    }

    /// Uploads, starts and runs a file to its end.
    pub async fn import(&self, bytes: &[u8], lines: &[(&str, &str)], options: Options) -> Import {
        let id = self.upload(bytes, CHUNK_BYTES).await;
        let job = self.start(id, lines, options, false).await;
        self.run(id, job).await.unwrap();
        self.get(id).await
    }

    pub async fn get(&self, id: ImportId) -> Import {
        let mut tx = self.db().begin(self.tenant).await.unwrap();
        store::get(&mut tx, id).await.unwrap()
    }

    pub async fn problems(&self, id: ImportId) -> Vec<Problem> {
        let mut tx = self.db().begin(self.tenant).await.unwrap();
        store::problems(&mut tx, id, 0, 1000).await.unwrap()
    }

    pub async fn codes(&self, id: ImportId) -> Vec<(i32, String)> {
        self.problems(id).await.into_iter().map(|problem| (problem.row_number, problem.code)).collect()
    }

    /// What `SELECT count(*) AS n …` says.
    pub async fn count(&self, sql: &str) -> i64 {
        let mut tx = self.db().begin(self.tenant).await.unwrap();
        let number: Number = diesel::sql_query(sql).get_result(&mut *tx).await.unwrap();
        number.n
    }

    /// What `SELECT ARRAY[…] AS row …` says.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let mut tx = self.db().begin(self.tenant).await.unwrap();
        let rows: Vec<Texts> = diesel::sql_query(sql).load(&mut *tx).await.unwrap();
        rows.into_iter().map(|texts| texts.row.into_iter().map(Option::unwrap_or_default).collect()).collect()
    }

    pub async fn execute(&self, sql: &str) {
        let mut tx = self.db().system("a test arranges things").await.unwrap();
        diesel::sql_query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// How the counts stand: total, created, updated, skipped, failed.
pub fn counts(import: &Import) -> [i32; 5] {
    let counts = import.counts;
    assert_eq!(counts.done, counts.total, "{import:?}");
    [counts.total, counts.created, counts.updated, counts.skipped, counts.failed]
}
