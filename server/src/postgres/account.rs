//! The account the server programs run as, because Postgres refuses to run as root.

use std::{
    env,
    fs::Metadata,
    os::unix::{
        fs::{MetadataExt, lchown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Whom the server programs run as and whom their files belong to.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    uid: u32,
    gid: u32,
    /// We are root ourselves, so the programs must change to this account.
    pub we_are_root: bool,
}

impl Account {
    /// Ourselves, or for root the account `postgres`, else `nobody`.
    pub fn choose() -> Result<Self> {
        let own_uid = id(&["-u"])?.context("`id -u` does not say who we are")?;
        if own_uid != 0 {
            let gid = id(&["-g"])?.context("`id -g` does not say which group we are in")?;
            return Ok(Self { uid: own_uid, gid, we_are_root: false });
        }
        for name in ["postgres", "nobody"] {
            if let (Some(uid), Some(gid)) = (id(&["-u", name])?, id(&["-g", name])?) {
                return Ok(Self { uid, gid, we_are_root: true });
            }
        }
        bail!("Postgres refuses to run as root, and there is no account `postgres` or `nobody` to run it as")
    }

    /// A server program that sees nothing of our folder, our input or the user's `PG…` variables.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        // The account may not be allowed into our current folder, and messages are read in English.
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
        if self.we_are_root {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    pub fn owns(&self, file: &Metadata) -> bool {
        file.uid() == self.uid
    }

    /// Hands a file or folder that we made over to the account.
    pub fn take(&self, path: &Path) -> Result<()> {
        if self.we_are_root {
            lchown(path, Some(self.uid), Some(self.gid))
                .with_context(|| format!("cannot change the owner of {}", path.display()))?;
        }
        Ok(())
    }

    pub fn may_enter(&self, folder: &Metadata) -> bool {
        let execute = match (folder.uid() == self.uid, folder.gid() == self.gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        folder.mode() & execute != 0
    }
}

fn id(arguments: &[&str]) -> Result<Option<u32>> {
    let output = Command::new("id").args(arguments).output().context("cannot run `id`")?;
    if !output.status.success() {
        return Ok(None);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}
