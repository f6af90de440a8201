//! The order of rooms in docs/ARCHITECTURE.md, held by reading the sources: no import against it, no circle of files,
//! and SQL in the store alone. Nothing of the crate is linked, so it answers in seconds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The service and its engines, whose modules it passes on under their names.
const SOURCES: [&str; 2] = ["src", "engines/src"];

/// Where a module lies in the crate: `["store", "jobs"]`; the file of a folder `store` is `["store"]`.
type Name = Vec<String>;

/// What the order test needs to know of one file.
#[derive(Default)]
struct Module {
    /// What each name that a `use` brings in stands for, as written.
    imports: BTreeMap<String, Vec<String>>,
    /// Every path of the code, as written, but for what is only passed on by `pub use` from a module below.
    paths: Vec<Vec<String>>,
}

/// The sources of the service, tests left out.
struct Sources(BTreeMap<Name, Module>);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry").path());
    let of = |path: PathBuf| if path.is_dir() { rust_files(&path) } else { vec![path] };
    let mut files: Vec<PathBuf> = entries.flat_map(of).filter(|p| p.extension().is_some_and(|e| e == "rs")).collect();
    files.sort();
    files
}

fn sources() -> impl Iterator<Item = PathBuf> {
    SOURCES.iter().flat_map(|folder| rust_files(&root().join(folder)))
}

/// The name of a file's module; none for tests and for the roots, which belong to no room.
fn module_name(file: &Path) -> Option<Name> {
    let inside = SOURCES.iter().find_map(|folder| file.strip_prefix(root().join(folder)).ok())?.with_extension("");
    let mut name: Name = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if name.last()? == "mod" {
        name.pop();
    }
    let test = name.iter().any(|part| part == "tests" || part.ends_with("_tests"));
    (!test && name != ["main"] && name != ["lib"]).then_some(name)
}

impl Sources {
    fn read() -> Self {
        let read = |file: PathBuf| {
            let name = module_name(&file)?;
            let text = std::fs::read_to_string(&file).expect("a source file");
            let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            let mut module = Module::default();
            module.take(tokens);
            Some((name, module))
        };
        Self(sources().filter_map(read).collect())
    }

    /// The file that a path of `from` leads to, through what other files pass on.
    fn target(&self, from: &Name, path: &[String]) -> Option<Name> {
        let mut at = from.clone();
        for (place, part) in path.iter().enumerate() {
            match part.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => _ = at.pop(),
                _ => {
                    let below: Name = at.iter().chain([part]).cloned().collect();
                    if self.0.contains_key(&below) {
                        at = below;
                        continue;
                    }
                    let import = self.0.get(&at).and_then(|module| module.imports.get(part));
                    match import {
                        // A name of its own kind: `use super::x as x` can't lead back here.
                        Some(import) if *import != path[..=place] || at != *from => {
                            let rest = import.iter().chain(&path[place + 1..]).cloned().collect::<Vec<_>>();
                            return self.target(&at, &rest);
                        }
                        _ if place == 0 => return None,
                        _ => return Some(at),
                    }
                }
            }
        }
        // The path names a module; what is used of it has a longer path.
        None
    }

    /// The files that each file uses.
    fn graph(&self) -> BTreeMap<&Name, BTreeSet<Name>> {
        let targets = |(name, module): (&'_ Name, &Module)| {
            let found = module.paths.iter().filter_map(|path| self.target(name, path));
            found.filter(|target| target != name && !target.is_empty()).collect()
        };
        self.0.iter().map(|entry| (entry.0, targets(entry))).collect()
    }
}

