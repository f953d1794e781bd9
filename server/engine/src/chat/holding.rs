//! The money for a call: what waits for it, or what is set aside now.

use marketplace::id::CallId;
use store::ledger::{Follower, Reservation, Reserved, Taken};

use super::reach::Held;
use crate::{Engine, Result};

/// What is held for a call, under the name it has from here on.
pub(super) struct Hold {
    pub id: CallId,
    pub held: Held,
    /// If it was there before the call.
    pub taken: Option<Taken>,
    /// For the call that may follow.
    pub follower: Option<Follower>,
}

impl Engine {
    /// Takes the hold that waits for such a call, or makes one. One that waits has a name, so a call that has its own makes one.
    pub(super) async fn hold(&self, wanted: &Reservation<'_>, is_named: bool) -> Result<Hold> {
        let follower = if is_named { None } else { Follower::new(wanted) };
        let taken = follower.as_ref().and_then(|follower| store::ledger::take(&self.0.db, follower));
        if let Some(taken) = taken {
            let held = Held { amount: taken.most, free_tokens: 0 };
            return Ok(Hold { id: taken.call, held, taken: Some(taken), follower });
        }
        match store::ledger::reserve(&self.0.db, wanted).await? {
            Reserved::Held { amount, free_tokens, .. } => {
                let held = Held { amount, free_tokens };
                Ok(Hold { id: wanted.call, held, taken: None, follower })
            }
            refused => Err(self.refuse(wanted, &refused).await.into()),
        }
    }
}
