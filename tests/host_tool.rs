//! The host tool: its canonical texts against the vectors of all Pythons and, where python3 is there, against an oracle
//! written a second time in Python (`tests/python`), stream by stream.
//!
//! `LARDER_STREAMS=20000 cargo test --features cli --test host_tool` compares so many random streams of each codec.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const TOOL: &str = env!("CARGO_BIN_EXE_larder");

fn tool(arguments: &[&str]) -> Output {
    Command::new(TOOL).args(arguments).output().unwrap()
}

/// The answers of `larder batch` to these lines.
fn batch(lines: &str) -> Vec<String> {
    let mut child = Command::new(TOOL).arg("batch").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = lines.to_string();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect()
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn every_marshal_vector_has_its_canonical_text() {
    let (folder, mut lines, mut wanted) = (folder("marshal_vectors"), String::new(), Vec::new());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/marshal");
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "txt") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let mut last = String::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let python = if stem == "by-hand" { fields[1] } else { stem };
            if fields[4] != "=" {
                last = fields[4].to_string();
            }
            let file = folder.join(wanted.len().to_string());
            fs::write(&file, unhex(fields[3])).unwrap();
            lines += &format!("marshal canon --python {python} --skip {} {}\n", fields[2], file.display());
            wanted.push((format!("{stem}: {} {}", fields[0], fields[1]), format!("OK {last}")));
        }
    }
    assert!(wanted.len() > 500);
    let got = batch(&lines);
    assert_eq!(got.len(), wanted.len());
    for ((name, wanted), got) in wanted.iter().zip(&got) {
        assert_eq!(got, wanted, "{name}");
    }
}

