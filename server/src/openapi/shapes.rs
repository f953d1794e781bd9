//! Shapes on the wire that no type of the code has: requests that are read field by field, and answers that are put
//! together the same way. Everything else is described where it stands. Clients' tests hold these against real answers.

mod answers;
mod market;
mod refusals;
mod requests;

pub use answers::*;
pub use market::*;
pub use refusals::*;
pub use requests::*;
