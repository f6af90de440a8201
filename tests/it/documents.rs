//! What the documents say, held against the service.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use prospectus::graphql::{Code, limits, sdl};
use regex::Regex;
use serde_json::Value;

use crate::harness::{ADMIN_TOKEN, Client};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !["vendor", "node_modules", "target"].contains(&name.as_str()) {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found
}

/// The codes of mutations, as the schema has them.
fn user_error_codes() -> BTreeSet<String> {
    let sdl = sdl();
    let (_, rest) = sdl.split_once("enum UserErrorCode {").expect("the enum");
    let (body, _) = rest.split_once("\n}").expect("its end");
    let name = Regex::new(r"(?m)^\s+([A-Z_]+)$").expect("a pattern");
    name.captures_iter(body).map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_catalogue_of_errors_has_every_code_and_no_other() {
    let known: BTreeSet<String> =
        Code::ALL.iter().map(|code| code.name().to_owned()).chain(user_error_codes()).collect();
    let row = Regex::new(r"(?m)^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|(.*)\|(.*)\|(.*)\|$").expect("a pattern");
    let mut told = BTreeSet::new();
    for found in row.captures_iter(&read("docs/errors.md")) {
        assert!(found[3].trim().len() > 10 && found[4].trim().len() > 3, "{}", &found[0]);
        for code in found[1].split(", ") {
            assert!(told.insert(code.trim_matches('`').to_owned()), "{code} is told twice");
        }
    }
    assert_eq!(told, known);
    // What the REST routes answer with is among them, and no code is set by hand.
    let failure = Regex::new(r#"failure\(\s*"([A-Z_]+)""#).expect("a pattern");
    let by_hand = Regex::new(r#"set\(\s*"code",\s*""#).expect("a pattern");
    let mut failures = 0;
    for path in files("src", &[".rs"]) {
        let source = read(&path);
        for found in failure.captures_iter(&source) {
            assert!(known.contains(&found[1]), "{} in {}", &found[1], path.display());
            failures += 1;
        }
        assert!(!by_hand.is_match(&source), "{}", path.display());
    }
    assert!(failures > 5, "only {failures} were found");
}

/// Operations in a text: those of fenced blocks, of JSON bodies, and of a script's strings with its constants put in.
fn operations(text: &str) -> Vec<String> {
    let pattern = Regex::new(
        r#"(?s)```graphql\n(.*?)```|"query":\s*"((?:[^"\\]|\\.)*)"|`(?:#graphql)?\s*((?:query|mutation|subscription)\b[^`{]*\{[^`]*)`|"((?:query|mutation|subscription)\b[^"\n{]*\{(?:[^"\\\n]|\\.)*)""#,
    )
    .expect("a pattern");
    let constant = Regex::new(r#"(?s)const ([A-Z_]+) = (?:"([^"\n]*)"|`([^`]*)`);"#).expect("a pattern");
    let texts = pattern.captures_iter(text).filter_map(|found| (1..=4).find_map(|i| found.get(i)));
    let filled = |found: &str| {
        let mut filled = found.replace("\\\"", "\"").replace("\\n", "\n");
        for _ in 0..3 {
            for known in constant.captures_iter(text) {
                let value = known.get(2).or_else(|| known.get(3)).map_or("", |value| value.as_str());
                filled = filled.replace(&format!("${{{}}}", &known[1]), value);
            }
        }
        filled
    };
    texts.map(|found| filled(found.as_str())).collect()
}

/// Levels of brackets in a text: of fields, and of objects among the arguments.
fn levels(text: &str) -> u64 {
    let (mut level, mut deepest) = (0_u64, 0);
    for sign in text.chars() {
        match sign {
            '{' => level += 1,
            '}' => level = level.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(level);
    }
    deepest
}

#[test]
fn every_query_of_the_documents_and_the_console_passes_the_limits_with_room() {
    let mut looked_at = 0;
    let mut shares = BTreeMap::new();
    // Arguments have colons as well.
    let name = Regex::new(r"\w\s*:").expect("a pattern");
    let mut sources = vec![repository().join("README.md")];
    sources.extend(files("docs", &[".md"]));
    sources.extend(files("src/http/console/assets", &[".js"]));
    sources.extend(files("examples", &[".js", ".mjs", ".ts", ".html", ".graphql", ".py"]));
    for path in sources {
        let text = read(&path);
        let texts = if path.extension().is_some_and(|e| e == "graphql") { vec![text] } else { operations(&text) };
        for text in texts {
            // What is put together at run time is looked at by the tests of the console.
            if text.contains("${") {
                continue;
            }
            let cost = limits::cost(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", path.display()));
            let count = |n: usize| n as u64;
            let used = [
                ("cost", cost, limits::operation::COSTLIEST),
                ("bytes", count(text.len()), count(limits::text::LONGEST_TEXT)),
                ("levels", levels(&text), limits::operation::DEEPEST),
                ("names", count(name.find_iter(&text).count()), limits::operation::MOST_ALIASES),
            ];
            for (what, used, most) in used {
                assert!(used * 2 <= most, "{used} of {most} {what} in {}:\n{text}", path.display());
                let share = shares.entry(what).or_insert(0);
                *share = (used * 100 / most).max(*share);
            }
            looked_at += 1;
        }
    }
    assert!(looked_at >= 70, "only {looked_at} were found");
    println!("{looked_at} operations; the largest shares of the limits, in percent: {shares:?}");
}

/// The demo, serving.
struct Demo {
    child: std::process::Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo() -> Demo {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_prospectus"))
        .args(["demo", "--database"])
        .arg(folder.path().join("demo.db"))
        .env_clear()
        .envs([("LISTEN", "127.0.0.1:0"), ("ADMIN_TOKEN", ADMIN_TOKEN)])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let mut url = String::new();
    for line in lines {
        if let Some(address) = line.strip_prefix("Open   ") {
            address.split("/reporting").next().unwrap_or_default().clone_into(&mut url);
        }
        if line.starts_with("Serving") {
            break;
        }
    }
    assert!(!url.is_empty(), "the demo did not come up");
    Demo { child, url, _folder: folder }
}

/// Whether an answer is the one that is told; "…" stands for any text.
fn is_as_told(told: &Value, came: &Value) -> bool {
    match (told, came) {
        (Value::String(told), Value::String(_)) if told == "…" => true,
        (Value::Object(told), Value::Object(came)) => {
            told.len() == came.len()
                && told.iter().all(|(key, told)| came.get(key).is_some_and(|came| is_as_told(told, came)))
        }
        (Value::Array(told), Value::Array(came)) => {
            told.len() == came.len() && told.iter().zip(came).all(|(told, came)| is_as_told(told, came))
        }
        _ => told == came,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ten_questions_of_the_guide_have_the_answers_that_it_tells() {
    let guide = read("docs/api.md");
    let demo = tokio::task::spawn_blocking(demo).await.expect("the demo");
    let client = Client::new(&demo.url, Some(ADMIN_TOKEN));
    let block = |section: &str, kind: &str| {
        let (_, rest) = section.split_once(&format!("```{kind}\n"))?;
        rest.split_once("\n```").map(|(body, _)| body.to_owned())
    };
    let mut questions = 0;
    for section in guide.split("\n## ").filter(|section| section.starts_with(|c: char| c.is_ascii_digit())) {
        let title = section.lines().next().unwrap_or_default();
        let query = block(section, "graphql").unwrap_or_else(|| panic!("no query: {title}"));
        let variables = block(section, "json variables").map_or(Value::Null, |text| parsed(title, &text));
        let told = parsed(title, &block(section, "json answer").unwrap_or_else(|| panic!("no answer: {title}")));
        let mut came = if query.starts_with("subscription") {
            let body = serde_json::json!({"query": query, "variables": variables});
            first_event(&demo.url, body).await
        } else {
            client.graphql(&query, variables).await
        };
        came.as_object_mut().expect("an object").remove("extensions");
        assert!(is_as_told(&told, &came), "{title}\ntold: {told:#}\ncame: {came:#}");
        questions += 1;
    }
    assert_eq!(questions, 10);
}

fn parsed(title: &str, text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{title}: {error}\n{text}"))
}

/// The first event of a subscription.
async fn first_event(url: &str, body: Value) -> Value {
    let client = crate::harness::http();
    let request = client.post(format!("{url}/graphql")).header("accept", "text/event-stream").json(&body);
    let mut answer = request.send().await.expect("an answer");
    let mut text = String::new();
    while let Some(chunk) = answer.chunk().await.expect("a stream") {
        text += &String::from_utf8_lossy(&chunk);
        if let Some((_, data)) = text.split_once("data: ").or_else(|| text.split_once("data:"))
            && let Some((data, _)) = data.split_once('\n')
        {
            return parsed("an event", data);
        }
    }
    panic!("no event: {text}")
}

#[test]
fn the_limits_that_the_guide_names_are_those_of_the_code() {
    let guide = read("docs/api.md");
    let with_comma = |n: u64| if n < 1_000 { n.to_string() } else { format!("{},{:03}", n / 1_000, n % 1_000) };
    for told in [
        format!("may cost {} units", with_comma(limits::operation::COSTLIEST)),
        format!("may have {} KiB", limits::text::LONGEST_TEXT >> 10),
        format!("at most {} levels deep", limits::operation::DEEPEST),
        format!(
            "  {} of them ({} in all operations of one text), {} of them under another name",
            with_comma(limits::operation::MOST_FIELDS),
            with_comma(limits::operation::MOST_FIELDS_IN_ALL),
            limits::operation::MOST_ALIASES
        ),
        format!("and {} at the root", limits::operation::MOST_ROOTS),
        format!("At most {} search", limits::operation::MOST_SCANS),
        format!("at most {},000 bars", limits::budget::MOST_BARS_READ / 1_000),
    ] {
        assert!(guide.contains(&told), "{told}");
    }
}