/// Random streams, most of them well-formed, by tests/python/streams.py: text for text the same, refused where refused.
fn live(codec: &str, seed: &str) {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("no python3: nothing compared");
        return;
    }
    let count = std::env::var("LARDER_STREAMS").unwrap_or("2000".into());
    let folder = folder(&format!("streams_{codec}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/streams.py");
    let made = Command::new("python3").arg(script).args([codec, &count, seed]).arg(&folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let commands = fs::read_to_string(folder.join("commands.txt")).unwrap();
    let expected = fs::read_to_string(folder.join("expected.txt")).unwrap();
    let got = batch(&commands);
    assert_eq!(got.len(), count.parse::<usize>().unwrap());
    for ((command, wanted), got) in commands.lines().zip(expected.lines()).zip(&got) {
        if !(wanted.starts_with("ERROR ") && got.starts_with("ERROR ")) {
            assert_eq!(got, wanted, "{command}");
        }
    }
}

#[test]
fn random_marshals_read_as_the_oracle_reads_them() {
    live("marshal", "1");
}

#[test]
fn random_pickles_read_as_the_oracle_reads_them() {
    live("pickle", "2");
}

#[test]
fn a_bad_stream_is_one_line_and_status_1() {
    let folder = folder("bad_streams");
    let file = folder.join("a bad stream");
    fs::write(&file, b"[\x02\0\0\0N?").unwrap();
    let output = tool(&["marshal", "canon", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "larder: no such code: 0x3f at byte 6\n");
    // A place counts from the file's first byte, whatever was skipped; and more may be skipped than is there.
    let output = tool(&["marshal", "canon", "--skip", "6", file.to_str().unwrap()]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "larder: no such code: 0x3f at byte 6\n");
    let output = tool(&["marshal", "canon", "--skip", "99", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(tool(&["pickle", "canon", file.to_str().unwrap()]).status.code(), Some(1));
    assert_eq!(tool(&["pickle", "canon", "/nowhere/at/all"]).status.code(), Some(1));
    assert_eq!(tool(&["pickle", "cannon", "x"]).status.code(), Some(2));
    let answers =
        batch(&format!("marshal canon {}\n\npickle\npickle canon /nowhere\nmarshal dance x\n", file.display()));
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert_eq!(answers[0], "ERROR no such code: 0x3f at byte 6");
    assert!(answers.iter().all(|answer| answer.starts_with("ERROR ")), "{answers:?}");
}

/// Every line of a batch has an answer of one line, also one that asks for nothing, or for the lines themselves.
#[test]
fn a_batch_answers_every_line() {
    let usage = "ERROR a line is `pickle canon FILE` or `marshal canon FILE`";
    let answers = batch("pickle canon -\n\npickle\nmarshal canon --skip x f\npickle canon\n");
    assert_eq!(answers[0], "ERROR -: standard input is where the lines come from");
    assert_eq!(answers[1..3], [usage, usage]);
    assert!(answers[3].starts_with("ERROR invalid value 'x' for '--skip <SKIP>'"), "{answers:?}");
    assert_eq!(answers[4], "ERROR the following required arguments were not provided: <FILE>");
}

/// An object that `_reconstructor` made keeps what was done to it; a plain value has no place for that.
#[test]
fn the_norm_form_keeps_what_came_after_a_call() {
    let folder = folder("norm");
    for (name, pickle, text) in [
        (
            "object",
            &b"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtRI1\naVk\nI2\nsVs\nb."[..],
            r#"<newobj <global "m" "C"> () items=[1] pairs={"k":2} state="s">"#,
        ),
        ("set", b"c__builtin__\nset\n((lI1\natRI2\na.", r#"<reduce <global "builtins" "set"> ([1],) items=[2]>"#),
    ] {
        let file = folder.join(name);
        fs::write(&file, pickle).unwrap();
        assert_eq!(batch(&format!("pickle canon --norm {}\n", file.display())), [format!("OK {text}")]);
    }
}

/// Deep nesting and shared containers cost memory in proportion, and no stack.
#[test]
fn deep_and_shared_structures_are_walked_without_recursion() {
    let folder = folder("deep");
    let deep = folder.join("deep.pkl");
    fs::write(&deep, [&b"]".repeat(200_000)[..], &b"a".repeat(199_999), b"."].concat()).unwrap();
    let output = tool(&["pickle", "canon", deep.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout.len(), 400_001);
    // 2^60 lists, by DUP.
    let laughs = folder.join("laughs.pkl");
    fs::write(&laughs, [&b"]"[..], &b"2\x86".repeat(60), b"."].concat()).unwrap();
    let output = tool(&["pickle", "canon", laughs.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("(&1=(&2=("), "{text}");
    assert_eq!(text.matches('*').count(), 60);
}

/// Runs a script of tests/python that calls the tool itself; nothing is compared where there is no Python.
fn python(script: &str, arguments: &[&str]) {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("no python3: nothing compared");
        return;
    }
    let folder = folder(script);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let run = Command::new("python3").arg(script).arg(TOOL).args(arguments).arg(&folder).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// recode, show, dis and optimize, against what the real Python loads and prints.
#[test]
fn what_the_tool_writes_python_loads() {
    python("recode.py", &["25", "6"]);
}

/// dis of what is malformed, against pickletools.
#[test]
fn what_dis_prints_before_an_error_pickletools_prints() {
    python("dis.py", &["100", "6"]);
}

/// A repr is cut short where it unfolds or nests too far, and the tool neither hangs nor dies.
#[test]
fn what_unfolds_or_nests_too_far_is_cut_short() {
    let folder = folder("show");
    let laughs = folder.join("laughs.pkl");
    fs::write(&laughs, [&b"]"[..], &b"2\x86".repeat(60), b"."].concat()).unwrap();
    let deep = folder.join("deep.m");
    fs::write(&deep, [&b"[\x01\0\0\0".repeat(1_900)[..], b"N"].concat()).unwrap();
    for (codec, file) in [("pickle", laughs), ("marshal", deep)] {
        let output = tool(&[codec, "show", file.to_str().unwrap()]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{codec}");
        assert!(output.stdout.len() < 10_000, "{codec}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("..."), "{codec}");
    }
}
