//! The command line: serve by default, and what an operator needs besides.

mod serve;
mod catalogue;
mod reconcile;
mod prices;
mod vendors;
mod secrets;
mod statement;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use engine::{Actor, Db, Egress, Engine, Limits, Registry, Sender, Settings, WholeCheck};
use tokio::runtime::Builder;

use crate::config::{Config, Environment};
use crate::{openapi, postgres, simulator};

/// An AI model marketplace: one balance, one key, every model.
#[derive(Debug, Parser)]
#[command(name = "mercato", version)]
pub struct Command {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve pages and the API (the default).
    Serve,
    /// Bring the database's schema up to date.
    Migrate,
    /// Make an operator.
    Admin {
        #[command(subcommand)]
        action: AdminAction,
    },
    /// The private database.
    Db {
        #[command(subcommand)]
        action: DbAction,
    },
    /// The books.
    Ledger {
        #[command(subcommand)]
        action: LedgerAction,
    },
    /// What providers bill, beside what is booked.
    Reconcile {
        #[command(subcommand)]
        action: reconcile::ReconcileAction,
    },
    /// Prices that wait to be approved.
    Prices {
        #[command(subcommand)]
        action: prices::PricesAction,
    },
    /// The models.
    Catalogue {
        #[command(subcommand)]
        action: catalogue::CatalogueAction,
    },
    /// Vendors, and the keys of ours at them.
    Vendors {
        #[command(subcommand)]
        action: vendors::VendorsAction,
    },
    /// The master key that everything secret is sealed with.
    Secrets {
        #[command(subcommand)]
        action: secrets::SecretsAction,
    },
    /// What accounts are given to prove their months with.
    Statement {
        #[command(subcommand)]
        action: StatementAction,
    },
    /// Print the description of the REST interface, OpenAPI 3.1.
    Openapi,
    /// Play every vendor over real sockets, for demonstrations and tests.
    SimulateProviders {
        #[arg(long, default_value = "127.0.0.1:4100")]
        addr: SocketAddr,
        /// Answer without the pauses of a real model.
        #[arg(long)]
        instant: bool,
        /// Append what really happened to this file, one JSON object a line.
        #[arg(long)]
        truth: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum AdminAction {
    /// Makes an account an operator. The password is read from MERCATO_ADMIN_PASSWORD or the first line of input.
    Create {
        #[arg(long)]
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum DbAction {
    /// Print the address of the database, starting the private one when it is not running.
    Url,
    /// Stop the private database.
    Stop,
    /// Write everything into a file.
    Backup { file: PathBuf },
    /// Replace everything by what a backup holds.
    Restore { file: PathBuf },
}

#[derive(Debug, Subcommand)]
enum LedgerAction {
    /// Check every invariant over the whole history.
    Verify,
}

#[derive(Debug, Subcommand)]
enum StatementAction {
    /// Check a statement: signature, chain, balances and every charge. Needs no database and asks nobody.
    Verify {
        file: PathBuf,
        /// The key it must be signed with: `public_key` at /api/v1/books of the market.
        #[arg(long)]
        key: Option<String>,
    },
}

impl Command {
    pub fn run(self) -> anyhow::Result<()> {
        start_logging();
        let config = self.config;
        let threads = |count| Builder::new_multi_thread().worker_threads(count).enable_all().build();
        let runtime = threads(config.workers())?;
        match self.action.unwrap_or(Action::Serve) {
            Action::Serve => {
                let drawing = threads(config.drawing_threads())?;
                runtime.block_on(serve::serve(config, drawing.handle().clone()))
            }
            Action::Migrate => runtime.block_on(async {
                let database = Database::open(&config)?;
                Ok(engine::migrate(&database.url).await?)
            }),
            Action::Admin { action: AdminAction::Create { email } } => {
                runtime.block_on(create_admin(config, &email))
            }
            Action::Db { action } => run_db(&config, action),
            Action::Ledger { action: LedgerAction::Verify } => runtime.block_on(verify(config)),
            Action::Reconcile { action } => runtime.block_on(reconcile::run(config, action)),
            Action::Prices { action } => runtime.block_on(prices::run(config, action)),
            Action::Catalogue { action } => runtime.block_on(catalogue::run(config, action)),
            Action::Vendors { action } => runtime.block_on(vendors::run(config, action)),
            Action::Secrets { action } => runtime.block_on(secrets::run(config, action)),
            Action::Statement { action: StatementAction::Verify { file, key } } => {
                statement::verify(&file, key.as_deref())
            }
            Action::Openapi => {
                say(openapi::text().trim_end());
                Ok(())
            }
            Action::SimulateProviders { addr, instant, truth } => {
                runtime.block_on(simulate(addr, instant, truth))
            }
        }
    }
}

/// A database to work with, private or given. A private one is stopped again if this program started it.
pub(crate) struct Database {
    pub url: String,
    /// Where a secret that development makes for itself is kept.
    state_dir: PathBuf,
    private: Option<postgres::Private>,
}

impl Database {
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            return Ok(Self { url: url.clone(), state_dir: config.state_dir(), private: None });
        }
        if config.env == Environment::Production && !config.allow_private_database {
            bail!(
                "DATABASE_URL is not set. In production the private database must be wanted: \
                 set DATABASE_URL, or MERCATO_ALLOW_PRIVATE_DATABASE=true"
            );
        }
        let private = postgres::start(config.data_dir.as_deref())?;
        // Beside the folder of this version's cluster, so that data and key are found or lost together.
        let state_dir =
            private.data_dir.ancestors().nth(2).map_or_else(|| config.state_dir(), Path::to_owned);
        Ok(Self { url: private.url.clone(), state_dir, private: Some(private) })
    }

    pub fn close(self) {
        if let Some(private) = self.private {
            private.stop_if_ours();
        }
    }
}

/// An engine over this configuration; `simulated` is the address of a simulator that plays the vendors.
pub(crate) async fn open_engine(
    config: &Config,
    database: &Database,
    simulated: Option<&str>,
) -> anyhow::Result<Engine> {
    let url = &database.url;
    engine::migrate(url).await.context("the database could not be brought up to date")?;
    let db = Db::connect(url, config.db_connections).await?;
    let mut allowed = config.egress_allow.clone();
    let registry = match simulated {
        Some(base) => {
            let host = base.trim_start_matches("http://");
            allowed = if allowed.is_empty() { host.to_owned() } else { format!("{allowed},{host}") };
            Registry::simulated(base)
        }
        None => Registry::from_settings(|name| std::env::var(name).ok())?,
    };
    let settings = Settings {
        master_key: config.master_key(&database.state_dir)?,
        older_master_key: config.older_master_key()?,
        own_models: config.own_models()?,
        demo: simulated.is_some(),
        test_gateway: config.env == Environment::Development || simulated.is_some(),
        seal_file: Some(database.state_dir.join("book-seals.jsonl")),
        post: config.post()?,
        public_url: config.public_url.clone().filter(|url| !url.trim().is_empty()),
        rates: config.rates(simulated.is_some()),
        valkey: config.valkey()?,
    };
    // Whoever takes nothing of an answer is given up at the door and behind it at the same time.
    let limits = Limits { reader: config.patience.reader, ..Limits::default() };
    let sender = Sender::with_limits(Egress::parse(&allowed)?, limits)?;
    Ok(Engine::open(db, registry, sender, settings).await?)
}

async fn create_admin(config: Config, email: &str) -> anyhow::Result<()> {
    let password = match &config.admin_password {
        Some(password) => password.clone(),
        None => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    let database = Database::open(&config)?;
    let engine = open_engine(&config, &database, None).await?;
    let user = engine.create_admin(&Actor::Operator, email, &password).await?;
    say(&format!("{} is an operator now; sign in and open /admin", user.email));
    database.close();
    Ok(())
}

fn run_db(config: &Config, action: DbAction) -> anyhow::Result<()> {
    match action {
        DbAction::Url => {
            // Whoever asks for the address wants to use it, so a database started here keeps running.
            say(&Database::open(config)?.url);
            Ok(())
        }
        DbAction::Stop => {
            match postgres::stop(config.data_dir.as_deref())? {
                postgres::Stopped::Now { data_dir } => {
                    say(&format!("stopped the database in {}", data_dir.display()))
                }
                postgres::Stopped::WasNotRunning => say("the private database was not running"),
            }
            Ok(())
        }
        DbAction::Backup { file } => {
            let database = Database::open(config)?;
            postgres::backup(&database.url, &file)?;
            say(&format!("wrote {}", file.display()));
            database.close();
            Ok(())
        }
        DbAction::Restore { file } => {
            let database = Database::open(config)?;
            postgres::restore(&database.url, &file)?;
            say(&format!("restored {}", file.display()));
            database.close();
            Ok(())
        }
    }
}

async fn verify(config: Config) -> anyhow::Result<()> {
    let database = Database::open(&config)?;
    let engine = open_engine(&config, &database, None).await?;
    let told = |check: WholeCheck| tell(&format!("[{}/{}] {}", check.step, check.steps, check.name));
    let broken = engine.verify_books(&Actor::Operator, told).await?;
    for violation in &broken {
        say(&format!("{} is broken at {}: {}", violation.invariant, violation.subject, violation.detail));
    }
    database.close();
    if !broken.is_empty() {
        bail!("the books do not balance");
    }
    say("the books balance");
    Ok(())
}

async fn simulate(addr: SocketAddr, instant: bool, truth: Option<PathBuf>) -> anyhow::Result<()> {
    let pace = if instant { simulator::Pace::Instant } else { simulator::Pace::Realistic };
    let running = simulator::start(addr, simulator::Options { pace, truth_log: truth }).await?;
    say(&format!("playing every vendor at http://{}", running.addr));
    tokio::signal::ctrl_c().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is the program's answer to its caller, not a log line")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "this is progress for whoever waits, not a log line")]
fn tell(line: &str) {
    eprintln!("{line}");
}

/// What happens is told in lines, to the standard error.
pub fn start_logging() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,tower_http=warn,sqlx=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
