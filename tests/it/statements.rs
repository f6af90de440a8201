//! A list costs the same number of statements whatever its length: every connection of the schema, every field of its
//! nodes, and the connections within, taken from the schema itself.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::harness::{ADMIN_TOKEN, Client, Replica, TestApp};
use crate::on_each_database;

const SHORT: usize = 3;
const LONG: usize = 12;

/// Fields with arguments that must be given, and what to give; a new one needs a line here.
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("Query", "marketDays", "exchange: NSE"),
    ("Backtest", "reportUrl", "format: JSON"),
    ("Prediction", "reportUrl", "format: JSON"),
    ("PriceSeries", "indicator", "by: { sma: 2 }"),
];

/// What one object's field leads to.
struct Field {
    name: String,
    leads_to: String,
    arguments: Option<String>,
    pages: bool,
}

struct Types(HashMap<String, Vec<Field>>);

fn named(mut of: &Value) -> String {
    while of["name"].is_null() && of["ofType"].is_object() {
        of = &of["ofType"];
    }
    of["name"].as_str().unwrap_or_default().to_owned()
}

impl Types {
    async fn read(client: &Client) -> Self {
        let names = client.data("{ __schema { types { name kind } } }", json!({})).await;
        let mut types = HashMap::new();
        for entry in names["__schema"]["types"].as_array().expect("types") {
            let name = entry["name"].as_str().unwrap_or_default();
            if entry["kind"] != "OBJECT" || name.starts_with("__") || ["Mutation", "Subscription"].contains(&name) {
                continue;
            }
            let query = format!(
                "{{ __type(name: \"{name}\") {{ fields {{ name args {{ name type {{ kind }} defaultValue }}
                 type {{ kind name ofType {{ kind name ofType {{ kind name ofType {{ kind name }} }} }} }} }} }} }}"
            );
            let read = client.data(&query, json!({})).await;
            let fields = read["__type"]["fields"].as_array().expect("fields").iter().map(|f| field(name, f)).collect();
            types.insert(name.to_owned(), fields);
        }
        Self(types)
    }

    fn of(&self, name: &str) -> &[Field] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The plain values of a type, in one selection.
    fn values(&self, name: &str) -> String {
        let plain = self.of(name).iter().filter(|f| !self.0.contains_key(&f.leads_to) && f.leads_to != "Node");
        let plain: Vec<String> = plain.map(Field::call).collect();
        if plain.is_empty() { "__typename".to_owned() } else { plain.join(" ") }
    }

    fn node_of(&self, connection: &str) -> &str {
        &self.of(connection).iter().find(|f| f.name == "nodes").expect("nodes").leads_to
    }

    /// What to select of a type, one way a selection: its values, then every object and list in it, so many levels deep.
    fn selections(&self, name: &str, depth: usize) -> Vec<String> {
        let mut found = vec![self.values(name)];
        for field in self.of(name).iter().filter(|f| self.0.contains_key(&f.leads_to)) {
            let call = field.call();
            if field.pages {
                let node = self.node_of(&field.leads_to);
                found.push(format!("{call} {{ totalCount }}"));
                found.push(format!("{call} {{ totalCount pageInfo {{ endCursor }} edges {{ cursor }} }}"));
                let inner = if depth == 0 { vec![self.values(node)] } else { self.selections(node, depth - 1) };
                found.extend(inner.iter().map(|inner| format!("{call} {{ nodes {{ {inner} }} }}")));
            } else if depth == 0 {
                found.push(format!("{call} {{ {} }}", self.values(&field.leads_to)));
            } else {
                let inner = self.selections(&field.leads_to, depth - 1);
                found.extend(inner.iter().map(|inner| format!("{call} {{ {inner} }}")));
            }
        }
        found
    }
}

fn field(owner: &str, of: &Value) -> Field {
    let name = of["name"].as_str().expect("a name").to_owned();
    let args = of["args"].as_array().expect("arguments");
    let must: Vec<&Value> =
        args.iter().filter(|a| a["type"]["kind"] == "NON_NULL" && a["defaultValue"].is_null()).collect();
    let given = ARGUMENTS.iter().find(|(o, n, _)| *o == owner && *n == name).map(|(_, _, given)| (*given).to_owned());
    assert!(owner == "Query" || must.is_empty() || given.is_some(), "{owner}.{name} must be given {must:?}");
    let leads_to = named(&of["type"]);
    let pages = leads_to.ends_with("Connection") && args.iter().any(|a| a["name"] == "first");
    Field { name, leads_to, arguments: given, pages }
}

