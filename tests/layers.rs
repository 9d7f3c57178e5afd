//! The floors of the house, as `src/lib.rs` draws them, hold: no import points up, and the named walls stand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// Pairs that share no floor rule but must not know each other: (who, must not name).
const WALLS: &[(&str, &str)] = &[
    ("dbm", "object"),
    ("object", "flash"),
    ("copyreg", "flash"),
    ("pickle", "flash"),
    ("marshal", "flash"),
    ("pickle", "dbm"),
    ("marshal", "dbm"),
    ("shelve", "sqlite3"),
    ("sqlite3", "shelve"),
];

/// module name → floor, from the table in lib.rs.
fn floors() -> BTreeMap<String, u32> {
    let lib = fs::read_to_string(Path::new(SRC).join("lib.rs")).unwrap();
    let mut floors = BTreeMap::new();
    for line in lib.lines() {
        let Some(rest) = line.strip_prefix("//! floor ") else { continue };
        let (number, modules) = rest.split_once(':').expect("`floor N: modules`");
        for module in modules.split_whitespace() {
            floors.insert(module.to_string(), number.parse().unwrap());
        }
    }
    floors
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The top-level module that a source file belongs to; none for lib.rs and the host tool, which may use everything.
fn owner(path: &Path) -> Option<String> {
    let below = path.strip_prefix(SRC).unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "bin"].contains(&name)).then(|| name.to_string())
}

/// Every `crate::module` that the code names, `use crate::{a, b}` included, comments excluded.
fn named(source: &str) -> Vec<String> {
    let code: String = source.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_heads(group)),
            None => names.extend(head(rest)),
        }
    }
    names
}

fn head(path: &str) -> Option<String> {
    let name: String = path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// The first name of each path of a `{...}` import, at its outermost level.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (1, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            heads.extend(head(&group[start..at]));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

#[test]
fn no_import_points_up() {
    let floors = floors();
    let mut files = Vec::new();
    sources(Path::new(SRC), &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let Some(from) = owner(&file) else { continue };
        let floor = floors.get(&from).unwrap_or_else(|| panic!("{from} has no floor in lib.rs"));
        for to in named(&fs::read_to_string(&file).unwrap()) {
            if to == from {
                continue;
            }
            // Names at the crate's root that are no module (macros, features) have no floor.
            let Some(below) = floors.get(&to) else { continue };
            let walled = WALLS.contains(&(from.as_str(), to.as_str()));
            if below > floor || walled {
                wrong.push(format!("{}: {from} (floor {floor}) names {to} (floor {below})", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that point up:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    assert_eq!(named("use crate::object::Slot;"), ["object"]);
    assert_eq!(named("use crate::{bytes::{le, be}, crc, flash::Region};"), ["bytes", "crc", "flash"]);
    assert_eq!(named("let x = crate::dbm::open(f); // crate::shelve"), ["dbm"]);
    assert_eq!(named("pub(in crate::pickle) fn f() {}"), ["pickle"]);
}
