//! Copies of a database in a file, by `pg_dump` and `pg_restore`.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    binaries,
    program::{feed, run},
};

/// Writes a copy of the whole database, which only we may read.
pub fn backup(url: &str, file: &Path) -> Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let output = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(|| format!("cannot write {}", file.display()))?;
    let mut pg_dump = client("pg_dump", url)?;
    pg_dump.arg("--format=custom").stdout(output.try_clone()?);
    if let Err(error) = run(pg_dump) {
        fs::remove_file(&unfinished)?;
        return Err(error);
    }
    output.sync_all()?;
    // An earlier copy of this name is given up only for a complete one.
    fs::rename(&unfinished, file).with_context(|| format!("cannot write {}", file.display()))
}

/// Puts the tables of a copy in the place of those in the database: all of them, or after a failure none.
pub fn restore(url: &str, file: &Path) -> Result<()> {
    let input = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    // Roles belong to the whole server and are in no copy.
    query(url, include_str!("roles.sql"))?;
    let mut pg_restore = client("pg_restore", url)?;
    pg_restore.args(["--clean", "--if-exists", "--no-owner", "--single-transaction"]).stdin(input);
    run(pg_restore)?;
    query(url, include_str!("restored.sql"))
}

fn query(url: &str, sql: &str) -> Result<()> {
    let mut psql = client("psql", url)?;
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]);
    feed(psql, sql).map(|_| ())
}

/// The same address without its password, which would be there for all to see in the list of processes.
pub fn split_password(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(authority_end);
    let Some((user, password, host)) = authority
        .rsplit_once('@')
        .and_then(|(login, host)| login.split_once(':').map(|(user, password)| (user, password, host)))
    else {
        return (url.to_owned(), None);
    };
    (format!("{scheme}://{user}@{host}{rest}"), Some(percent_decoded(password)))
}

/// A client program connected to this address. Newer ones write what older servers do not understand.
fn client(name: &str, url: &str) -> Result<Command> {
    Ok(connected(&binaries::client(name, server_major(url))?, url))
}

fn server_major(url: &str) -> Option<u32> {
    let mut psql = connected(&binaries::client("psql", None).ok()?, url);
    psql.args(["-X", "-A", "-t", "-c", "show server_version_num"]);
    let version = String::from_utf8(run(psql).ok()?.stdout).ok()?;
    Some(version.trim().parse::<u32>().ok()? / 10_000)
}

fn connected(program: &Path, url: &str) -> Command {
    let (address, password) = split_password(url);
    let mut command = Command::new(program);
    // Without a terminal to ask at, a question for the password would look like a hang.
    command.arg("--no-password").arg("--dbname").arg(address);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, encoded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        match encoded.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &encoded[2..];
            }
            None => {
                bytes.push(b'%');
                rest = encoded;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_leaves_the_address() {
        let (address, password) =
            split_password("postgres://me:p%40ss:1@db.example:5433/shop?sslmode=require");
        assert_eq!(address, "postgres://me@db.example:5433/shop?sslmode=require");
        assert_eq!(password.as_deref(), Some("p@ss:1"));
    }

    #[test]
    fn address_without_a_password_stays_as_it_is() {
        for url in ["postgres://me@db.example/shop", "postgres:///shop?host=/run/a@b:c", "host=db.example"] {
            assert_eq!(split_password(url), (url.to_owned(), None));
        }
    }
}