impl Field {
    fn call(&self) -> String {
        let paged = self.pages.then(|| "first: 2".to_owned());
        let arguments: Vec<String> = self.arguments.iter().cloned().chain(paged).collect();
        if arguments.is_empty() { self.name.clone() } else { format!("{}({})", self.name, arguments.join(", ")) }
    }
}

/// The fewest of some tries: what else the process looks at may fall into one of them.
async fn statements(replica: &Replica, client: &Client, query: &str, variables: &Value) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..3 {
        let before = replica.app.store.statements();
        client.data(query, variables.clone()).await;
        least = least.min(replica.app.store.statements() - before);
    }
    least
}

async fn fill(app: &TestApp) {
    for n in 0..LONG {
        let ticker = format!("S{n:02}.BSE");
        // The second row is flagged.
        let mut csv = "date,open,high,low,close,volume\n2024-01-01,9,8,7,9,7\n".to_owned();
        for day in 0..260 {
            let date = chrono::NaiveDate::from_ymd_opt(2024, 1, 2).expect("a day") + chrono::Days::new(day);
            let close = 10.0 + f64::from((day * 7 % 5) as u8);
            csv += &format!("{date},{close},{close},{close},{close},7\n");
        }
        let job = app.operator.import(&ticker, &csv).await["job"]["id"].as_str().expect("a job").to_owned();
        app.settled(&job).await;
        let create = "mutation($i: CreateIpoInput!) { createIpo(input: $i) { ipo { id } userErrors { message } } }";
        let input = json!({"name": format!("S{n} Limited"), "ticker": format!("S{n:02}"), "exchange": "NSE", "issuePrice": "5",
                           "openDate": "2023-12-20", "listingDate": "2024-01-02"});
        let ipo = app.admin.data(create, json!({"i": input})).await["createIpo"]["ipo"]["id"].clone();
        let update = "mutation($i: UpdateIpoInput!) { updateIpo(input: $i) { ipo { id } } }";
        for price in ["6", "7", "8"] {
            app.admin.data(update, json!({"i": {"id": ipo, "issuePrice": price}})).await;
        }
        let run = "mutation($t: String!) {
            a: runBacktest(input: { ticker: $t, strategy: { buy: { priceBelowSma: 3 }, sell: { priceAboveSma: 3 } } }) { userErrors { message } }
            b: runBacktest(input: { ticker: $t, strategy: { buy: { priceBelowSma: 4 }, sell: { priceAboveSma: 4 } } }) { userErrors { message } }
            c: runBacktest(input: { ticker: $t, strategy: { buy: { priceBelowSma: 5 }, sell: { priceAboveSma: 5 } } }) { userErrors { message } }
            sweepBacktests(input: { ticker: $t, buyBelowSma: { from: 2, to: 3 }, sellAboveSma: { from: 2, to: 3 } }) { userErrors { message } }
            predict(input: { ticker: $t, horizon: 3 }) { userErrors { message } } }";
        let made = app.operator.data(run, json!({"t": ticker})).await;
        for (name, payload) in made.as_object().expect("payloads") {
            assert_eq!(payload["userErrors"], json!([]), "{name}");
        }
    }
}

