//! The program `mercato`.

// A page is one type, as deep as its markup.
#![recursion_limit = "512"]

use clap::Parser;
use server::command::Command;

fn main() -> anyhow::Result<()> {
    // A missing file is fine; one that cannot be read is not.
    match dotenvy::dotenv() {
        Ok(_) => {}
        Err(error) if error.not_found() => {}
        Err(error) => anyhow::bail!("the file .env cannot be read: {error}"),
    }
    Command::parse().run()
}
