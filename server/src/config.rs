//! Every setting, read in one place: from the command line, the environment or `.env`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use engine::{MasterKey, Post, RateLimits, ValkeyAddress};
use marketplace::network::Network;

/// What a demo multiplies plans' limits by: whoever tries it out under load is not to be slowed down by a plan.
const DEMO_RATE_FACTOR: i64 = 10_000;

use crate::door::Patience;

#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where to listen.
    #[arg(long, global = true, env = "MERCATO_ADDR", default_value = "127.0.0.1:3000")]
    pub addr: SocketAddr,
    /// The database. Without it the server runs a private PostgreSQL of its own.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where the private database and generated secrets live.
    #[arg(long, global = true, env = "MERCATO_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    #[arg(long, global = true, env = "MERCATO_ENV", value_enum, default_value = "development")]
    pub env: Environment,
    /// Whether the simulator answers instead of vendors: `auto` in development when no vendor is set up.
    #[arg(long, global = true, env = "MERCATO_DEMO", value_enum, default_value = "auto")]
    pub demo: Demo,
    /// 32 bytes in base64, which everything secret is secured with. Development makes its own.
    #[arg(long, global = true, env = "MERCATO_MASTER_KEY", hide_env_values = true)]
    pub master_key: Option<String>,
    /// The master key that the other one replaces: it still opens what was sealed with it, until
    /// `mercato secrets rotate` has sealed everything with the new one.
    #[arg(long, global = true, env = "MERCATO_MASTER_KEY_OLD", hide_env_values = true)]
    pub master_key_old: Option<String>,
    /// A file of models of your own, written as `catalogue.toml` is.
    #[arg(long, global = true, env = "MERCATO_CATALOGUE")]
    pub catalogue: Option<PathBuf>,
    /// Comma-separated `host:port` that provider addresses may use besides public ones over https at port 443.
    #[arg(long, global = true, env = "MERCATO_EGRESS_ALLOW", default_value = "")]
    pub egress_allow: String,
    /// An operator made at the first start.
    #[arg(long, global = true, env = "MERCATO_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    #[arg(long, global = true, env = "MERCATO_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// The mail server that letters go through, for example `smtps://name:password@mail.example.org`.
    #[arg(long, global = true, env = "MERCATO_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Who letters are from, for example `Mercato <mercato@example.org>`.
    #[arg(long, global = true, env = "MERCATO_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Where people reach this server, for example `https://mercato.example.org`. Letters lead there.
    #[arg(long, global = true, env = "MERCATO_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Connections to the database.
    #[arg(long, global = true, env = "MERCATO_DB_CONNECTIONS", default_value_t = 10)]
    pub db_connections: u32,
    #[command(flatten)]
    pub patience: Patience,
    /// Lets production run on the private database after all.
    #[arg(long, global = true, env = "MERCATO_ALLOW_PRIVATE_DATABASE")]
    pub allow_private_database: bool,
    /// With this bearer token `/metrics` can be read. Without it only from this machine.
    #[arg(long, global = true, env = "MERCATO_METRICS_TOKEN", hide_env_values = true)]
    pub metrics_token: Option<String>,
    /// Comma-separated addresses or networks of proxies before this server, whose `X-Forwarded-For` says who asks.
    #[arg(long, global = true, env = "MERCATO_TRUSTED_PROXIES", default_value = "")]
    pub trusted_proxies: String,
    /// What plans' limits a minute are multiplied by; 0 takes all limits a minute away. In demo mode, where answers cost
    /// nobody anything, it is 10,000 unless it is set.
    #[arg(long, global = true, env = "MERCATO_RATE_FACTOR")]
    pub rate_factor: Option<u32>,
    /// How often in a minute programs at one address may ask; 0 for as often as they like. This machine always may.
    #[arg(long, global = true, env = "MERCATO_ADDRESS_REQUESTS_A_MINUTE", default_value_t = 6_000)]
    pub address_requests_a_minute: u32,
    /// A Valkey or Redis that counts limits a minute instead of the database, for example `redis://valkey:6379`.
    #[arg(long, global = true, env = "MERCATO_VALKEY_URL", hide_env_values = true)]
    pub valkey_url: Option<String>,
    /// Threads that serve; usually one for two cores. docs/performance.md says why.
    #[arg(long, global = true, env = "MERCATO_WORKERS")]
    pub workers: Option<NonZeroUsize>,
    /// The built browser half, styles and pictures.
    #[arg(long, global = true, env = "LEPTOS_SITE_ROOT", default_value = "target/site")]
    pub site_root: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    Development,
    Production,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Demo {
    Auto,
    On,
    Off,
}

