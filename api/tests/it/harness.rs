//! An API in this process, with a database of its own and two tenants that must never see each other.

use std::{sync::Arc, time::Duration};

use patchbay_api::{
    app::{App, Parts},
    http::{keyring::Keyring, limits::Limits},
    jobs::watch::Watcher,
    messages::Acceptor,
    provider_accounts, server,
    webhooks::Intake,
};
use patchbay_db::{Db, Pools, ids::TenantId, testdb::TestDb};
use patchbay_domain::api_keys::{self, KeyMode, NewKey};
use patchbay_domain::events::Cause;
use patchbay_queue::{Dispatcher, Lanes, lanes::Window, ledger::DepthGuard};
use patchbay_service::{Config, Process, Shutdown, Sources, SystemClock, SystemEntropy, health::Health};
use poem::{
    Endpoint, Request, Response,
    endpoint::BoxEndpoint,
    http::{HeaderMap, Method, StatusCode},
};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// The system key of every test.
pub const SYSTEM_KEY: &str = "pb_sys_for_the_tests_of_the_api";

/// A tenant and a key of it that may do everything.
pub struct Tenant {
    pub id: TenantId,
    pub key: String,
}

pub struct TestApi {
    pub db: TestDb,
    pub app: App,
    pub a: Tenant,
    pub b: Tenant,
    endpoint: BoxEndpoint<'static>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Reply {
    /// The header as text; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl TestApi {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With settings of its own, as environment variables.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let db = TestDb::new().await;
        let ours = db.db().clone();
        Self::over(db, ours, settings).await
    }

    /// With a Redis that is away.
    pub async fn without_redis() -> Self {
        let db = TestDb::new().await;
        let lanes = Lanes::connect("redis://127.0.0.1:1", db.namespace()).unwrap();
        let pools = Pools::new(db.config()).unwrap();
        let ours = Db::new(pools, db.db().ids().clone(), Dispatcher::start(lanes, Window::default()));
        Self::over(db, ours, &[]).await
    }

    async fn over(db: TestDb, ours: Db, settings: &[(&str, &str)]) -> Self {
        let mut sources = Sources::default()
            .with_env("DATABASE_URL", db.url())
            .with_env("REDIS_URL", "redis://not-used")
            .with_env("PATCHBAY__SECRETS__KEY", &"7a".repeat(32))
            .with_env("PATCHBAY__API__SYSTEM_KEY", SYSTEM_KEY);
        for (name, value) in settings {
            sources = sources.with_env(name, value);
        }
        let config = Config::from_sources(Process::Api, &sources).unwrap();
        let entropy: Arc<dyn patchbay_service::Entropy> = Arc::new(SystemEntropy);
        let clock: Arc<dyn patchbay_service::Clock> = Arc::new(SystemClock);
        let sealer = config.secrets.sealer(Arc::clone(&entropy)).unwrap();
        let providers = provider_accounts::providers(&config).unwrap();
        let depth = DepthGuard::new(config.queue.tenant_depth.into());
        let app = App::new(Parts {
            db: ours.clone(),
            webhooks: Intake::new(&ours, &clock, &sealer, providers.clone(), &config.api),
            acceptor: Acceptor::new(&ours, &clock, &depth),
            depth,
            providers,
            keys: Keyring::new(ours.clone(), config.api.system_key.as_ref()),
            limits: Limits::new(&config.limits),
            jobs: Watcher::new(ours, CancellationToken::new()),
            clock,
            sealer,
            entropy,
            config,
        });
        let health = Health::builder("patchbay-api", &Shutdown::new()).build();
        let endpoint = poem::EndpointExt::boxed(server::endpoint(&app, &health));
        let (a, b) = (tenant(&db, &app).await, tenant(&db, &app).await);
        Self { db, app, a, b, endpoint }
    }

    /// A key of `tenant` with these scopes.
    pub async fn key(&self, tenant: TenantId, scopes: &[&str]) -> String {
        key(&self.app, tenant, scopes).await
    }

    /// Sends a request with extra headers.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path.parse().unwrap());
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => request.content_type("application/json").body(body.to_string()),
            None => request.finish(),
        };
        self.raw(request).await
    }

    /// Sends a request as it is.
    pub async fn raw(&self, request: Request) -> Reply {
        read(self.open(request).await).await
    }

    /// Sends a request, and leaves the body of its answer to be read.
    pub async fn open(&self, request: Request) -> Response {
        let response = tokio::time::timeout(Duration::from_secs(60), self.endpoint.call(request)).await.unwrap();
        response.unwrap()
    }

    pub async fn get(&self, path: &str, key: &str) -> Reply {
        self.send(Method::GET, path, Some(key), None, &[]).await
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, Some(key), Some(body), &[]).await
    }

    pub async fn patch(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.send(Method::PATCH, path, Some(key), Some(body), &[]).await
    }

    pub async fn delete(&self, path: &str, key: &str) -> Reply {
        self.send(Method::DELETE, path, Some(key), None, &[]).await
    }
}

async fn read(mut response: Response) -> Reply {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.take_body().into_string().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status, headers, body, text }
}

async fn tenant(db: &TestDb, app: &App) -> Tenant {
    let id = db.tenant().await;
    Tenant { id, key: key(app, id, &["*"]).await }
}

async fn key(app: &App, tenant: TenantId, scopes: &[&str]) -> String {
    let now = app.clock.now();
    let issued = api_keys::issue(KeyMode::Test, app.entropy.array());
    let new = NewKey {
        id: app.db.new_id(now),
        tenant,
        name: "a test's key".to_owned(),
        hash: issued.hash,
        hint: issued.hint,
        mode: KeyMode::Test,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_at: None,
    };
    let mut tx = app.db.begin(tenant).await.unwrap();
    let cause = Cause { ids: app.db.ids(), now, request_id: None };
    api_keys::insert(&mut tx, &cause, new).await.unwrap();
    tx.commit().await.unwrap();
    issued.secret.expose_secret().to_owned()
}
