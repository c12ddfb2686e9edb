//! A tenant with a Twilio account at a simulator, workers, and somebody who takes the webhooks in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Uuid};
use diesel_async::RunQueryDsl as _;
use patchbay_db::ids::{JobId, MessageId, ProviderAccountId, TenantId};
use patchbay_db::testdb::TestDb;
use patchbay_db::{Db, Pools, Tx, TypedId as _};
use patchbay_domain::messages::accept::{self, Call, Content, Draft, Mode, Recipient, Verdict};
use patchbay_domain::messages::raw::{self, NewRaw, RawKind};
use patchbay_domain::messages::{Body, Message, MessageState, get, lane};
use patchbay_domain::payload_seal::PayloadSeal;
use patchbay_domain::provider_accounts::{self, NewAccount, NewSender};
use patchbay_jobs::webhook::Webhook;
use patchbay_providers::{HttpSettings, Registry as Providers, twilio::Twilio};
use patchbay_queue::clock::EngineClock;
use patchbay_queue::lanes::{Block, Place, Waiting, Window};
use patchbay_queue::{Keeper, KeeperSettings, LaneName, Registry, WorkerSettings};
use patchbay_service::connect::Connections;
use patchbay_service::secrets::SealingKey;
use patchbay_service::{Sealer, SystemEntropy, http};
use patchbay_simulator::{AccountSettings, RunningSimulator, Simulator};
use patchbay_workers::messages::{Messaging, Settings, measure};
use patchbay_workers::runtime::QueueWorker;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::web::{Data, Path};
use poem::{EndpointExt as _, Request, Route, Server, handler};

pub const SENDER: &str = "+12025550100";
pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// As long as a test may wait for anything.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct World {
    pub test: TestDb,
    pub tenant: TenantId,
    pub account: ProviderAccountId,
    pub sim: RunningSimulator,
    connections: Connections,
    registry: Registry,
    clock: EngineClock,
    _keeper: tokio_util::sync::DropGuard,
}

/// Stores what the simulator tells, as the API does once it has verified it.
#[derive(Clone)]
struct Taker {
    db: Db,
    tenant: TenantId,
}

#[handler]
async fn take(
    Path((account, what)): Path<(String, String)>,
    request: &Request,
    body: Vec<u8>,
    taker: Data<&Taker>,
) -> poem::http::StatusCode {
    let kind = if what == "status" { RawKind::Status } else { RawKind::Inbound };
    let webhook = Webhook {
        account: account.parse().unwrap(),
        provider: "twilio".to_owned(),
        body,
        query: request.original_uri().query().unwrap_or_default().to_owned(),
        received_at: Utc::now(),
    };
    let raw = NewRaw { kind, webhook, cause: (None, None) };
    let mut tx = taker.db.begin(taker.tenant).await.unwrap();
    raw::store(&mut tx, taker.db.ids(), Utc::now(), vec![raw]).await.unwrap();
    tx.commit().await.unwrap();
    poem::http::StatusCode::NO_CONTENT
}

/// Promotes what is due again, as the scheduler does, until the guard is dropped.
fn keep(connections: &Connections) -> tokio_util::sync::DropGuard {
    let stop = tokio_util::sync::CancellationToken::new();
    let settings = KeeperSettings::new(format!("keeper-{}", uuid::Uuid::now_v7()));
    let keeper = Keeper::new(connections.lanes.clone(), connections.ledger.clone(), settings);
    tokio::spawn(keeper.run(stop.clone()));
    stop.drop_guard()
}

impl World {
    pub async fn new() -> Self {
        Self::with(EngineClock::default()).await
    }

    /// One whose workers run on a machine where it is as late as `local_clock` says.
    pub async fn on_a_machine_at(local_clock: fn() -> DateTime<Utc>) -> Self {
        Self::with(EngineClock::new(local_clock)).await
    }