impl Config {
    /// The master key as set, or in development one that is made once and kept beside the data.
    pub fn master_key(&self, fallback_dir: &Path) -> anyhow::Result<MasterKey> {
        let text = match &self.master_key {
            Some(text) => text.clone(),
            None if self.env == Environment::Production => {
                bail!("MERCATO_MASTER_KEY is not set; make one with: openssl rand -base64 32")
            }
            None => kept_key(fallback_dir)?,
        };
        read_key(&text, "MERCATO_MASTER_KEY")
    }

    /// The master key that is being replaced, if one is.
    pub fn older_master_key(&self) -> anyhow::Result<Option<MasterKey>> {
        let text = self.master_key_old.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| read_key(text, "MERCATO_MASTER_KEY_OLD")).transpose()
    }

    /// The proxies that are believed.
    pub fn proxies(&self) -> anyhow::Result<Vec<Network>> {
        let read = |text: &str| {
            Network::parse(text).with_context(|| {
                format!("MERCATO_TRUSTED_PROXIES: {text} is neither an address nor a network")
            })
        };
        self.trusted_proxies.split(',').map(str::trim).filter(|text| !text.is_empty()).map(read).collect()
    }

    /// How much may be asked in a minute.
    pub fn rates(&self, is_demo: bool) -> RateLimits {
        let usual = if is_demo { DEMO_RATE_FACTOR } else { 1 };
        RateLimits {
            factor: self.rate_factor.map_or(usual, i64::from),
            requests_from_address: Some(i64::from(self.address_requests_a_minute)).filter(|limit| *limit > 0),
        }
    }

    /// A second thread for the same core is woken for each call and finds nothing to do, and the database needs cores too.
    pub fn workers(&self) -> usize {
        self.workers.map_or_else(|| cores().div_ceil(2), NonZeroUsize::get)
    }

    /// Threads for pages: the rest of the cores.
    pub fn drawing_threads(&self) -> usize {
        cores().saturating_sub(self.workers()).max(1)
    }

    /// What counts limits a minute, if it is not the database.
    pub fn valkey(&self) -> anyhow::Result<Option<ValkeyAddress>> {
        let text = self.valkey_url.as_deref().filter(|text| !text.trim().is_empty());
        Ok(text.map(ValkeyAddress::parse).transpose()?)
    }

    /// The operator's own models, as they are written.
    pub fn own_models(&self) -> anyhow::Result<Option<String>> {
        let path = self.catalogue.as_ref().filter(|path| !path.as_os_str().is_empty());
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .with_context(|| format!("MERCATO_CATALOGUE: {} cannot be read", path.display()))
        };
        path.map(read).transpose()
    }

    /// How letters leave: by the mail server that is set, else in development into a folder of the data directory.
    pub fn post(&self) -> anyhow::Result<Post> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        match (given(&self.smtp_url), given(&self.mail_from)) {
            (Some(url), Some(from)) => {
                // The address of a request is its sender's word, and a letter must not lead wherever that says.
                if self.env == Environment::Production && given(&self.public_url).is_none() {
                    bail!("MERCATO_PUBLIC_URL is not set, and letters must lead somewhere");
                }
                Ok(Post::Smtp { url: url.into(), from })
            }
            (Some(_), None) => bail!("MERCATO_MAIL_FROM is not set; letters must be from somebody"),
            (None, _) if self.env == Environment::Development => {
                Ok(Post::Folder(self.state_dir().join("mail")))
            }
            (None, _) => Ok(Post::Nowhere),
        }
    }

    /// Where things are kept that are not in the database.
    pub fn state_dir(&self) -> PathBuf {
        let home = || std::env::var_os("HOME").map(PathBuf::from);
        let state = || {
            std::env::var_os("XDG_STATE_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(home()?.join(".local/state")))
        };
        self.data_dir
            .clone()
            .or_else(|| Some(state()?.join("mercato")))
            .unwrap_or_else(|| PathBuf::from("mercato-data"))
    }
}

fn read_key(text: &str, variable: &str) -> anyhow::Result<MasterKey> {
    let bytes = STANDARD.decode(text.trim()).with_context(|| format!("{variable} is not base64"))?;
    let key = <[u8; 32]>::try_from(bytes).ok();
    Ok(MasterKey::new(key.with_context(|| format!("{variable} must be 32 bytes in base64"))?))
}

fn kept_key(dir: &Path) -> anyhow::Result<String> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let path = dir.join("master-key");
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Ok(text);
    }
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let text = STANDARD.encode(rand::random::<[u8; 32]>());
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match made {
        Ok(mut file) => file.write_all(text.as_bytes())?,
        // Another server starting at the same time was quicker.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Ok(std::fs::read_to_string(&path)?);
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be written", path.display())),
    }
    Ok(text)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
