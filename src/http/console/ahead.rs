//! What a page's script will import, named in the page, so that a browser fetches all of it at once instead of step by step.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use super::files::Assets;

/// Addresses within the console by how they begin, the longer ones first, and the modules that draw them.
const PAGES: [(&str, &[&str]); 17] = [
    ("symbols/", &["symbol.js", "chart.js"]),
    ("ipos/", &["ipo.js"]),
    ("ipos", &["ipos.js"]),
    ("backtests/new", &["newbacktest.js"]),
    ("backtests/compare", &["compare.js", "curves.js"]),
    ("backtests/", &["backtest.js", "explorer.js"]),
    ("backtests", &["backtests.js"]),
    ("sweeps/new", &["newsweep.js"]),
    ("sweeps/", &["sweep.js"]),
    ("sweeps", &["sweeps.js"]),
    ("forecasts/", &["forecast.js"]),
    ("forecasts", &["forecasts.js"]),
    ("jobs", &["jobs.js"]),
    ("admin/records", &["admin.js", "records.js"]),
    ("admin/models", &["admin.js", "models.js"]),
    ("admin/tokens", &["admin.js", "tokens.js"]),
    ("admin", &["admin.js"]),
];
/// What is drawn at the console's own address.
const FIRST: &[&str] = &["symbols.js"];

/// The links of each page, in the order of `PAGES`, those of the first page last. In debug builds the files may change, so
/// they are read each time.
static LINKS: LazyLock<Vec<String>> =
    LazyLock::new(|| PAGES.iter().map(|(_, modules)| *modules).chain([FIRST]).map(links_of).collect());

/// Links for what an address needs beside what every page does.
pub(super) fn links(path: &str) -> String {
    let place = PAGES.iter().position(|(begins, _)| path.starts_with(begins));
    let place = place.or_else(|| path.is_empty().then_some(PAGES.len()));
    let Some(place) = place else { return String::new() };
    if cfg!(debug_assertions) {
        return links_of(PAGES.get(place).map_or(FIRST, |(_, modules)| *modules));
    }
    LINKS.get(place).cloned().unwrap_or_default()
}

/// How addresses begin, in the order in which they are looked for, and the links of each, as JSON. What is empty is the
/// console's own address.
pub(super) fn table() -> String {
    let rows: Vec<(&str, String)> =
        PAGES.iter().map(|(begins, modules)| (*begins, links_of(modules))).chain([("", links_of(FIRST))]).collect();
    serde_json::to_string(&rows).unwrap_or_else(|_| "[]".to_owned())
}

fn links_of(modules: &[&str]) -> String {
    let page = Assets::get("index.html").map(|asset| String::from_utf8_lossy(&asset.data).into_owned());
    let page = page.unwrap_or_default();
    let mut found = BTreeSet::new();
    for module in modules {
        follow(module, &mut found);
    }
    let mut links = String::new();
    for name in found.iter().filter(|name| !page.contains(&format!("assets/{name}\""))) {
        let _ = writeln!(links, "    <link rel=\"modulepreload\" href=\"/reporting/assets/{name}\" />");
    }
    links
}

/// A module and all that it imports, and that these import.
fn follow(name: &str, found: &mut BTreeSet<String>) {
    // What is of others imports nothing.
    if !found.insert(name.to_owned()) || name.starts_with("vendor/") {
        return;
    }
    let Some(asset) = Assets::get(name) else { return };
    let text = String::from_utf8_lossy(&asset.data);
    for line in text.lines().filter(|line| line.starts_with("import ") || line.starts_with("export ")) {
        if let Some((_, from)) = line.rsplit_once(" from \"./")
            && let Some((other, _)) = from.split_once('"')
        {
            follow(other, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_what_it_imports_and_what_that_imports() {
        let symbol = links("symbols/IBM");
        for name in ["symbol.js", "jobs.js", "import.js", "chart.js", "chartkit.js", "vendor/lightweight-charts.js"] {
            assert!(symbol.contains(&format!("/reporting/assets/{name}\"")), "{name}: {symbol}");
        }
        assert!(!symbol.contains("ui.js") && !symbol.contains("sweep.js"), "{symbol}");
        assert!(links("backtests/new").contains("newbacktest.js") && !links("backtests/new").contains("explorer.js"));
        assert!(links("").contains("symbols.js"));
        assert_eq!(links("nowhere"), "");
    }

    #[test]
    fn the_worker_is_told_the_links_of_every_address() {
        let rows: Vec<(String, String)> = serde_json::from_str(&table()).expect("rows");
        assert_eq!(rows.len(), PAGES.len() + 1);
        for (begins, given) in rows {
            assert_eq!(given, links(&begins), "{begins}");
            assert!(given.contains("modulepreload"), "{begins}");
        }
    }

    #[test]
    fn every_module_of_the_table_is_there() {
        for name in PAGES.iter().flat_map(|(_, modules)| *modules).chain(FIRST) {
            assert!(Assets::get(name).is_some(), "{name}");
        }
    }
}
