//! Parts used by more than one page.

mod address_form;
mod amount;
mod awaited;
mod drawing;
mod field;
mod growing;
mod notice;
mod parts;
mod meter;
mod moment;
pub mod markdown;

pub use address_form::AddressForm;
pub use amount::Amount;
pub use awaited::Awaited;
pub use drawing::{Drawing, Drawn};
pub use field::{Field, Wrong};
pub use growing::Growing;
pub use markdown::Markdown;
pub use meter::{Meter, MeterState};
pub use moment::Moment;
pub use notice::FaultNotice;
pub use parts::{CopyButton, Empty, Icon, PrintButton, Tile, Waiting};
