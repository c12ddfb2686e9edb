//! A Redis of a test's own, with the append-only file on and a slow log that holds everything.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use uuid::Uuid;

/// Ends with its last handle.
pub struct Server {
    process: Child,
    pub url: String,
    folder: PathBuf,
}

impl Server {
    pub fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("patchbay-redis-{}", Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0", "--dir"])
            .arg(&folder)
            .args(["--slowlog-log-slower-than", "0", "--slowlog-max-len", "20000"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        Self { process, url: format!("redis://127.0.0.1:{port}"), folder }
    }

    /// A connection that waits for its answers however long it takes, once the server is up.
    pub async fn connect(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(&*self.url).unwrap();
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        for _ in 0..200 {
            if let Ok(conn) = client.get_multiplexed_async_connection_with_config(&patient).await {
                return conn;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{} does not answer", self.url);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}
