//! One cluster: made once by `initdb`, started and stopped by `pg_ctl`.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    DATABASE,
    account::Account,
    binaries::{self, Programs},
    dump::split_password,
    place::{self, Place},
    postmaster::Postmaster,
    program::{feed, run},
};

const USER: &str = "mercato";
const PORT: u16 = 5432;

/// Beginning of the folder's name while `initdb` fills it; only a finished one is called `data`.
const UNFINISHED: &str = "data.new-";

/// Added to what `initdb` writes, where `alter system` can change it later.
const SETTINGS: &str = "\
shared_buffers = 128MB
max_connections = 100
fsync = on
synchronous_commit = on
# The details of an error can hold an e-mail address.
log_error_verbosity = terse
";

/// How long the processes of a killed postmaster may keep its shared memory.
const ORPHANS_WAIT_MAX: Duration = Duration::from_secs(10);

/// `pg_ctl` waits this long, since recovery after a crash may take minutes.
const START_SECONDS_MAX: &str = "300";

/// A cluster that may not exist yet.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub account: Account,
    pub programs: Programs,
    pub place: Place,
}

impl Cluster {
    pub fn locate(wanted: Option<&Path>) -> Result<Self> {
        let account = Account::choose()?;
        let found = binaries::usable(&binaries::candidates(), &account)?;
        let state = place::state_folder(&account, wanted)?;
        let programs = place::choose_version(&state, found)?;
        let place = Place::new(&state, programs.major);
        Ok(Self { account, programs, place })
    }

    /// Waits until no other server of ours starts or stops this cluster.
    pub fn lock(&self) -> Result<File> {
        let lock = self.place.open_private("lock", OpenOptions::new().append(true), &self.account)?;
        lock.lock().context("cannot lock the private Postgres")?;
        Ok(lock)
    }

    /// Makes the cluster and its database, unless an earlier start finished doing so.
    pub fn initialise(&self) -> Result<()> {
        let data = self.place.data();
        if data.exists() {
            ensure!(
                self.account.owns(&data.metadata()?),
                "{} belongs to another account: run as the user who made it, or as root if root did",
                data.display()
            );
            return Ok(());
        }
        self.remove_unfinished()?;
        let password = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        self.place.write_private("password", &password, &self.account)?;
        let fresh = self.place.file(&format!("{UNFINISHED}{}", std::process::id()));
        tracing::info!("creating a private Postgres {} in {}", self.programs.major, data.display());
        self.initdb(&fresh)?;
        OpenOptions::new()
            .append(true)
            .open(fresh.join("postgresql.auto.conf"))?
            .write_all(SETTINGS.as_bytes())?;
        self.create_first_database(&fresh)?;
        fs::rename(&fresh, &data)?;
        File::open(self.place.file(""))?.sync_all()?;
        Ok(())
    }

    pub fn launch(&self) -> Result<()> {
        let socket = self.place.socket_folder();
        place::create_private(&socket, &self.account)?;
        // The folder is this cluster's alone, so a lock in it was left by a postmaster that is gone.
        remove_if_there(&socket.join(format!(".s.PGSQL.{PORT}.lock")))?;
        let options =
            format!("-c listen_addresses= -c unix_socket_directories={} -c port={PORT}", socket.display());
        let mut log =
            self.place.open_private("log", OpenOptions::new().read(true).append(true), &self.account)?;
        let started = Instant::now();
        let mut has_warned = false;
        loop {
            let log_end = log.seek(SeekFrom::End(0))?;
            // The postmaster keeps these handles: were they ours, a pipe behind us would never end.
            let status = self
                .pg_ctl(&["start", "-s", "-w", "-t", START_SECONDS_MAX, "-o", &options])
                .stdout(log.try_clone()?)
                .stderr(log.try_clone()?)
                .status()?;
            if status.success() {
                return Ok(());
            }
            log.seek(SeekFrom::Start(log_end))?;
            let mut said = String::new();
            log.read_to_string(&mut said)?;
            if !said.contains("is still in use") || started.elapsed() > ORPHANS_WAIT_MAX {
                bail!(
                    "Postgres did not start and said in {}:\n{}",
                    self.place.file("log").display(),
                    said.trim()
                );
            }
            if !has_warned {
                tracing::warn!("waiting for the last processes of a Postgres that was killed");
                has_warned = true;
            }
            sleep(Duration::from_millis(250));
        }
    }

    pub fn halt(&self) -> Result<()> {
        run(self.pg_ctl(&["stop", "-s", "-w", "-m", "fast"])).map(|_| ())
    }

    /// The address of a database in the running cluster.
    pub fn url(&self, database: &str) -> Result<String> {
        let password =
            fs::read_to_string(self.place.file("password")).context("cannot read the database password")?;
        let postmaster = Postmaster::settled(&self.place.data())?.context("the private Postgres stopped")?;
        // The host in front is only there because many parsers want one; the folder of the socket decides.
        Ok(format!(
            "postgres://{USER}:{password}@localhost:{}/{database}?host={}",
            postmaster.port,
            postmaster.socket_folder.display()
        ))
    }

    /// Makes the database again if somebody dropped it.
    pub fn ensure_database(&self) -> Result<()> {
        let psql = self.programs.program("psql");
        if !psql.is_file() {
            // Some packages hold only the server; theirs was made along with the cluster.
            return Ok(());
        }
        let (address, password) = split_password(&self.url("postgres")?);
        let mut psql = self.account.command(&psql);
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &address])
            .env("PGPASSWORD", password.unwrap_or_default());
        let create = format!(
            "select 'create database {DATABASE}' where not exists \
             (select from pg_database where datname = '{DATABASE}') \\gexec\n"
        );
        feed(psql, &create).map(|_| ())
    }

    fn remove_unfinished(&self) -> Result<()> {
        for entry in fs::read_dir(self.place.file(""))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                tracing::warn!("starting over after an interrupted initdb");
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn initdb(&self, folder: &Path) -> Result<()> {
        match self.initdb_with_locale(folder, "C.UTF-8") {
            Err(error) if error.to_string().contains("invalid locale name") => {
                self.initdb_with_locale(folder, "C")
            }
            outcome => outcome,
        }
    }

    fn initdb_with_locale(&self, folder: &Path, locale: &str) -> Result<()> {
        place::create_private(folder, &self.account)?;
        let mut initdb = self.account.command(&self.programs.program("initdb"));
        initdb
            .args([
                "--auth=scram-sha-256",
                "--username",
                USER,
                "--encoding=UTF8",
                "--locale",
                locale,
                "--pwfile",
            ])
            .arg(self.place.file("password"))
            .arg("--pgdata")
            .arg(folder);
        run(initdb).map(|_| ())
    }

    /// Needs no `createdb`, which not every package has, and leaves nothing half done for the first start.
    fn create_first_database(&self, folder: &Path) -> Result<()> {
        let mut postgres = self.account.command(&self.programs.program("postgres"));
        postgres.args(["--single", "-c", "exit_on_error=on", "-D"]).arg(folder).arg("postgres");
        feed(postgres, &format!("create database {DATABASE}\n")).map(|_| ())
    }

    /// The folder goes by variable, because `pg_ctl` would pass an argument through a shell.
    fn pg_ctl(&self, arguments: &[&str]) -> Command {
        let mut command = self.account.command(&self.programs.program("pg_ctl"));
        command.args(arguments).env("PGDATA", self.place.data());
        command
    }
}

fn remove_if_there(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
}
