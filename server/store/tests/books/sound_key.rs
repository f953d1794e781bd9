//! What a key may not be is refused by the database too, whoever writes it.

use sqlx::{AssertSqlSafe, PgPool};

use crate::support::Books;

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_that_breaks_a_rule_is_refused_by_its_name(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let make = "insert into api_key (api_key_id, account_id, name, prefix, digest, scopes)
        values (gen_random_uuid(), $1, 'a', 'mk_live_a', sha256(convert_to($2, 'UTF8')), $3)";
    for (name, scopes, rule) in [
        ("sound", vec!["chat"], None),
        ("nothing", vec![], Some("api_key_scopes_known")),
        ("unknown", vec!["chat", "fly"], Some("api_key_scopes_known")),
        ("both", vec!["chat", "management"], Some("api_key_manages_or_runs")),
    ] {
        let made =
            sqlx::query(make).bind(market.account.0).bind(name).bind(scopes).execute(&market.root).await;
        assert_eq!(broken(made).as_deref(), rule, "{name}");
    }
    for (change, rule) in [
        ("addresses = '{}'", Some("api_key_addresses_named")),
        ("models = array_fill('a/b'::text, array[51])", Some("api_key_models_named")),
        ("models = array_fill('a/b'::text, array[50])", None),
        ("limit_resets = 'year'", Some("api_key_resets_known")),
        ("limit_nanos = 0", Some("api_key_limit_positive")),
        ("requests_a_minute = 0", Some("api_key_requests_positive")),
        ("tokens_a_minute = -1", Some("api_key_tokens_positive")),
        ("old_until = now()", Some("api_key_old_secret_ends")),
        ("scopes = null", Some("api_key_scopes_known")),
        ("held_nanos = -1", Some("api_key_held_not_negative")),
        ("spent_nanos = -1", Some("api_key_spent_not_negative")),
        ("limit_nanos = 5, limit_resets = 'day'", None),
        ("spent_nanos = 4, held_nanos = 2", Some("api_key_within_limit")),
        ("spent_nanos = 4, held_nanos = 1", None),
    ] {
        let changed = AssertSqlSafe(format!("update api_key set {change}"));
        let changed = sqlx::query(changed).execute(&market.root).await;
        assert_eq!(broken(changed).as_deref(), rule, "{change}");
    }
}

/// The rule that the database names, if it refused.
fn broken<T>(answer: sqlx::Result<T>) -> Option<String> {
    let refused = answer.err()?;
    let cause = refused.as_database_error().and_then(|cause| cause.constraint());
    Some(cause.unwrap_or_else(|| panic!("{refused}")).to_owned())
}