    async fn with(clock: EngineClock) -> Self {
        let test = TestDb::new().await;
        let tenant = test.tenant().await;
        let db = test.db().clone();
        let account: ProviderAccountId = db.new_id(Utc::now());
        let listener = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = *listener.local_addr()[0].as_socket_addr().unwrap();
        let route = Route::new().at("/v1/webhooks/twilio/:account/:what", poem::post(take));
        let sealer =
            Arc::new(Sealer::new(SealingKey::from_hex(&"5a".repeat(32)).unwrap(), Vec::new(), Arc::new(SystemEntropy)));
        let seal = Arc::new(PayloadSeal::new((*sealer).clone()));
        let taker = Taker { db: db.clone().sealing(seal.clone()), tenant };
        tokio::spawn(Server::new_with_acceptor(listener).run(route.data(taker)));
        let public: url::Url = format!("http://{address}").parse().unwrap();

        let sim = Simulator::start(patchbay_simulator::Config::default()).await.unwrap();
        sim.configure(
            ACCOUNT_SID,
            AccountSettings {
                inbound_url: Some(format!("{public}v1/webhooks/twilio/{account}/inbound")),
                auth_token: Some(TOKEN.to_owned().into()),
                opt_out_handling: false,
                ..AccountSettings::default()
            },
        );
        let config = patchbay_service::Config::from_sources(
            patchbay_service::Process::Worker,
            &patchbay_service::Sources::default()
                .with_env("DATABASE_URL", test.url())
                .with_env("REDIS_URL", "redis://not-used")
                .with_env("PATCHBAY__SECRETS__KEY", &"5a".repeat(32)),
        )
        .unwrap();
        let twilio = HttpSettings { base_url: sim.base_url.parse().unwrap(), total_timeout: Duration::from_secs(1) };
        let providers = Providers::new().with(Twilio::new(http::client(&config.http).unwrap(), twilio));
        let settings = Settings {
            fresh: Duration::from_millis(500),
            check_after: Duration::from_millis(1),
            ..Settings::new(public)
        };
        let time = Arc::new(clock.clone());
        let messaging = Messaging::new(db.clone(), time, sealer.clone(), providers.clone(), settings);
        let lanes = db.dispatcher().lanes().clone();
        for queue in ["sends", "receipts", "inbound", "reconcile"] {
            lanes.open(queue, false).await.unwrap();
        }
        let ledger = Pools::new(test.config()).unwrap().system().clone();
        let connections = Connections { db, ledger, lanes, window: Window::default() };
        let registry = messaging.register(Registry::default()).opening(seal);
        let keeper = keep(&connections);
        let world = Self { test, tenant, account, sim, connections, registry, clock, _keeper: keeper };
        world.add_account(&sealer).await;
        world
    }