impl Module {
    /// Notes the paths of a piece of code, macros' insides included; what is for tests alone is passed over.
    fn take(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut public = false;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Punct(p) if p.as_char() == '#' && is_cfg_test(tokens.get(at + 1)) => {
                    at += 2;
                    while !ends_item(tokens.get(at)) {
                        at += 1;
                    }
                }
                TokenTree::Ident(word) if *word == "pub" => {
                    public = true;
                    at += usize::from(matches!(tokens.get(at + 1), Some(TokenTree::Group(_))));
                }
                TokenTree::Ident(word) if *word == "use" && matches!(tokens.get(at + 1), Some(TokenTree::Ident(_))) => {
                    let end = (at..tokens.len()).find(|&i| ends_statement(&tokens[i])).unwrap_or(tokens.len());
                    self.import(&tokens[at + 1..end], &[], public);
                    public = false;
                    at = end;
                }
                TokenTree::Ident(_) => {
                    public = false;
                    let (path, next) = path_at(&tokens, at);
                    if path.len() > 1 {
                        self.paths.push(path);
                    }
                    at = next;
                    continue;
                }
                TokenTree::Group(group) => self.take(group.stream()),
                _ => public = false,
            }
            at += 1;
        }
    }

    /// Notes one tree of a `use`, whose path so far is `before`.
    fn import(&mut self, tokens: &[TokenTree], before: &[String], public: bool) {
        for branch in tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ',')) {
            let (mut path, next) = if branch.is_empty() { continue } else { path_at(branch, 0) };
            path.splice(0..0, before.iter().cloned());
            if let Some(TokenTree::Group(group)) = branch.get(next) {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                self.import(&inside, &path, public);
                continue;
            }
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = match branch.get(next + 1) {
                Some(TokenTree::Ident(name)) => name.to_string(),
                _ => path.last().cloned().unwrap_or_default(),
            };
            let from_below = !["crate", "super", "self"].contains(&path[0].as_str());
            if !(public && from_below) {
                self.paths.push(path.clone());
            }
            self.imports.insert(name, path);
        }
    }
}

fn is_cfg_test(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.to_string().replace(' ', "") == "[cfg(test)]")
}

fn ends_item(token: Option<&TokenTree>) -> bool {
    match token {
        None => true,
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        Some(token) => ends_statement(token),
    }
}

fn ends_statement(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == ';')
}

/// The words of `a::b::c` from here, and where the tokens go on.
fn path_at(tokens: &[TokenTree], mut at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        at += 1;
        if !(colon(tokens.get(at)) && colon(tokens.get(at + 1))) {
            break;
        }
        at += 2;
    }
    (path, at)
}

/// The rooms from the first to the last, as the document's table has them.
fn rooms() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the document");
    let room = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.trim_end_matches('/').to_owned());
    text.lines().filter_map(room).collect()
}

fn shown(name: &[String]) -> String {
    name.join("/")
}

/// The shortest way from a file back to itself.
fn circle<'a>(graph: &'a BTreeMap<&'a Name, BTreeSet<Name>>, start: &'a Name) -> Option<Vec<&'a Name>> {
    let mut came_from: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(at) = next.pop_front() {
        for target in graph.get(at).into_iter().flatten() {
            if target == start {
                let mut way = vec![at];
                while let Some(before) = came_from.get(way[way.len() - 1]).filter(|_| way[way.len() - 1] != start) {
                    way.push(before);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(target) {
                came_from.insert(target, at);
                next.push_back(target);
            }
        }
    }
    None
}

#[test]
fn every_room_imports_only_rooms_above_it() {
    let (sources, rooms) = (Sources::read(), rooms());
    let place = |name: &Name| rooms.iter().position(|room| *room == name[0]);
    let mut wrong = Vec::new();
    for (file, targets) in &sources.graph() {
        let own = place(file).unwrap_or_else(|| panic!("docs/ARCHITECTURE.md has no room for {}", shown(file)));
        let back = targets.iter().filter(|target| place(target) > Some(own));
        wrong.extend(back.map(|target| format!("{} → {}", shown(file), shown(target))));
    }
    assert!(wrong.is_empty(), "against the order of rooms: {wrong:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = Sources::read();
    let graph = sources.graph();
    let circles = graph.keys().filter_map(|file| circle(&graph, file));
    let circles: Vec<String> =
        circles.map(|way| way.iter().map(|f| shown(f)).collect::<Vec<_>>().join(" → ")).collect();
    assert!(circles.is_empty(), "circles of files: {circles:#?}");
}

#[test]
fn only_the_store_knows_sql() {
    let knows = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).expect("a source file");
        let words = ["sea_orm", "sea_query", "sqlx", "SELECT ", "INSERT INTO ", "DELETE FROM "];
        words.iter().any(|word| text.contains(word))
    };
    let names = sources().filter(knows).filter_map(|file| module_name(&file));
    let outside: Vec<String> = names.filter(|name| name[0] != "store").map(|name| shown(&name)).collect();
    assert!(outside.is_empty(), "SQL or the ORM outside the store: {outside:?}");
}