on_each_database! {
    async fn every_list_costs_the_same_whatever_its_length(app: TestApp) {
        fill(&app).await;
        let replica = app.forgetful_replica().await;
        let client = Client::new(&replica.url, Some(ADMIN_TOKEN));
        let types = Types::read(&client).await;
        let (mut grown, mut looked_at) = (Vec::new(), 0);
        let connections: Vec<&Field> = types.of("Query").iter().filter(|f| f.pages).collect();
        assert!(connections.len() >= 9, "the schema's connections are found");
        for field in connections {
            let node = types.node_of(&field.leads_to);
            let of = |selection: &str, rows: usize| {
                let arguments: Vec<String> = field.arguments.iter().cloned().chain([format!("first: {rows}")]).collect();
                format!("{{ {}({}) {{ nodes {{ {selection} }} }} }}", field.name, arguments.join(", "))
            };
            for selection in types.selections(node, 1) {
                let (short, long) = (of(&selection, SHORT), of(&selection, LONG));
                let (short, long) =
                    (statements(&replica, &client, &short, &json!({})).await, statements(&replica, &client, &long, &json!({})).await);
                looked_at += 1;
                if short != long {
                    grown.push(format!("{} {{ {selection} }}: {short} and {long}", field.name));
                }
            }
        }
        assert!(looked_at > 60, "{looked_at}");
        assert!(grown.is_empty(), "these cost more statements for {LONG} rows than for {SHORT}:\n{}", grown.join("\n"));
    }

    async fn nodes_by_id_cost_the_same_however_many(app: TestApp) {
        fill(&app).await;
        let replica = app.forgetful_replica().await;
        let client = Client::new(&replica.url, None);
        let lists = "{ symbols(first: 12) { nodes { id } } ipos(first: 12) { nodes { id } } backtests(first: 12) { nodes { id } }
            predictions(first: 12) { nodes { id } } sweeps(first: 12) { nodes { id } } jobs(first: 12) { nodes { id } } }";
        let lists = client.data(lists, json!({})).await;
        let models = client.data("{ models { id } }", json!({})).await["models"].as_array().expect("models").clone();
        let mut kinds: Vec<Vec<Value>> = lists.as_object().expect("lists").values()
            .map(|list| list["nodes"].as_array().expect("nodes").iter().map(|node| node["id"].clone()).collect()).collect();
        kinds.push(models.iter().map(|model| model["id"].clone()).cycle().take(LONG).collect());
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Model { isDefault } ... on Symbol { backtests(first: 1) { totalCount } } } }";
        for ids in kinds {
            assert_eq!(ids.len(), LONG);
            let short = statements(&replica, &client, query, &json!({"ids": ids[..SHORT]})).await;
            let long = statements(&replica, &client, query, &json!({"ids": ids})).await;
            assert_eq!(short, long, "{}", ids[0]);
            assert!(long <= 2, "{}: {long}", ids[0]);
        }
        // A count alone reads no page.
        for (query, most) in [
            ("{ symbols { totalCount } }", 1),
            ("{ symbols(first: 50) { edges { node { ticker latestBar { close } } } } }", 2),
            ("{ symbols { nodes { backtests { totalCount } } } }", 2),
            ("{ symbols { nodes { prices(from: \"2024-02-01\") { totalCount } } } }", 2),
            ("{ ipos { nodes { revisions { totalCount } } } }", 2),
            ("{ ipos { nodes { symbol { id } performance { listingGain } } } }", 2),
            ("{ models { isDefault } }", 2),
        ] {
            assert_eq!(statements(&replica, &client, query, &json!({})).await, most, "{query}");
        }
    }

    async fn pages_within_lists_hold_what_they_should(app: TestApp) {
        fill(&app).await;
        let query = "{ symbols(first: 12) { nodes { id ticker
            newest: backtests(first: 2) { totalCount nodes { id symbol { id } } pageInfo { hasNextPage hasPreviousPage endCursor } }
            oldest: backtests(last: 1) { nodes { id } pageInfo { hasNextPage hasPreviousPage } }
            prices(last: 2, from: \"2024-01-03\", to: \"2024-01-05\") { totalCount nodes { date } pageInfo { hasPreviousPage } } } } }";
        let data = app.anonymous.data(query, json!({})).await;
        let number = |id: &Value| id.as_str().expect("an id").to_owned();
        let symbols = data["symbols"]["nodes"].as_array().expect("symbols");
        assert_eq!(symbols.len(), LONG);
        for symbol in symbols {
            let newest = &symbol["newest"];
            assert_eq!((&newest["totalCount"], &newest["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)), "{symbol}");
            assert_eq!((&newest["nodes"][1]["symbol"]["id"], newest["nodes"].as_array().map(Vec::len)), (&symbol["id"], Some(2)));
            assert_eq!((&symbol["oldest"]["pageInfo"]["hasPreviousPage"], symbol["oldest"]["nodes"].as_array().map(Vec::len)), (&json!(true), Some(1)));
            assert_ne!(number(&symbol["oldest"]["nodes"][0]["id"]), number(&newest["nodes"][1]["id"]));
            let next = "query($t: String!, $after: String!) { symbol(ticker: $t) { backtests(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage hasPreviousPage } } } }";
            let next = app.anonymous.data(next, json!({"t": symbol["ticker"], "after": newest["pageInfo"]["endCursor"]})).await["symbol"]["backtests"].clone();
            assert_eq!(next["nodes"], symbol["oldest"]["nodes"]);
            assert_eq!(next["pageInfo"], json!({"hasNextPage": false, "hasPreviousPage": true}));
            assert_eq!(symbol["prices"], json!({"totalCount": 3, "nodes": [{"date": "2024-01-04"}, {"date": "2024-01-05"}], "pageInfo": {"hasPreviousPage": true}}));
        }
        let query = "{ ipos { nodes { revisions(first: 2) { totalCount nodes { changes { after } } } } } }";
        let data = app.anonymous.data(query, json!({})).await;
        let ipos = data["ipos"]["nodes"].as_array().expect("issues");
        assert_eq!(ipos.len(), LONG);
        for ipo in ipos {
            assert_eq!(ipo["revisions"], json!({"totalCount": 3, "nodes": [{"changes": [{"after": "8"}]}, {"changes": [{"after": "7"}]}]}));
        }
    }

    async fn a_history_that_is_gone_through_is_read_once(app: TestApp) {
        fill(&app).await;
        let replica = app.forgetful_replica().await;
        let client = Client::new(&replica.url, None);
        let query = "query($first: Int, $after: String) { symbol(ticker: \"S00.BSE\") { prices(first: $first, after: $after) {
            nodes { date open high low close adjustedClose volume } pageInfo { hasNextPage hasPreviousPage endCursor } } } }";
        let walk = async |first: usize| {
            let (mut bars, mut after) = (Vec::new(), Value::Null);
            loop {
                let answer = client.data(query, json!({"first": first, "after": after})).await;
                let page = &answer["symbol"]["prices"];
                assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!after.is_null()));
                bars.extend(page["nodes"].as_array().expect("bars").iter().cloned());
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    return bars;
                }
            }
        };
        // Pages of a few come from the table; the second large one brings the history with it.
        let few = walk(12).await;
        assert_eq!(few.len(), 260);
        assert_eq!(statements(&replica, &client, query, &json!({"first": 100})).await, 2);
        assert_eq!(walk(100).await, few);
        assert_eq!(statements(&replica, &client, query, &json!({"first": 100})).await, 1);
        assert_eq!(walk(12).await, few);
        // Of those who ask for one at once, one reads it.
        let mut least = u64::MAX;
        for ticker in ["S01.BSE", "S02.BSE", "S03.BSE"] {
            let symbol = replica.app.store.identities().find(ticker).await.expect("an answer").expect("a symbol");
            let before = replica.app.store.statements();
            let asked = (0..20).map(|_| replica.app.series.get(std::slice::from_ref(&symbol)));
            for series in futures_util::future::join_all(asked).await {
                assert_eq!(series.expect("series")[0].1.raw.len(), 260);
            }
            least = least.min(replica.app.store.statements() - before);
        }
        assert_eq!(least, 1);
    }

    async fn backtests_are_compared(app: TestApp) {
        fill(&app).await;
        let runs = app.anonymous.data("{ backtests(first: 3) { nodes { id metrics { totalReturn } } } }", json!({})).await["backtests"]["nodes"].clone();
        let id = |n: usize| runs[n]["id"].clone();
        let query = "query($ids: [ID!]!) { compareBacktests(ids: $ids) { backtests { id } differences { input values }
            metrics { metric values best } curves { dates runs { equity buyAndHold } } } }";
        let compared = app.anonymous.data(query, json!({"ids": [id(0), id(2)]})).await["compareBacktests"].clone();
        assert_eq!(compared["backtests"], json!([{"id": id(0)}, {"id": id(2)}]));
        assert_eq!(compared["differences"], json!([
            {"input": "buy", "values": ["the close is below its 5-day average", "the close is below its 3-day average"]},
            {"input": "sell", "values": ["the close is above its 5-day average", "the close is above its 3-day average"]}]));
        let total = compared["metrics"].as_array().expect("metrics").iter().find(|m| m["metric"] == "totalReturn").expect("a row");
        assert_eq!(total["values"], json!([runs[0]["metrics"]["totalReturn"], runs[2]["metrics"]["totalReturn"]]));
        let curves = &compared["curves"];
        for run in curves["runs"].as_array().expect("runs") {
            assert_eq!((&run["equity"][0], &run["buyAndHold"][0]), (&json!(1.0), &json!(1.0)));
            assert_eq!(run["equity"].as_array().map(Vec::len), curves["dates"].as_array().map(Vec::len));
        }
        let symbol = app.anonymous.data("{ symbols(first: 1) { nodes { id } } }", json!({})).await["symbols"]["nodes"][0]["id"].clone();
        for (ids, says) in [
            (json!([id(0)]), "2 to 8"),
            (json!((0..9).map(|_| id(0)).collect::<Vec<_>>()), "2 to 8"),
            (json!([id(0), id(0)]), "named twice"),
            (json!([id(0), "nonsense"]), "There is no backtest"),
            (json!([id(0), symbol]), "There is no backtest"),
        ] {
            let answer = app.anonymous.graphql(query, json!({"ids": ids})).await;
            let error = &answer["errors"][0];
            assert!(error["message"].as_str().is_some_and(|m| m.contains(says)), "{answer}");
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        }
    }
}
