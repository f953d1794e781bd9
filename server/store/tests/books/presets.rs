//! Settings saved under a name: each account has its own, and no more than it may.

use marketplace::preset::{PRESETS_MAX, Settings, Slug};
use serde_json::json;
use sqlx::PgPool;
use store::Error;
use store::preset::{Saved, delete_preset, find_preset, insert_preset, list_presets};

use crate::support::{Books, person};

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn settings(tokens: u64) -> Settings {
    let config = json!({ "model": "a/b", "max_tokens": tokens });
    Settings::parse(Some("Be brief.".to_owned()), config.as_object().unwrap().clone()).unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_preset_is_saved_replaced_and_forgotten_by_its_own_account_alone(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (db, ada) = (&market.db, market.account);
    let bob = person(db, "bob@example.org").await;
    let brief = slug("brief");
    assert_eq!(insert_preset(db, ada, &brief, &settings(1)).await.unwrap(), Saved::Made);
    assert_eq!(insert_preset(db, ada, &brief, &settings(2)).await.unwrap(), Saved::Replaced);
    assert_eq!(insert_preset(db, bob, &brief, &settings(3)).await.unwrap(), Saved::Made);
    let found = find_preset(db, ada, &brief).await.unwrap().unwrap();
    assert_eq!((&found.settings, &found.slug), (&settings(2), &brief));
    assert!(found.updated_at > found.created_at);
    insert_preset(db, ada, &slug("able"), &settings(4)).await.unwrap();
    let names = list_presets(db, ada).await.unwrap().into_iter().map(|preset| preset.slug.to_string());
    assert_eq!(names.collect::<Vec<_>>(), ["able", "brief"]);
    delete_preset(db, ada, &brief).await.unwrap();
    assert!(matches!(delete_preset(db, ada, &brief).await, Err(Error::NotFound)));
    assert!(find_preset(db, ada, &brief).await.unwrap().is_none());
    assert_eq!(find_preset(db, bob, &brief).await.unwrap().unwrap().settings, settings(3));
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_race_saves_more_than_an_account_may_have(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (db, ada) = (&market.db, market.account);
    for at in 1..PRESETS_MAX {
        insert_preset(db, ada, &slug(&format!("p{at}")), &settings(1)).await.unwrap();
    }
    let (one, two) = (slug("one"), slug("two"));
    let (first, second) = (settings(1), settings(2));
    let raced = tokio::join!(insert_preset(db, ada, &one, &first), insert_preset(db, ada, &two, &second));
    let full = [raced.0, raced.1].into_iter().filter(|saved| matches!(saved, Err(Error::TooManyPresets)));
    assert_eq!(full.count(), 1);
    assert_eq!(list_presets(db, ada).await.unwrap().len(), usize::try_from(PRESETS_MAX).unwrap());
    // What is there already may be replaced.
    assert_eq!(insert_preset(db, ada, &slug("p1"), &settings(9)).await.unwrap(), Saved::Replaced);
}
