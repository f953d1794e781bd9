//! What the server's own role may do in the database, tried as that role.

use marketplace::id::AccountId;
use marketplace::money::Nanos;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor, PgPool};
use store::Db;
use store::ledger::{get_balance, list_lines};

use crate::support::{pay_in, person};

/// A pool that works as one role, as the server's do.
async fn as_role(root: &PgPool, role: &'static str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(4)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(AssertSqlSafe(format!("set role {role}"))).await?;
                Ok(())
            })
        })
        .connect_with(root.connect_options().as_ref().clone())
        .await
        .unwrap()
}

async fn account(db: &Db, email: &str, amount: i64) -> AccountId {
    let account = person(db, email).await;
    pay_in(db, account, amount).await;
    account
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_server_sees_one_account_and_without_one_nothing(root: PgPool) {
    let db = Db::open(root.connect_options().as_ref().clone(), 4).await.unwrap();
    let (ada, bob) =
        (account(&db, "ada@example.org", 1_000).await, account(&db, "bob@example.org", 70).await);
    assert_eq!(get_balance(&db, ada).await.unwrap().available_nanos, Nanos(1_000));
    assert_eq!(list_lines(&db, bob, None, 10).await.unwrap()[0].amount_nanos, Nanos(70));
    let runtime = as_role(&root, "mercato_runtime").await;
    let mut connection = runtime.acquire().await.unwrap();
    let tables = [
        "account",
        "wallet",
        "hold",
        "ledger_tx",
        "ledger_entry",
        "usage_call",
        "top_up",
        "grant_",
        "session",
        "conversation",
        "message",
        "api_key",
        "budget",
        "subscription",
        "adjustment",
        "one_time_secret",
        "site_code",
        "call_attempt",
        "preset",
    ];
    for table in tables {
        let count = AssertSqlSafe(format!("select count(*) from (select account_id from {table}) as seen"));
        let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut *connection).await.unwrap();
        assert_eq!(seen, 0, "{table} shows rows to a connection that works for nobody");
    }
    sqlx::query("select set_config('app.account', $1, false)")
        .bind(ada.0.to_string())
        .execute(&mut *connection)
        .await
        .unwrap();
    let seen: Vec<uuid::Uuid> = sqlx::query_scalar("select distinct account_id from wallet")
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    assert_eq!(seen, [ada.0]);
    let theirs = sqlx::query(
        "insert into conversation (conversation_id, account_id, title) values (gen_random_uuid(), $1, '')",
    )
    .bind(bob.0)
    .execute(&mut *connection)
    .await;
    assert!(theirs.is_err(), "one account wrote into another");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_connection_forgets_whom_it_worked_for(root: PgPool) {
    let db = Db::open(root.connect_options().as_ref().clone(), 1).await.unwrap();
    let (ada, bob) = (account(&db, "ada@example.org", 5).await, account(&db, "bob@example.org", 7).await);
    for _ in 0..50 {
        assert_eq!(get_balance(&db, ada).await.unwrap().posted_nanos, Nanos(5));
        assert_eq!(get_balance(&db, bob).await.unwrap().posted_nanos, Nanos(7));
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_role_of_the_application_can_change_history(root: PgPool) {
    let db = Db::open(root.connect_options().as_ref().clone(), 2).await.unwrap();
    account(&db, "ada@example.org", 1_000).await;
    let mut attempts = 0;
    for role in ["mercato_runtime", "mercato_admin", "mercato_auditor"] {
        let pool = as_role(&root, role).await;
        for table in [
            "ledger_entry",
            "ledger_tx",
            "usage_call",
            "wallet",
            "hold",
            "price",
            "price_change",
            "call_attempt",
            "report_posting",
            "grant_",
            "ledger_block",
            "vendor",
            "vendor_secret",
            "root_secret",
        ] {
            for attempt in [
                format!("update {table} set created_at = now()"),
                format!("update {table} set posted = 1"),
                format!("delete from {table}"),
                format!("truncate {table} cascade"),
                format!("alter table {table} disable trigger all"),
                format!("alter table {table} disable row level security"),
                format!("drop policy by_owner on {table}"),
                format!("insert into {table} select * from {table}"),
            ] {
                attempts += 1;
                let tried = sqlx::raw_sql(AssertSqlSafe(attempt.clone())).execute(&pool).await;
                assert!(tried.is_err(), "{role} was let do: {attempt}");
            }
        }
        for attempt in [
            "update account set role = 'admin', plan = 'enterprise' where true",
            "update audit_event set actor = 'nobody'",
            "delete from audit_event",
            "update book_state set safe_since = null",
            "select ledger.post_to_wallet(gen_random_uuid(), 1::smallint, gen_random_uuid(), 'paid', 5, 0)",
            "select ledger.grant_free_tokens(gen_random_uuid())",
            "select sign_in.use_secret('confirm_address', '')",
            "update account set verified_at = now(), identity = 'somebody else'",
            "update one_time_secret set used_at = null",
            "update site_code set used_at = null",
            "select ledger.forget_vendor_key('openai', 'nobody')",
            "set session_replication_role = replica",
        ] {
            attempts += 1;
            assert!(sqlx::raw_sql(attempt).execute(&pool).await.is_err(), "{role} was let do: {attempt}");
        }
    }
    eprintln!("{attempts} attempts to change history, none let through");
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_table_of_an_account_is_behind_row_security(root: PgPool) {
    let open: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'r'
            and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'account_id' and not a.attisdropped)
            and not (c.relrowsecurity and c.relforcerowsecurity
                and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'of_account'))",
    )
    .fetch_all(&root)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
    let strong: Vec<String> = sqlx::query_scalar(
        "select rolname::text from pg_roles where rolname like 'mercato_%' and (rolsuper or rolbypassrls or rolcanlogin)",
    )
    .fetch_all(&root)
    .await
    .unwrap();
    assert_eq!(strong, Vec::<String>::new());
    let leaky: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'ledger', 'audit_v1') and c.relkind in ('v', 'm')
            and not coalesce(c.reloptions @> array['security_invoker=true'], false)
            and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')",
    )
    .fetch_all(&root)
    .await
    .unwrap();
    assert_eq!(leaky, Vec::<String>::new());
    let unsafe_doors: Vec<String> = sqlx::query_scalar(
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('ledger', 'sign_in') and p.prosecdef
            and not exists (select from unnest(p.proconfig) as setting where setting like 'search_path=%')",
    )
    .fetch_all(&root)
    .await
    .unwrap();
    assert_eq!(unsafe_doors, Vec::<String>::new());
}

#[sqlx::test(migrations = "../../migrations")]
async fn sealed_secrets_are_shown_to_no_role_but_the_operators(root: PgPool) {
    sqlx::raw_sql(
        "insert into vendor_secret values ('openai', 1, 'https://api.openai.com', 'm', '\\x01', '\\x02', now(), 'me');
        insert into root_secret values (true, 'm', '\\x01', '\\x02')",
    )
    .execute(&root)
    .await
    .unwrap();
    for (role, seen) in [("mercato_runtime", 0), ("mercato_auditor", 0), ("mercato_admin", 1)] {
        let pool = as_role(&root, role).await;
        for table in ["vendor_secret", "root_secret"] {
            let count = AssertSqlSafe(format!("select count(*) from {table}"));
            let found: i64 = sqlx::query_scalar(count).fetch_one(&pool).await.unwrap();
            assert_eq!(found, seen, "{role} sees {found} rows of {table}");
        }
    }
}