    async fn add_account(&self, sealer: &Sealer) {
        let secrets = serde_json::json!({"auth_token": TOKEN});
        let mut tx = self.tx().await;
        let account = NewAccount {
            id: self.account,
            kind: "twilio",
            name: "main".into(),
            external_id: ACCOUNT_SID.into(),
            settings: serde_json::json!({"account_sid": ACCOUNT_SID}),
            credentials: provider_accounts::seal(sealer, self.tenant, self.account, &secrets),
            senders: vec![NewSender {
                id: self.db().new_id(Utc::now()),
                address: SENDER.into(),
                is_default: true,
                rate_per_second: Some(10_000.0),
                usual_rate: 1.0,
            }],
        };
        provider_accounts::create(&mut tx, &account).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub fn db(&self) -> &Db {
        self.test.db()
    }

    pub async fn tx(&self) -> Tx {
        self.db().begin(self.tenant).await.unwrap()
    }

    /// A worker of these queues, at work until it is dropped or stopped.
    pub fn work(&self, queues: &[&str]) -> Vec<QueueWorker> {
        let settings = || {
            let mut settings = WorkerSettings::new(format!("worker-{}", uuid::Uuid::now_v7()), 16);
            settings.lease = Duration::from_secs(2);
            settings.clock = self.clock.clone();
            settings
        };
        let start = |queue: &&str| QueueWorker::start(queue, settings(), &self.connections, self.registry.clone());
        queues.iter().map(start).collect()
    }

    pub async fn send(&self, texts: &[(&str, &str)]) -> (JobId, Vec<MessageId>) {
        self.send_traced(texts, None).await
    }

    pub async fn send_traced(&self, texts: &[(&str, &str)], trace: Option<&str>) -> (JobId, Vec<MessageId>) {
        let draft = |(to, body): &(&str, &str)| Draft {
            to: Recipient::Address((*to).into()),
            content: Content::Text(Body((*body).into())),
            class: None,
        };
        let call = Call {
            from: None,
            send_at: None,
            mode: Mode::Strict,
            drafts: texts.iter().map(draft).collect(),
            trace: trace.map(str::to_owned),
            request_id: None,
        };
        let mut tx = self.tx().await;
        let verdicts = accept::accept(&mut tx, self.db().ids(), Utc::now(), measure, vec![call]).await.unwrap();
        tx.commit().await.unwrap();
        let Verdict::Accepted { job, .. } = &verdicts[0] else { panic!("{:?}", verdicts[0]) };
        (*job, verdicts[0].message_ids())
    }

    pub async fn send_one(&self, to: &str, body: &str) -> (JobId, MessageId) {
        let (job, messages) = self.send(&[(to, body)]).await;
        (job, messages[0])
    }

    pub async fn message(&self, id: MessageId) -> Message {
        get::get(&mut self.tx().await, id).await.unwrap()
    }

    /// Waits until the message is in this state.
    pub async fn until(&self, id: MessageId, state: MessageState) -> Message {
        let wait = async {
            loop {
                let message = self.message(id).await;
                if message.state == state {
                    return message;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(message) => message,
            Err(_) => panic!("{id} is not {state} but {:?}", self.message(id).await),
        }
    }

    /// The state of a job, with its last error.
    pub async fn job(&self, id: JobId) -> (String, String) {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            state: String,
            #[diesel(sql_type = Text)]
            error: String,
        }
        let mut tx = self.tx().await;
        let row: Row = diesel::sql_query(
            "SELECT state, coalesce(last_error, held_reason, '') AS error FROM queue.jobs WHERE id = $1",
        )
        .bind::<Uuid, _>(id.uuid())
        .get_result(&mut *tx)
        .await
        .unwrap();
        (row.state, row.error)
    }

    pub async fn until_job(&self, id: JobId, state: &str) -> String {
        let wait = async {
            loop {
                let (now, error) = self.job(id).await;
                if now == state {
                    return error;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(error) => error,
            Err(_) => panic!("{id} is not {state} but {:?}", self.job(id).await),
        }
    }

    /// Waits until something is in the way of `job`, a message's; answers what.
    pub async fn until_blocked(&self, job: JobId) -> Block {
        let lane = LaneName { tenant: self.tenant.uuid(), lane: lane::of(self.account, SENDER) };
        for _ in 0..PATIENCE.as_millis() / 20 {
            let found = self.connections.lanes.explain("sends", job.uuid(), &lane).await.unwrap();
            if let Waiting::InLane(Place { mut blocks, .. }) = found
                && !blocks.is_empty()
            {
                return blocks.remove(0);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing is in the way of {job}");
    }

    pub async fn count(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let mut tx = self.tx().await;
        let row: Count = diesel::sql_query(sql).get_result(&mut *tx).await.unwrap();
        row.n
    }

    /// Waits until `sql` counts so many.
    pub async fn until_count(&self, sql: &str, wanted: i64) {
        let wait = async {
            while self.count(sql).await != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let messages = self.count("SELECT count(*) AS n FROM messages").await;
            panic!("not {wanted} but {}: {sql} ({messages} messages)", self.count(sql).await);
        }
    }

    pub async fn execute(&self, sql: &str) {
        let mut tx = self.tx().await;
        diesel::sql_query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A phone texts our sender.
    pub async fn phone_texts(&self, from: &str, body: &str) {
        let url = format!("{}/_sim/inbound", self.sim.base_url.trim_end_matches('/'));
        let text = HashMap::from([("account_sid", ACCOUNT_SID), ("from", from), ("to", SENDER), ("body", body)]);
        let client = reqwest::Client::builder().build().unwrap();
        let answer = client.post(url).json(&text).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}
