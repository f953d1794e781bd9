//! The program's other commands, run on a market's database.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::process::Command;

use super::{MASTER_KEY, Market};

/// What a command said, and whether it went well.
#[derive(Debug)]
pub struct Said {
    pub worked: bool,
    pub text: String,
}

impl Market {
    pub async fn mercato(&self, arguments: &[&str]) -> Said {
        self.mercato_with(arguments, |_| {}).await
    }

    /// The same with other settings.
    pub async fn mercato_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mercato"));
        command
            .args(arguments)
            // No `.env` lies there.
            .current_dir(std::env::temp_dir())
            .env("DATABASE_URL", self.database_url())
            // No folder either: what is kept beside the database is not wanted here.
            .env("MERCATO_DATA_DIR", std::env::temp_dir().join("mercato-keeps-nothing/here"))
            .env("MERCATO_MASTER_KEY", STANDARD.encode(MASTER_KEY))
            .env("RUST_LOG", "off");
        change(&mut command);
        let output = command.output().await.unwrap();
        let text = [output.stdout, output.stderr].map(|part| String::from_utf8(part).unwrap()).concat();
        Said { worked: output.status.success(), text }
    }
}
