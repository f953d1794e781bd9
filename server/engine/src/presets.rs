//! Presets: settings of calls that an account saves under a short name, and names in its requests.

use marketplace::fault::{Code, Fault};
use marketplace::preset::{Settings, Slug};
use store::preset::{Preset, Saved};

use crate::{Actor, Engine, Result};

impl Engine {
    pub async fn list_presets(&self, actor: &Actor) -> Result<Vec<Preset>> {
        Ok(store::preset::list_presets(&self.0.db, actor.manager()?).await?)
    }

    pub async fn preset(&self, actor: &Actor, slug: &Slug) -> Result<Preset> {
        let found = store::preset::find_preset(&self.0.db, actor.manager()?, slug).await?;
        Ok(found.ok_or_else(|| unknown(slug))?)
    }

    /// Saves settings, in the place of those that had the name.
    pub async fn save_preset(
        &self,
        actor: &Actor,
        slug: &Slug,
        settings: &Settings,
    ) -> Result<(Preset, Saved)> {
        let account = actor.manager()?;
        let saved = store::preset::insert_preset(&self.0.db, account, slug, settings).await?;
        self.record(actor, "preset.save", &format!("preset:{account}/{slug}")).await?;
        Ok((self.preset(actor, slug).await?, saved))
    }

    pub async fn delete_preset(&self, actor: &Actor, slug: &Slug) -> Result<()> {
        let account = actor.manager()?;
        match store::preset::delete_preset(&self.0.db, account, slug).await {
            Err(store::Error::NotFound) => return Err(unknown(slug).into()),
            deleted => deleted?,
        }
        self.record(actor, "preset.delete", &format!("preset:{account}/{slug}")).await
    }

    /// The settings that a request of this caller names. Whoever may ask may use what their account has saved, and need not
    /// be let read it.
    pub async fn settings_of(&self, actor: &Actor, slug: &Slug) -> Result<Settings> {
        let found = store::preset::find_preset(&self.0.db, actor.owner()?, slug).await?;
        Ok(found.ok_or_else(|| unknown(slug))?.settings)
    }
}

fn unknown(slug: &Slug) -> Fault {
    let message = format!("This account has no preset {slug}; GET /v1/presets lists those it has");
    Fault { field: Some("preset".to_owned()), ..Fault::new(Code::NotFound, message) }
}
