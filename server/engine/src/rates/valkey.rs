//! Slices of a minute handed out by Valkey, or by anything that speaks its protocol, to all servers that ask the same one.
//!
//! It is never waited for: whoever gets no answer soon asks the database instead, and so does everybody after them until
//! Valkey was seen to answer again. The minute in which that happens is counted by both, so its limits may be passed once
//! over; which is why nobody goes back before the next one begins.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use marketplace::fault::Fault;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, Script};
use store::rate::{Limits, Need, Share, Slice};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// How long a call waits for a slice before it turns to the database.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a connection may take; no call waits for one.
const CONNECT: Duration = Duration::from_millis(500);
/// Scripts there count in floating point, which is exact as far as this and somewhat beyond. Nobody asks as much in a minute.
const EXACT_MAX: i64 = 1 << 50;
/// What the script says of each slice.
const NUMBERS: usize = 6;

/// Where Valkey is. Whoever prints it sees no password.
#[derive(Clone)]
pub struct ValkeyAddress(Client);

impl ValkeyAddress {
    /// Reads `redis://`, `rediss://` or `unix://`. What is wrong with it is said without repeating it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let fault = |problem: &str| Fault::invalid("MERCATO_VALKEY_URL", problem);
        let info = text.trim().into_connection_info().map_err(|cause| {
            fault(&format!(
                "is not an address such as redis://valkey:6379, rediss://name:password@valkey:6379/0 or \
                 unix:///run/valkey.sock: {cause}"
            ))
        })?;
        if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
            return Err(fault("must not end in #insecure: certificates are always checked"));
        }
        // Waiting for more to send costs more than a slice.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Client::open(info).map(Self).map_err(|cause| fault(&format!("cannot be used: {cause}")))
    }
}

impl fmt::Display for ValkeyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.get_connection_info().addr().fmt(f)
    }
}

impl fmt::Debug for ValkeyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValkeyAddress({self})")
    }
}

/// A slice that is wanted.
#[derive(Debug)]
pub(super) struct Wish {
    /// Under which it is counted.
    pub name: String,
    pub limits: Limits,
    pub need: Need,
}

pub(crate) struct Valkey {
    address: ValkeyAddress,
    script: Script,
    /// Absent while the database counts.
    connection: ArcSwapOption<MultiplexedConnection>,
    times_lost: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it did not answer in {} ms", .0.as_millis())]
    Late(Duration),
    #[error("{0}")]
    Refused(#[from] redis::RedisError),
    #[error("its answer was not understood")]
    Garbled,
}

impl Valkey {
    pub fn at(address: ValkeyAddress) -> Self {
        Self {
            address,
            script: Script::new(include_str!("slices.lua")),
            connection: ArcSwapOption::empty(),
            times_lost: AtomicU64::new(0),
        }
    }

    /// Whether it is what counts now.
    pub fn is_up(&self) -> bool {
        self.connection.load().is_some()
    }

    /// How often it was given up.
    pub fn times_lost(&self) -> i64 {
        self.times_lost.load(Ordering::Relaxed).cast_signed()
    }

    /// For a server that begins: counts there at once, if it answers.
    pub async fn start(&self) {
        match self.reach().await {
            Ok((connection, _)) => {
                self.connection.store(Some(Arc::new(connection)));
                info!("limits a minute are counted in Valkey at {}", self.address);
            }
            Err(cause) => warn!(
                %cause,
                "Valkey at {} cannot be used; limits a minute are counted in the database until it can", self.address
            ),
        }
    }

    /// Goes back to it once it answers, at the turn of a minute: of one minute not more than two counters tell.
    pub async fn go_back(&self) {
        if self.is_up() {
            return;
        }
        let Ok((_, left)) = self.reach().await else { return };
        sleep(left).await;
        if let Ok((connection, _)) = self.reach().await {
            self.connection.store(Some(Arc::new(connection)));
            info!("Valkey at {} answers; limits a minute are counted there again", self.address);
        }
    }

    /// Slices, one for each wish in the same order; nothing when it is the database that must be asked.
    pub(super) async fn take(&self, wishes: &[Wish]) -> Option<Vec<Slice>> {
        let connection = self.connection.load_full()?;
        match self.ask(&connection, wishes).await {
            Ok((_, slices)) => Some(slices),
            Err(cause) => {
                self.lose(&connection, &cause);
                None
            }
        }
    }

    /// Gives a connection up. Whoever is first says so; what others were waiting for on it may fail after that.
    fn lose(&self, connection: &Arc<MultiplexedConnection>, cause: &Failure) {
        let before = self.connection.compare_and_swap(connection, None);
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, connection)) {
            self.times_lost.fetch_add(1, Ordering::Relaxed);
            warn!(
                %cause,
                "Valkey at {} was given up; limits a minute are counted in the database until it answers again",
                self.address
            );
        }
    }

    /// Connects and makes sure that slices can be had there; answers how much of the minute is left by its clock.
    async fn reach(&self) -> Result<(MultiplexedConnection, Duration), Failure> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = self.address.0.get_multiplexed_async_connection_with_config(&config);
        let connection = timeout(CONNECT, connecting).await.map_err(|_| Failure::Late(CONNECT))??;
        let (now, _) = self.ask(&connection, &[]).await?;
        let left = 60_000 - u64::try_from(now).map_err(|_| Failure::Garbled)? % 60_000;
        Ok((connection, Duration::from_millis(left)))
    }

    /// Runs the script, which is sent along only where it is not known yet.
    async fn ask(
        &self,
        connection: &MultiplexedConnection,
        wishes: &[Wish],
    ) -> Result<(i64, Vec<Slice>), Failure> {
        let mut call = self.script.prepare_invoke();
        for Wish { name, limits, need } in wishes {
            call.key(name)
                .arg(written(limits.requests))
                .arg(need.requests.min(EXACT_MAX))
                .arg(written(limits.tokens))
                .arg(need.tokens.min(EXACT_MAX));
        }
        let mut connection = connection.clone();
        let asked = call.invoke_async::<Vec<i64>>(&mut connection);
        let told = timeout(PATIENCE, asked).await.map_err(|_| Failure::Late(PATIENCE))??;
        read(&told, wishes).ok_or(Failure::Garbled)
    }
}

/// A limit as the script takes it.
fn written(limit: Option<i64>) -> String {
    limit.map(|limit| limit.min(EXACT_MAX).to_string()).unwrap_or_default()
}

fn read(told: &[i64], wishes: &[Wish]) -> Option<(i64, Vec<Slice>)> {
    let (now, told) = told.split_first()?;
    if told.len() != NUMBERS * wishes.len() {
        return None;
    }
    let slice = |(told, wish): (&[i64], &Wish)| {
        let &[requests, requests_left, tokens, tokens_left, minute, millis_left] = told else { return None };
        let limits = &wish.limits;
        Some(Slice {
            owner: limits.owner,
            owner_name: limits.owner_name.clone(),
            requests: Share { limit: limits.requests, granted: requests, left: requests_left },
            tokens: Share { limit: limits.tokens, granted: tokens, left: tokens_left },
            minute,
            millis_left,
        })
    };
    let slices: Option<Vec<Slice>> = told.chunks_exact(NUMBERS).zip(wishes).map(slice).collect();
    Some((*now, slices?))
}

#[cfg(test)]
mod tests;
