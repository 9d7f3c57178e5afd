//! Every public type can be logged: it derives `defmt::Format` behind the feature, or implements it in its own file.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "bin") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The public types of a file and whether `defmt::Format` stands in the attributes above each.
fn types(source: &str) -> Vec<(String, bool)> {
    let (mut found, mut derived) = (Vec::new(), false);
    for line in source.lines() {
        if line.starts_with("#[") || line.starts_with("///") || line.starts_with(' ') || line.starts_with(')') {
            derived |= line.contains("derive(defmt::Format)");
            continue;
        }
        if let Some(rest) = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum ")) {
            let name = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push((name, derived));
        }
        derived = false;
    }
    found
}

#[test]
fn every_public_type_can_be_logged() {
    let mut files = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
    let (mut count, mut mute) = (0, Vec::new());
    for file in files.iter().filter(|file| !file.ends_with("src/lib.rs")) {
        let source = fs::read_to_string(file).unwrap();
        for (name, derived) in types(&source) {
            count += 1;
            let implemented = ["<", " "].iter().any(|end| source.contains(&format!("defmt::Format for {name}{end}")));
            if !derived && !implemented {
                mute.push(format!("{}: {name}", file.display()));
            }
        }
    }
    assert!(count > 100, "only {count} public types were seen");
    assert!(mute.is_empty(), "no defmt::Format:\n{}", mute.join("\n"));
}

#[test]
fn the_reader_of_types_sees_what_stands_above_them() {
    let source = "/// A.\n#[cfg_attr(feature = \"defmt\", derive(defmt::Format))]\npub struct A;\n\n#[derive(Debug)]\npub enum B<T> {\n";
    assert_eq!(types(source), [("A".to_string(), true), ("B".to_string(), false)]);
}
