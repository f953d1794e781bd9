//! A second server on a market's database: a process of its own, which can be killed.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, RequestBuilder};

use super::{MASTER_KEY, Market};

const STARTED: Duration = Duration::from_secs(30);

pub struct Fellow {
    base: String,
    client: Client,
    process: Child,
}

impl Market {
    pub async fn fellow(&self) -> Fellow {
        self.fellow_buying_from(self.simulator.addr).await
    }

    /// A server that takes whoever listens at this address for OpenAI.
    pub async fn fellow_buying_from(&self, vendor: SocketAddr) -> Fellow {
        self.fellow_with(vendor, |_| {}).await
    }

    /// A server with other settings.
    pub async fn fellow_with(&self, vendor: SocketAddr, change: impl FnOnce(&mut Command)) -> Fellow {
        let addr = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mercato"));
        command
            // No `.env` lies there.
            .current_dir(std::env::temp_dir())
            .env("DATABASE_URL", &self.database.url)
            .env("MERCATO_ADDR", addr.to_string())
            // Its letters and seals go where nobody keeps any.
            .env("MERCATO_DATA_DIR", self.mail.join("fellow"))
            .env("MERCATO_DEMO", "off")
            // Tests ask as much as they like, unless they are about that.
            .env("MERCATO_RATE_FACTOR", "10000")
            .env("MERCATO_MASTER_KEY", STANDARD.encode(MASTER_KEY))
            .env("MERCATO_EGRESS_ALLOW", vendor.to_string())
            .env("OPENAI_API_KEY", "simulated")
            .env("OPENAI_BASE_URL", format!("http://{vendor}/openai/v1"))
            .env("RUST_LOG", "error")
            .stdout(Stdio::null());
        change(&mut command);
        let process = command.spawn().unwrap();
        let fellow = Fellow { base: format!("http://{addr}"), client: self.client.clone(), process };
        let (begun, ready) = (Instant::now(), format!("{}/readyz", fellow.base));
        while !self.client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(begun.elapsed() < STARTED, "the second server does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        fellow
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .and_then(|listener| listener.local_addr())
        .unwrap()
}

impl Fellow {
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    pub fn put(&self, path: &str) -> RequestBuilder {
        self.client.put(format!("{}{path}", self.base))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    /// `kill -9`.
    pub fn die(self) {}
}

impl Drop for Fellow {
    fn drop(&mut self) {
        // A process that has ended by itself cannot be killed, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
