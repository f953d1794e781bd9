//! The style sheet: `style/main.css` and what it imports, in one small file.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};

pub fn bundle(main: &Path) -> Result<String> {
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    // These errors borrow the sheet, so only their text can leave.
    let mut sheet =
        bundler.bundle(main).map_err(|error| anyhow!("{error}")).context("cannot bundle the styles")?;
    sheet.minify(MinifyOptions::default()).map_err(|error| anyhow!("{error}"))?;
    let printer = PrinterOptions { minify: true, ..PrinterOptions::default() };
    Ok(sheet.to_css(printer)?.code)
}
