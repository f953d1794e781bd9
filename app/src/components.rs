//! Parts used by more than one page.

mod amount;
mod awaited;
mod notice;
mod parts;
mod meter;
mod markdown;

pub use amount::{Amount, Price};
pub use awaited::Awaited;
pub use markdown::Markdown;
pub use meter::{Meter, MeterState};
pub use notice::{FaultNotice, FieldError};
pub use parts::{CopyButton, Empty, Icon, Tile, Waiting};
