//! The program `mercato`.

// A page is one type, as deep as its markup.
#![recursion_limit = "512"]

use clap::Parser;
use mimalloc::MiMalloc;
use server::command::Command;

/// A call makes hundreds of small things and drops them again, on whichever thread is free.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> anyhow::Result<()> {
    // A missing file is fine; one that cannot be read is not.
    match dotenvy::dotenv() {
        Ok(_) => {}
        Err(error) if error.not_found() => {}
        Err(error) => anyhow::bail!("the file .env cannot be read: {error}"),
    }
    Command::parse().run()
}
