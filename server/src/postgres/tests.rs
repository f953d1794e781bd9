//! Conversations with a real Postgres, each in a temporary folder of its own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use super::*;

/// A data folder whose cluster ends with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("mercato-test-{:016x}", rand::random::<u64>())))
    }

    fn start(&self) -> Private {
        start(Some(&self.0)).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A second panic would hide the first.
        stop(Some(&self.0)).ok();
        fs::remove_dir_all(&self.0).ok();
    }
}

fn psql(url: &str, sql: &str) -> Command {
    let mut psql = Command::new(binaries::client("psql", None).unwrap());
    psql.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, url]);
    psql
}

fn ask(url: &str, sql: &str) -> String {
    let output = psql(url, sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn in_background(url: &str, sql: &str) -> Child {
    psql(url, sql).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn pid(data_dir: &Path) -> String {
    let description = fs::read_to_string(data_dir.join("postmaster.pid")).unwrap();
    description.lines().next().unwrap().to_owned()
}

fn kill_9(pid: &str) {
    assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
}

#[test]
fn second_start_reuses_the_first() {
    let scratch = Scratch::new();
    let first = scratch.start();
    let second = scratch.start();
    assert!(first.started_by_us && !second.started_by_us);
    assert_eq!(first.url, second.url);
    assert_eq!(ask(&second.url, "select current_database()"), "mercato");
}

#[test]
fn two_starts_at_once_give_one_cluster() {
    let scratch = Scratch::new();
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(|| scratch.start());
        let other = scope.spawn(|| scratch.start());
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!(one.started_by_us != other.started_by_us);
    assert_eq!(one.url, other.url);
    assert_eq!(ask(&one.url, "select 1"), "1");
}

#[test]
fn last_user_stops_what_it_started() {
    let scratch = Scratch::new();
    let (first, second) = (scratch.start(), scratch.start());
    let data_dir = first.data_dir.clone();
    first.stop_if_ours();
    assert_eq!(ask(&second.url, "select 1"), "1");
    assert_eq!(stop(Some(&scratch.0)).unwrap(), Stopped::Now { data_dir: data_dir.clone() });
    drop(second);
    scratch.start().stop_if_ours();
    assert!(!Postmaster::is_alive(&data_dir).unwrap());
    assert_eq!(stop(Some(&scratch.0)).unwrap(), Stopped::WasNotRunning);
}

#[test]
fn data_survives_a_killed_postmaster() {
    let scratch = Scratch::new();
    let killed = scratch.start();
    ask(&killed.url, "create table kept (word text)");
    ask(&killed.url, "insert into kept values ('still here')");
    // This process computes on for a moment after its postmaster is gone.
    let mut orphan = in_background(&killed.url, "select count(*) from generate_series(1, 8000000)");
    thread::sleep(std::time::Duration::from_millis(300));
    kill_9(&pid(&killed.data_dir));
    let again = scratch.start();
    orphan.wait().unwrap();
    assert!(again.started_by_us);
    assert_eq!(ask(&again.url, "select word from kept"), "still here");
}

#[test]
fn locks_with_the_number_of_a_foreign_process_are_no_obstacle() {
    let scratch = Scratch::new();
    let private = scratch.start();
    let file = private.data_dir.join("postmaster.pid");
    let socket_lock = private.cluster.place.socket_folder().join(".s.PGSQL.5432.lock");
    let description =
        fs::read_to_string(&file).unwrap().replace(&pid(&private.data_dir), &std::process::id().to_string());
    private.stop_if_ours();
    fs::write(&socket_lock, &description).unwrap();
    fs::write(&file, &description).unwrap();
    assert!(scratch.start().started_by_us);
}

#[test]
fn interrupted_initdb_is_done_again() {
    let scratch = Scratch::new();
    let cluster = Cluster::locate(Some(&scratch.0)).unwrap();
    fs::create_dir_all(cluster.place.file("data.new-1/base")).unwrap();
    fs::write(cluster.place.file("password"), "").unwrap();
    assert_eq!(ask(&scratch.start().url, "select 1"), "1");
    assert!(!cluster.place.file("data.new-1").exists());
}

#[test]
fn dropped_database_is_made_again() {
    let scratch = Scratch::new();
    let url = scratch.start().url;
    ask(&url.replace("/mercato?", "/postgres?"), "drop database mercato");
    assert_eq!(ask(&scratch.start().url, "select 1"), "1");
}

#[test]
fn backup_brings_back_what_was_deleted() {
    let scratch = Scratch::new();
    let url = scratch.start().url;
    let file = scratch.0.join("copy.dump");
    ask(&url, "create table kept (word text)");
    ask(&url, "insert into kept values ('once')");
    backup(&url, &file).unwrap();
    ask(&url, "update kept set word = 'lost'");
    restore(&url, &file).unwrap();
    assert_eq!(ask(&url, "select word from kept"), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_books_are_guarded_and_go_on_where_they_stood() {
    let (old, new) = (Scratch::new(), Scratch::new());
    let from = old.start().url;
    engine::migrate(&from).await.unwrap();
    // The server that the copy comes from is far older than the one it goes to.
    ask(&from, "do $$ begin for turn in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$");
    let pay_in = |url: &str, number: u8| {
        let id = format!("'00000000-0000-0000-0000-00000000000{number}'");
        let ordered =
            format!("select ledger.order_top_up({id}, (select account_id from account), 'test', 500)");
        ask(url, &ordered);
        ask(url, &format!("select ledger.record_payment('test', 'evt_{number}', {id}, 'paid', 500)"))
    };
    ask(&from, "select sign_in.open_account(gen_random_uuid(), 'ada@example.org', '-', null)");
    assert_eq!(pay_in(&from, 1), "credited");
    assert_eq!(ask(&from, "select ledger.check_recent()"), "{}");
    assert_eq!(ask(&from, "select ledger.seal_block()"), "1");
    let copy = old.0.join("copy.dump");
    backup(&from, &copy).unwrap();

    let to = new.start().url;
    restore(&to, &copy).unwrap();
    assert_eq!(pay_in(&to, 2), "credited");
    assert_eq!(ask(&to, "select ledger.check_recent()"), "{}");
    assert_eq!(ask(&to, "select entries from book_check order by check_id desc limit 1"), "2");
    assert_eq!(ask(&to, "select ledger.seal_block()"), "2");
    assert_eq!(ask(&to, "select count(*) from ledger.broken_block"), "0");
    assert_eq!(ask(&to, "select count(*) from ledger.violation"), "0");
    let as_server = "set role mercato_runtime; select ledger.seal_block(); update wallet set posted = 1";
    let refused = String::from_utf8(psql(&to, as_server).output().unwrap().stderr).unwrap();
    assert!(refused.contains("permission denied for table wallet"), "{refused}");
}

#[test]
fn failed_restore_and_backup_change_nothing() {
    let scratch = Scratch::new();
    let url = scratch.start().url;
    let file = scratch.0.join("copy.dump");
    ask(&url, "create table first (id int primary key)");
    backup(&url, &file).unwrap();
    ask(&url, "create table second (id int references first)");
    assert!(restore(&url, &file).is_err(), "the newer table holds on to the old one");
    assert_eq!(ask(&url, "select count(*) from second"), "0");
    let copy = fs::read(&file).unwrap();
    assert!(backup(&url.replace("/mercato?", "/absent?"), &file).is_err());
    assert_eq!(fs::read(&file).unwrap(), copy);
}
