//! The schema goes up and down, and workers that meet in the database keep out of each other's way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use prospectus::store::{Permit, Store};
use sqlx::Connection as _;

use crate::harness::{Database, day, fresh_database};
use crate::on_each_database;

async fn up_and_down(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::connect(&fresh_database(database, &folder)).await.expect("a database");
    store.migrate().await.expect("up");
    assert!(store.is_ready().await.expect("an answer"));
    store.migrate_down(100).await.expect("down");
    assert!(!store.is_ready().await.expect("an answer"));
    store.migrate().await.expect("up again");
    store.migrate().await.expect("up to date already");
    assert!(store.is_ready().await.expect("an answer"));
}

#[tokio::test]
async fn migrations_go_up_and_down_on_sqlite() {
    up_and_down(Database::Sqlite).await;
}

#[tokio::test]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn migrations_go_up_and_down_on_postgres() {
    up_and_down(Database::Postgres).await;
}

/// The driver would put a connection back whose BEGIN nobody waited for: what is written on it next is never committed.
#[tokio::test]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn whoever_leaves_while_a_transaction_begins_leaves_none_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = fresh_database(Database::Postgres, &folder);
    let store = Store::connect(&url).await.expect("a database");
    let mut observer = sqlx::PgConnection::connect(&url).await.expect("a connection");
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'";
    drop(store.begin().await.expect("a transaction"));
    for patience in 0..60 {
        // The connection is back, so that the first thing that is sent on it is the BEGIN.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let leaves = async {
            for _ in 0..patience {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            begun = store.begin() => drop(begun.expect("a transaction")),
            () = leaves => {}
        }
        let began = Instant::now();
        // What has begun all the same is rolled back; the next to begin would close it, and nobody may have to.
        while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut observer).await.expect("a count") > 0 {
            assert!(began.elapsed() < Duration::from_secs(10), "a transaction stays open after {patience} polls");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

on_each_database! {
    async fn a_budget_is_shared_and_its_slots_are_apart(app: TestApp) {
        let budgets = app.app.store.budgets();
        let asked = futures_util::future::join_all((0..12).map(|_| budgets.take("a key", 100, 10))).await;
        let mut slots = BTreeSet::new();
        let mut refused = 0;
        for permit in asked {
            match permit.expect("an answer") {
                Permit::At(at, _) => assert!(slots.insert(at), "two requests in one slot"),
                Permit::SpentUntil(until) => {
                    assert_eq!(until % 86_400_000, 0);
                    refused += 1;
                }
            }
        }
        assert_eq!((slots.len(), refused), (10, 2));
        let slots: Vec<i64> = slots.into_iter().collect();
        assert!(slots.windows(2).all(|pair| pair[1] - pair[0] >= 100), "{slots:?}");
    }

    async fn symbols_added_at_the_same_moment_are_one(app: TestApp) {
        app.provider.daily("ACME", &[(day(0), ["1.0", "2.0", "0.5", "1.25"], "7")]);
        let query = "mutation { addSymbol(input: { ticker: \"ACME\" }) { symbol { id } userErrors { code } } }";
        let all = (0..8).map(|_| app.operator.data(query, serde_json::json!({})));
        let answers = futures_util::future::join_all(all).await;
        let made = answers.iter().filter(|a| a["addSymbol"]["symbol"].is_object()).count();
        let told = answers.iter().filter(|a| a["addSymbol"]["userErrors"][0]["code"] == "ALREADY_EXISTS").count();
        assert_eq!((made, told), (1, 7), "{answers:?}");
    }
    async fn work_on_whole_tables_leaves_others_their_connections(app: TestApp) {
        let scans = app.app.store.for_scans();
        let held = [scans.snapshot().await.expect("a connection"), scans.snapshot().await.expect("a connection")];
        let ask = |query: &'static str| app.operator.data(query, serde_json::json!({}));
        let searching = "{ ipos(filter: { search: \"a\" }) { totalCount } }";
        let soon = Duration::from_millis(300);
        assert!(tokio::time::timeout(soon, ask(searching)).await.is_err(), "it reads through somebody else's connection");
        ask("{ ipos { totalCount nodes { name } } }").await;
        drop(held);
        ask(searching).await;
        ask("{ ipoStatistics { count } }").await;
    }
}
