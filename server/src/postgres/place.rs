//! Where a private cluster lives on the disk, and who may look inside.

use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf, absolute},
};

use anyhow::{Context, Result, bail, ensure};

use super::{account::Account, binaries::Programs};

/// Root's own home would be closed to the account that runs Postgres.
const SYSTEM_STATE: &str = "/var/lib/mercato";

/// The kernel allows 107 bytes for a socket's path, of which its name takes some.
const SOCKET_FOLDER_BYTES_MAX: usize = 90;

/// The folder of one cluster. Ours to write in; only `data` and `socket` belong to the account.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
}

/// The folder that holds one cluster for each major version.
pub fn state_folder(account: &Account, wanted: Option<&Path>) -> Result<PathBuf> {
    let Some(wanted) = wanted else {
        return if account.we_are_root { Ok(SYSTEM_STATE.into()) } else { user_state_folder() };
    };
    let wanted = resolve(wanted)?;
    let Some(barrier) = barrier(&wanted, account)? else { return Ok(wanted) };
    let instead = Path::new(SYSTEM_STATE).join(hash(&wanted));
    tracing::info!(
        "Postgres runs under an account that may not enter {}, so its data stands in {}",
        barrier.display(),
        instead.display()
    );
    Ok(instead)
}

/// The version whose data is already there, else the best one.
pub fn choose_version(state: &Path, mut found: Vec<Programs>) -> Result<Programs> {
    let with_data = versions_with_data(state);
    if let Some(kept) = found.iter().position(|programs| with_data.contains(&programs.major)) {
        return Ok(found.swap_remove(kept));
    }
    // A fresh, empty cluster beside the old one would look like lost data.
    if let Some(major) = with_data.first() {
        bail!(
            "the data in {} needs the programs of PostgreSQL {major}, which are not there: install that version, or \
             move the folder away to start with an empty database",
            Place::new(state, *major).data().display()
        );
    }
    found.into_iter().next().context("no PostgreSQL to choose from")
}

impl Place {
    pub fn new(state: &Path, major: u32) -> Self {
        Self { folder: state.join(format!("postgres-{major}")) }
    }

    pub fn create(&self, account: &Account) -> Result<()> {
        create_enterable(&self.folder, account)?;
        let mode = if account.we_are_root { 0o711 } else { 0o700 };
        fs::set_permissions(&self.folder, Permissions::from_mode(mode))
            .with_context(|| format!("cannot close {} to others", self.folder.display()))?;
        Ok(())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.file("data")
    }

    /// Beside the data if that path can be a socket's. A runtime folder would vanish when its user logs out.
    pub fn socket_folder(&self) -> PathBuf {
        let own = self.file("socket");
        let path = own.as_os_str().as_bytes();
        // It goes through a shell, a list in Postgres and a URL, each with its own quoting.
        let is_plain = path.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte));
        if is_plain && path.len() <= SOCKET_FOLDER_BYTES_MAX {
            return own;
        }
        Path::new("/tmp").join(format!("mercato-{}", hash(&self.folder)))
    }

    /// A file in this folder that only we and the account can read.
    pub fn open_private(&self, name: &str, options: &mut OpenOptions, account: &Account) -> Result<File> {
        let path = self.file(name);
        let file = options
            .create(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        account.take(&path)?;
        Ok(file)
    }

    pub fn write_private(&self, name: &str, text: &str, account: &Account) -> Result<()> {
        let mut file = self.open_private(name, OpenOptions::new().write(true).truncate(true), account)?;
        file.write_all(text.as_bytes())?;
        Ok(file.sync_all()?)
    }
}

/// Makes sure of a folder that belongs to the account and is closed to everybody else.
pub fn create_private(folder: &Path, account: &Account) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => account.take(folder)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot create {}", folder.display())),
    }
    // In a temp folder anybody may have been here before us.
    let metadata = folder.symlink_metadata()?;
    ensure!(
        metadata.is_dir() && account.owns(&metadata) && metadata.permissions().mode() & 0o077 == 0,
        "{} must be a folder of mode 0700 that belongs to the account of Postgres; remove it and try again",
        folder.display()
    );
    Ok(())
}

fn user_state_folder() -> Result<PathBuf> {
    let state = match env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute()) {
        Some(state) => state,
        None => env::home_dir().context("HOME is not set: set MERCATO_DATA_DIR")?.join(".local/state"),
    };
    resolve(&state.join("mercato"))
}

/// The same folder by its one true name, although its last parts may not exist yet.
fn resolve(path: &Path) -> Result<PathBuf> {
    let path = absolute(path)?;
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return Ok(real.join(path.strip_prefix(ancestor)?));
        }
    }
    bail!("no part of {} exists", path.display())
}

/// The first existing parent that would keep the account out.
fn barrier(folder: &Path, account: &Account) -> Result<Option<PathBuf>> {
    for ancestor in folder.ancestors().filter(|ancestor| ancestor.exists()) {
        if account.we_are_root && !account.may_enter(&ancestor.metadata()?) {
            return Ok(Some(ancestor.to_owned()));
        }
    }
    Ok(None)
}

/// Root's file mask may be strict, but the account has to pass through what we create.
fn create_enterable(folder: &Path, account: &Account) -> Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for ancestor in missing.into_iter().filter(|_| account.we_are_root) {
        fs::set_permissions(ancestor, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn versions_with_data(state: &Path) -> Vec<u32> {
    fs::read_dir(state)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let major = entry.ok()?.file_name().to_str()?.strip_prefix("postgres-")?.parse().ok()?;
            Place::new(state, major).data().exists().then_some(major)
        })
        .collect()
}

/// FNV-1a. The standard library's hash may change between releases, and these names must not.
fn hash(path: &Path) -> String {
    let hash = path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> PathBuf {
        let folder = env::temp_dir().join(format!("mercato-place-{:016x}", rand::random::<u64>()));
        fs::create_dir(&folder).unwrap();
        folder.canonicalize().unwrap()
    }

    #[test]
    fn folder_closed_to_the_account_is_replaced() {
        let account = Account::choose().unwrap();
        let closed = scratch();
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        let chosen = state_folder(&account, Some(&closed.join("later"))).unwrap();
        fs::remove_dir(&closed).unwrap();
        if account.we_are_root {
            assert_eq!(chosen, Path::new(SYSTEM_STATE).join(hash(&closed.join("later"))));
        } else {
            assert_eq!(chosen, closed.join("later"));
        }
    }

    #[test]
    fn socket_path_is_always_short_and_plain() {
        let short = Place::new(Path::new("/var/lib/mercato"), 15);
        assert_eq!(short.socket_folder(), short.file("socket"));
        for state in ["/home/some one/data".to_owned(), format!("/{}", "long/".repeat(20))] {
            let socket = Place::new(Path::new(&state), 15).socket_folder();
            assert!(socket.starts_with("/tmp") && socket.as_os_str().len() < 40, "{}", socket.display());
        }
    }

    #[test]
    fn version_that_holds_data_is_preferred_and_required() {
        let state = scratch();
        fs::create_dir_all(Place::new(&state, 15).data()).unwrap();
        let programs = |major| Programs { folder: PathBuf::new(), major };
        let chosen = choose_version(&state, vec![programs(17), programs(15)]).unwrap();
        let refusal = choose_version(&state, vec![programs(17)]).unwrap_err().to_string();
        fs::remove_dir_all(&state).unwrap();
        assert_eq!(chosen.major, 15);
        assert!(refusal.contains("PostgreSQL 15"), "{refusal}");
    }
}
