//! Connections: two pools, one per database role.
//!
//! With one `DATABASE_URL` the role and the timeouts are start-up options of the session, so that no statement is
//! needed to set them, `RESET` and `DISCARD ALL` return to them, and a PgBouncer in between refuses the
//! connection instead of lending a session with a role to somebody else. Behind PgBouncer (transaction mode)
//! each role has its own login and its own URL; the timeouts then travel with each BEGIN.
//! Every new connection is asked who it is: a session that row-level security does not bind, or an
//! application login that may also act for the system, is refused. Without that check one wrong URL
//! would show every tenant everything, and nothing else would look odd.

use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt;
use secrecy::SecretString;
use tokio_postgres::SimpleQueryMessage;

use crate::error::{DbError, DbResult};
use crate::server::Server;

/// A pool of one role's connections.
pub type PgPool = Pool<AsyncPgConnection>;
pub(crate) type PgObject = Object<AsyncPgConnection>;

/// How long a connection may take to be made, unless somebody says otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DbConfig {
    /// Where the database is, as a user who may `SET ROLE` to both roles; migrations use it too.
    pub url: SecretString,
    /// A login that belongs to `patchbay_app` alone, where there is one (needed behind PgBouncer).
    pub app_url: Option<SecretString>,
    /// A login that belongs to `patchbay_system`, where there is one.
    pub system_url: Option<SecretString>,
    /// Most connections of the application role.
    pub app_connections: usize,
    /// Most connections of the system role.
    pub system_connections: usize,
    /// How long a connection may take to be made, where the URL does not say it.
    pub connect_timeout: Duration,
    /// How long to wait for a free connection and its BEGIN.
    pub acquire_timeout: Duration,
    /// The server ends a statement after this long.
    pub statement_timeout: Duration,
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
}

impl DbConfig {
    /// The defaults around one URL.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            app_url: None,
            system_url: None,
            app_connections: 16,
            system_connections: 8,
            connect_timeout: CONNECT_TIMEOUT,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            application_name: "patchbay".to_owned(),
        }
    }
}

/// Who a connection acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    App,
    System,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::App => "patchbay_app",
            Self::System => "patchbay_system",
        }
    }
}

/// Both pools. Connections are made when first needed.
#[derive(Clone)]
pub struct Pools {
    pub(crate) app: RolePool,
    pub(crate) system: RolePool,
    pub(crate) acquire_timeout: Duration,
}

#[derive(Clone)]
pub(crate) struct RolePool {
    pub(crate) role: Role,
    pub(crate) pool: PgPool,
    /// What a BEGIN adds for sessions that could not be given their timeouts at start-up.
    pub(crate) preamble: String,
}

impl Pools {
    /// Prepares both pools; does not connect yet.
    ///
    /// # Errors
    /// [`DbError::Config`] for a URL that cannot be read.
    pub fn new(config: &DbConfig) -> DbResult<Self> {
        Ok(Self {
            app: role_pool(config, Role::App, config.app_url.as_ref(), config.app_connections)?,
            system: role_pool(config, Role::System, config.system_url.as_ref(), config.system_connections)?,
            acquire_timeout: config.acquire_timeout,
        })
    }

    /// The system role's pool, for the queue engine: it runs single statements over all tenants' jobs,
    /// each its own transaction. Everything else goes through [`crate::Db`].
    pub fn system(&self) -> &PgPool {
        &self.system.pool
    }

    /// Ends both pools: waiting and later calls fail, connections close as they come back.
    pub fn close(&self) {
        self.app.pool.close();
        self.system.pool.close();
    }
}

/// A statement's plan is made once a connection. PostgreSQL would plan those that take arrays at each call, which is three
/// quarters of what settling one job costs; they are written so that one plan is right for all arrays. Lists, whose
/// filters come and go, run in read-only transactions, which take this back.
const GENERIC: &str = "plan_cache_mode=force_generic_plan";

/// Nothing here runs long enough to be worth compiling: a refill took 555 ms with it and takes 18 ms without.
const UNCOMPILED: &str = "jit=off";

fn role_pool(config: &DbConfig, role: Role, own_url: Option<&SecretString>, size: usize) -> DbResult<RolePool> {
    let url = own_url.unwrap_or(&config.url);
    let mut server = Server::parse(url, config.connect_timeout)?;
    server.config.application_name(&config.application_name);
    let statement_ms = config.statement_timeout.as_millis();
    let idle_ms = 2 * statement_ms;
    let preamble = if own_url.is_some() {
        format!(
            "SET LOCAL statement_timeout={statement_ms};SET LOCAL idle_in_transaction_session_timeout={idle_ms};\
             SET LOCAL {GENERIC};SET LOCAL {UNCOMPILED};"
        )
    } else {
        let given = server.config.get_options().unwrap_or_default();
        let options = format!(
            "{given} -c role={} -c statement_timeout={statement_ms} -c idle_in_transaction_session_timeout={idle_ms} \
             -c {GENERIC} -c {UNCOMPILED}",
            role.name()
        );
        server.config.options(options);
        String::new()
    };
    let mut manager = ManagerConfig::default();
    // A transaction's BEGIN tells whether a connection still lives (see `Transaction::open`); only the queue
    // engine, which takes bare connections from the system pool, needs it told beforehand.
    manager.recycling_method = match role {
        Role::App => RecyclingMethod::Fast,
        Role::System => RecyclingMethod::Verified,
    };
    manager.custom_setup = Box::new(move |_| connect(server.clone(), role).boxed());
    let pool = Pool::builder(AsyncDieselConnectionManager::new_with_config("", manager))
        .max_size(size)
        .build()
        .map_err(|error| DbError::Config(error.to_string()))?;
    Ok(RolePool { role, pool, preamble })
}

async fn connect(server: Server, role: Role) -> ConnectionResult<AsyncPgConnection> {
    let (client, mut connection) = server.connect().await.map_err(|error| refused(&error))?;
    // diesel drives the connection from here on, once the login has been looked at.
    let answer = tokio::select! {
        answer = client.simple_query(WHO) => answer.map_err(|error| refused(&error))?,
        ended = &mut connection => return Err(match ended {
            Ok(()) => bad("the server closed the connection"),
            Err(error) => refused(&error),
        }),
    };
    let is = |column| {
        let rows = answer.iter();
        rows.filter_map(|part| if let SimpleQueryMessage::Row(row) = part { row.get(column) } else { None })
            .any(|value| value == "t")
    };
    match role {
        _ if is(UNBOUND) => {
            return Err(bad("the login is a superuser or bypasses row-level security"));
        }
        Role::App if !is(APP) || is(SYSTEM) => {
            return Err(bad("the login must act as patchbay_app and not as patchbay_system"));
        }
        Role::System if !is(SYSTEM) => return Err(bad("the login cannot act as patchbay_system")),
        Role::App | Role::System => {}
    }
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

const UNBOUND: usize = 0;
const APP: usize = 1;
const SYSTEM: usize = 2;
/// Whether the session escapes row-level security, acts for the application, acts for the system.
const WHO: &str = "SELECT rolsuper OR rolbypassrls, pg_has_role(rolname, 'patchbay_app', 'USAGE'),
    pg_has_role(rolname, 'patchbay_system', 'USAGE') FROM pg_roles WHERE rolname = current_user";

fn refused(error: &tokio_postgres::Error) -> ConnectionError {
    let why = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    ConnectionError::BadConnection(why)
}

fn bad(why: &str) -> ConnectionError {
    ConnectionError::BadConnection(why.to_owned())
}
