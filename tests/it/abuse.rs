//! Requests that nobody sends by mistake: each is answered or refused with a code, soon, and the service goes on.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::harness::{Database, TestApp};
use crate::on_each_database;

/// What an attack looks like, and the code that refuses it; none where it is answered.
#[allow(clippy::too_many_lines)] // A table.
fn probes() -> Vec<(&'static str, String, Value, Option<&'static str>)> {
    let brackets = |open: &str, close: &str| {
        format!("{{ipos(filter:{{status:{}{}}}){{totalCount}}}}", open.repeat(1_500), close.repeat(1_500))
    };
    let mut bomb = String::from("{...f0}");
    for i in 0..26 {
        bomb += &format!(" fragment f{i} on Query{{...f{} ...f{}}}", i + 1, i + 1);
    }
    bomb += " fragment f26 on Query{__typename}";
    let circle =
        format!("{{__type(name:\"Node\"){}{{name}}{}}}", "{possibleTypes{interfaces".repeat(8), "}}".repeat(8));
    let aliases = |field: &str, n: usize| (0..n).fold(String::new(), |text, i| text + &format!("a{i}:{field} "));
    let statuses: Vec<&str> = ["OPEN", "CLOSED"].into_iter().cycle().take(13_800).collect();
    let nested = (0..200).fold(json!(1), |inner, _| json!([inner]));
    vec![
        ("brackets of a list", brackets("[", "]"), json!({}), Some("QUERY_TOO_COMPLEX")),
        ("brackets of an object", brackets("{a:", "}"), json!({}), Some("QUERY_TOO_COMPLEX")),
        (
            "brackets in a default",
            format!("query($a:Int={}1{}){{viewer{{name}}}}", "[".repeat(2_000), "]".repeat(2_000)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "brackets in a directive",
            format!("{{viewer @include(if:{}1{}){{name}}}}", "[".repeat(3_000), "]".repeat(3_000)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        ("selections", format!("{}x{}", "{a".repeat(5_000), "}".repeat(5_000)), json!({}), Some("QUERY_TOO_COMPLEX")),
        ("a fragment bomb", bomb, json!({}), Some("QUERY_TOO_COMPLEX")),
        (
            "a circle of fragments",
            "{...a} fragment a on Query{...b} fragment b on Query{...a}".to_owned(),
            json!({}),
            Some("GRAPHQL_VALIDATION_FAILED"),
        ),
        ("circular introspection", circle, json!({}), Some("QUERY_TOO_COMPLEX")),
        (
            "introspection by alias",
            format!("{{{}}}", aliases("__schema{types{name}}", 90)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "fields of all types by alias",
            format!("{{__schema{{types{{{}}}}}}}", aliases("fields{name description}", 180)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "types of all fields by alias",
            format!("{{__schema{{types{{fields{{type{{ofType{{{}}}}}}}}}}}}}", aliases("name", 280)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "statistics by alias",
            format!("{{{}}}", aliases("ipoStatistics{count}", 290)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "searches by alias",
            format!("{{{}}}", aliases("dataIssues(filter:{search:\"a\"}){totalCount}", 20)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "a list of values",
            "query($s:[IpoStatus!]){ipos(filter:{status:$s}){totalCount}}".to_owned(),
            json!({"s": statuses}),
            None,
        ),
        (
            "too many values",
            "query($s:[IpoStatus!]){ipos(filter:{status:$s}){totalCount}}".to_owned(),
            json!({"s": vec!["OPEN"; 30_000]}),
            Some("BAD_USER_INPUT"),
        ),
        (
            "many distinct names",
            "query($s:[String!]){auditEvents(filter:{action:$s}){totalCount}}".to_owned(),
            json!({"s": (0..19_000).map(|n| format!("action{n}")).collect::<Vec<_>>()}),
            Some("FORBIDDEN"),
        ),
        (
            "nested variables",
            "query($s:[IpoStatus!]){ipos(filter:{status:$s}){totalCount}}".to_owned(),
            json!({"s": nested}),
            Some("BAD_REQUEST"),
        ),
        (
            "a NUL in a variable",
            "query($s:String){symbols(filter:{search:$s}){totalCount} ipos(filter:{search:$s}){totalCount}}".to_owned(),
            json!({"s": "a\u{0}b"}),
            Some("BAD_USER_INPUT"),
        ),
        (
            "a search longer than any name",
            "query($s:String){symbols(filter:{search:$s}){totalCount} ipos(filter:{search:$s}){totalCount}
               dataIssues(filter:{search:$s}){totalCount} backtests(filter:{search:$s}){totalCount}
               sweeps(filter:{search:$s}){totalCount}}"
                .to_owned(),
            json!({"s": "x".repeat(60_000)}),
            Some("BAD_USER_INPUT"),
        ),
        (
            "a NUL within an object",
            "mutation($i:AddSymbolInput!){addSymbol(input:$i){userErrors{code}}}".to_owned(),
            json!({"i": {"ticker": "NUL", "name": "N\u{0}ul"}}),
            Some("BAD_USER_INPUT"),
        ),
        (
            "a NUL in the text",
            "{jobs(filter:{ticker:\"a\\u0000\"}){totalCount}}".to_owned(),
            json!({}),
            Some("BAD_USER_INPUT"),
        ),
        (
            "columns by alias",
            format!("{{symbol(ticker:\"NONE\"){{series{{{}}}}}}}", aliases("close", 1_190)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "pages in pages",
            "{symbols(first:500){nodes{backtests(first:500){totalCount nodes{id}}}}}".to_owned(),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        ("a negative page", "{ipos(first:-399){totalCount}}".to_owned(), json!({}), Some("BAD_USER_INPUT")),
        (
            "directives",
            format!("{{viewer{{name {}}}}}", "@include(if:true) ".repeat(1_000)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "a field again and again",
            format!("{{{}}}", "__typename ".repeat(90_000)),
            json!({}),
            Some("QUERY_TOO_COMPLEX"),
        ),
        (
            "a file that isn't there",
            "mutation($f:Upload!){importPrices(input:{ticker:\"A\",file:$f}){job{id}}}".to_owned(),
            json!({"f": "#__graphql_file__:0"}),
            Some("UPLOAD_HANDLE_FORGED"),
        ),
        (
            "a file in the text",
            "mutation{importPrices(input:{ticker:\"A\",file:\"#__graphql_file__:0\"}){job{id}}}".to_owned(),
            json!({}),
            Some("UPLOAD_HANDLE_FORGED"),
        ),
        ("no GraphQL", "{".repeat(150), json!({}), Some("GRAPHQL_PARSE_FAILED")),
        ("a long name", format!("{{{}}}", "a".repeat(60_000)), json!({}), Some("GRAPHQL_VALIDATION_FAILED")),
    ]
}

on_each_database! {
    async fn every_probe_is_answered_or_refused_with_a_code(app: TestApp) {
        for (name, query, variables, code) in probes() {
            let began = Instant::now();
            let answer = app.operator.graphql(&query, variables).await;
            let got = answer["errors"][0]["extensions"]["code"].as_str();
            assert_eq!(got, code, "{name}: {:.300}", answer.to_string());
            if code.is_some() {
                let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
                assert!(!message.is_empty() && message.len() < 2_000 && !message.contains("-->"), "{name}: {message}");
            }
            // Not a figure: a query that runs away takes minutes.
            assert!(began.elapsed() < Duration::from_secs(20), "{name}");
        }
        assert_eq!(app.anonymous.data("{ viewer { role } }", json!({})).await["viewer"]["role"], "ANONYMOUS");
    }
}

on_each_database! {
    async fn lists_of_symbols_read_so_many_bars_and_no_more(app: TestApp) {
        let transaction = app.app.store.begin().await.expect("a transaction");
        for ticker in ["A.BSE", "B.BSE", "C.BSE"] {
            let sql = format!(
                "INSERT INTO symbols (ticker, exchange, currency, source, bar_count, data_version, splits, created_at)
                 VALUES ('{ticker}', 'BSE', 'INR', 'CSV', 150000, 1, '[]', 0)"
            );
            transaction.execute_unprepared(&sql).await.expect("a symbol");
        }
        transaction.commit().await.expect("an end");
        for field in ["gaps{from}", "series{length}", "series{close}", "prices(interval:WEEK){totalCount}"] {
            let query = |symbols: usize| format!("{{symbols(first:{symbols}){{nodes{{{field}}}}}}}");
            app.anonymous.data(&query(2), json!({})).await;
            let answer = app.anonymous.graphql(&query(3), json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "{field}: {answer}");
        }
    }

    async fn lists_that_nobody_could_count_are_paid_for_as_they_come(app: TestApp) {
        add_actions(&app, 2_000).await;
        let query = |n: usize| {
            let lists = (0..n).fold(String::new(), |text, i| text + &format!("a{i}:corporateActions{{kind text}} "));
            format!("{{symbol(ticker:\"A.BSE\"){{{lists}}}}}")
        };
        let answer = app.anonymous.data(&query(5), json!({})).await;
        assert_eq!(answer["symbol"]["a4"].as_array().map(Vec::len), Some(2_000));
        let answer = app.anonymous.graphql(&query(100), json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "{:.300}", answer.to_string());
    }

    async fn columns_that_are_too_long_together_are_refused_before_they_are_read(app: TestApp) {
        add_actions(&app, 0).await;
        let transaction = app.app.store.begin().await.expect("a transaction");
        // Nobody would find its results: they aren't there.
        let sweep = "INSERT INTO sweeps (symbol_id, data_version, engine_version, adjusted, from_day, to_day, windows, execution, \
                     combinations, created_at) VALUES (1, 1, 1, FALSE, 1, 2, '[]', '{}', 1000000, 0)";
        transaction.execute_unprepared(sweep).await.expect("a sweep");
        transaction.commit().await.expect("an end");
        let columns = (0..4).fold(String::new(), |text, i| text + &format!("a{i}:sharpe "));
        let query = format!("{{sweeps(first:1){{nodes{{columns{{__typename {columns}}}}}}}}}");
        let answer = app.anonymous.graphql(&query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "{answer}");
    }

    async fn more_than_may_be_listed_is_not_read(app: TestApp) {
        add_actions(&app, 80_001).await;
        let read = app.app.store.corporate_actions().of(&[1]).await.expect("an answer");
        assert!(read.is_none());
        let answer = app.anonymous.graphql("{symbol(ticker:\"A.BSE\"){corporateActions{kind}}}", json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "{:.300}", answer.to_string());
    }
}

/// Adds the symbol A.BSE with so many corporate actions.
async fn add_actions(app: &TestApp, count: u32) {
    let transaction = app.app.store.begin().await.expect("a transaction");
    let symbol = "INSERT INTO symbols (id, ticker, exchange, currency, source, created_at) VALUES (1, 'A.BSE', 'BSE', 'INR', 'CSV', 0)";
    let actions = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO corporate_actions (exchange, symbol_id, ticker, kind, ex_day, subject, source, fingerprint, created_at)
         SELECT 'BSE', 1, 'A', 'DIVIDEND', i, 'Dividend', 'NSE', 'f' || i, 0 FROM n"
    );
    for sql in [symbol, &actions].into_iter().take(if count == 0 { 1 } else { 2 }) {
        transaction.execute_unprepared(sql).await.expect("rows");
    }
    transaction.commit().await.expect("an end");
}

fn client() -> reqwest::Client {
    crate::harness::http()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_runs_nothing_and_media_types_are_read_not_searched() {
    let app = TestApp::start(Database::Sqlite).await;
    let url = format!("{}/graphql", app.url);
    let create = "mutation { createIpo(input: { name: \"By HEAD\", exchange: NSE }) { ipo { id } } }";
    let admin = format!("Bearer {}", crate::harness::ADMIN_TOKEN);
    let head = client().head(&url).query(&[("query", create)]).header("authorization", &admin).send().await;
    assert_eq!(head.expect("an answer").status(), 405);
    let get = client().get(&url).query(&[("query", create)]).header("authorization", &admin).send().await;
    assert_eq!(get.expect("an answer").status(), 405);
    let body = json!({"query": create}).to_string();
    for media_type in ["text/plain; x=json", "application/x-njson", "application/x-www-form-urlencoded", "text/plain"] {
        let request = client().post(&url).header("authorization", &admin).header("content-type", media_type);
        let answer = request.body(body.clone()).send().await.expect("an answer");
        assert_eq!(answer.status(), 415, "{media_type}");
    }
    let form =
        "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"{viewer{name}}\"}\r\n--b--\r\n";
    let request = client().post(&url).header("content-type", "multipart/form-data; boundary=b").body(form);
    assert_eq!(request.send().await.expect("an answer").status(), 400, "a form that any site can send");
    let request = client().post(&url).header("content-type", "multipart/form-data; boundary=b");
    let request = request.header("apollo-require-preflight", "true").body(form);
    assert_eq!(request.send().await.expect("an answer").status(), 401, "a form from nobody");
    for batch in ["[]", "[{\"query\":\"{viewer{name}}\"}]", "[\"{viewer{name}}\"]"] {
        let request = client().post(&url).header("content-type", "application/json").body(batch);
        assert_eq!(request.send().await.expect("an answer").status(), 400, "{batch}");
    }
    assert_eq!(app.anonymous.get("/ipo/companies/?search=a%00").await.0, 400);
    let found = app.anonymous.data("{ ipos { totalCount } }", json!({})).await;
    assert_eq!(found["ipos"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_for_too_much_waits_and_an_address_that_guesses_too() {
    let app = TestApp::start_with(Database::Sqlite, &[("RATE_LIMIT", "20")]).await;
    let url = format!("{}/graphql", app.url);
    let ask = || client().post(&url).json(&json!({"query": "{ ipos(first: 100) { nodes { name ticker } } }"})).send();
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let answer = ask().await.expect("an answer");
        let header = |name: &str| answer.headers().get(name).map(|v| v.to_str().expect("text").to_owned());
        let number = |name: &str| header(name).and_then(|v| v.parse::<u32>().ok()).expect("a number");
        statuses.push((answer.status().as_u16(), header("retry-after").is_some()));
        // Twenty units come in a second, and ten seconds of them can be saved up; the query costs more than that.
        let (limit, remaining, reset) =
            (number("ratelimit-limit"), number("ratelimit-remaining"), number("ratelimit-reset"));
        assert_eq!((limit, header("ratelimit-policy").as_deref()), (200, Some("200;w=10")));
        assert_eq!(reset, (limit - remaining).div_ceil(20), "the time until all of it is there again");
        assert!(answer.status() == 429 || remaining == 0, "{remaining} of {limit}");
        assert_eq!(answer.status() == 429, header("retry-after").is_some());
    }
    assert_eq!(statuses[0], (200, false));
    assert!(statuses.contains(&(429, true)), "{statuses:?}");
    assert_eq!(
        app.operator.data("{ viewer { role } }", json!({})).await["viewer"]["role"],
        "OPERATOR",
        "another client"
    );
    let rest = client().get(format!("{}/ipo/companies/?page_size=100", app.url)).send().await.expect("an answer");
    assert!(rest.status() == 429 || rest.headers().contains_key("ratelimit-remaining"), "{rest:?}");
    assert_eq!(rest.headers().contains_key("retry-after"), rest.status() == 429, "{rest:?}");

    let guess = || {
        client()
            .post(&url)
            .header("authorization", "Bearer guess")
            .json(&json!({"query": "{ viewer { name } }"}))
            .send()
    };
    let mut last = 0;
    for _ in 0..13 {
        last = guess().await.expect("an answer").status().as_u16();
    }
    assert_eq!(last, 429);
    // A socket is no way round that.
    let token = json!({"token": crate::harness::ADMIN_TOKEN});
    let (code, reason) = crate::protocol::closed(&mut crate::subscriptions::connect(&app, token).await).await;
    assert!(code == 4403 && reason.contains("in a minute"), "{code} {reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_token_in_an_operation_is_told_in_the_form_that_was_asked_for() {
    let app = TestApp::start(Database::Sqlite).await;
    let wrong = |path: &str, accept: &str| {
        client().get(format!("{}{path}", app.url)).header("authorization", "Bearer no").header("accept", accept).send()
    };
    let graphql = wrong("/graphql?query={__typename}", "application/graphql-response+json").await.expect("an answer");
    assert_eq!(graphql.status(), 401);
    assert!(graphql.headers()["content-type"].to_str().expect("text").starts_with("application/graphql-response+json"));
    let body: Value = graphql.json().await.expect("JSON");
    assert_eq!((&body["errors"][0]["extensions"]["code"], body.get("data")), (&json!("UNAUTHENTICATED"), None));
    let rest: Value = wrong("/financial_data/data", "*/*").await.expect("an answer").json().await.expect("JSON");
    assert_eq!(rest["error"]["code"], "UNAUTHENTICATED");
}
