//! Every pickle of the zoo: nine Pythons, every protocol, some 580 objects each.

#![cfg(all(feature = "pickle", feature = "fix_imports", feature = "marshal"))]

#[path = "../src/bin/larder/canon.rs"]
#[allow(dead_code)]
mod canon;
#[path = "../src/bin/larder/norm.rs"]
mod norm;
#[path = "support/zoo.rs"]
#[allow(dead_code)]
mod zoo;

use larder::object::{Error, Object, Slot};
use larder::pickle::{self, Pickler};
use std::collections::{BTreeSet, HashSet};

use zoo::{PYTHONS, Specimen, all, kept};

#[test]
fn every_python_brings_three_hundred_objects_and_all_its_protocols() {
    for python in PYTHONS {
        let specimens: Vec<_> = all().iter().filter(|s| s.python == python).collect();
        let names: BTreeSet<_> = specimens.iter().map(|s| &s.name).collect();
        assert!(names.len() >= 300, "Python {python} has {}", names.len());
        let protocols: BTreeSet<_> = specimens.iter().map(|s| s.protocol).collect();
        let highest = match python {
            "2.7" => 2,
            "3.6" | "3.7" => 4,
            _ => 5,
        };
        assert_eq!(protocols, (0..=highest).collect());
        for protocol in protocols {
            let of: BTreeSet<_> = specimens.iter().filter(|s| s.protocol == protocol).map(|s| &s.name).collect();
            assert!(of.len() >= 300, "Python {python} has {} of protocol {protocol}", of.len());
        }
    }
}

fn decoded<T>(pickle: &[u8], then: impl FnOnce(Object<'_>) -> T) -> Result<T, Error> {
    let mut slots = vec![Slot::EMPTY; pickle::slots_needed(pickle)?];
    Ok(then(pickle::loads(pickle, &mut slots)?))
}

fn canonical(object: Object<'_>) -> String {
    written(object, canon::Dialect::Pickle)
}

fn normal(object: Object<'_>) -> String {
    let old_names = !matches!(object.tree().input(), [0x80, 3..=5, ..]);
    written(object, canon::Dialect::Norm { old_names })
}

fn written(object: Object<'_>, dialect: canon::Dialect) -> String {
    let mut text = Vec::new();
    canon::Canon::new(object, dialect).write(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The decoded object as a pickle again.
fn recoded(pickle: &[u8], protocol: u8, cpython: bool) -> Result<Vec<u8>, Error> {
    decoded(pickle, |object| {
        let (mut buf, mut scratch) = (vec![0; 4 * pickle.len() + 256], vec![Slot::EMPTY; object.shared_count() + 4096]);
        let pickler = Pickler::new(&mut buf).protocol(protocol);
        let pickler = if cpython { pickler.cpython() } else { pickler };
        pickler.recode(&object, &mut scratch).map(<[u8]>::to_vec)
    })?
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Calls `test` with every pickle of the zoo, one that several Pythons write alike once, and fails with all that failed.
fn each(test: impl Fn(&Specimen) -> Result<(), String>) {
    let mut seen = HashSet::new();
    let new = all().iter().filter(|s| seen.insert((&s.pickle, s.optimized.is_some())));
    let failed: Vec<String> = new.filter_map(|s| test(s).err()).collect();
    let some: Vec<&String> = failed.iter().take(20).collect();
    assert!(failed.is_empty(), "{} failed, among them: {some:#?}", failed.len());
}

#[test]
fn every_pickle_says_what_an_independent_machine_says() {
    each(|s| match decoded(&s.pickle, canonical) {
        Ok(text) if kept(&text) == s.raw => Ok(()),
        other => Err(format!("{s}: {other:.300?}, not {}", s.raw)),
    });
}

#[test]
fn every_pickle_says_the_same_in_the_norm_form() {
    each(|s| match decoded(&s.pickle, normal) {
        Ok(text) if kept(&text) == s.norm => Ok(()),
        other => Err(format!("{s}: {other:.300?}, not {}", s.norm)),
    });
}

/// Written in another protocol, with the names of the other Python, the norm form stays; but where Python 2 has one name
/// for several classes of Python 3, and where an old protocol has a call for what has arguments and is made by its class, or
/// lies inside of one. Python 2 knows `__newobj__`, but not `__newobj_ex__`.
#[test]
fn every_protocol_keeps_the_norm_form() {
    each(|s| {
        for protocol in [1, 4] {
            let Ok(again) = recoded(&s.pickle, protocol, false) else { continue };
            let (text, wanted) = (decoded(&again, normal).unwrap(), decoded(&s.pickle, normal).unwrap());
            let calls = |function| text.contains(&format!("<reduce <global {function}> "));
            let named = calls(r#""copyreg" "__newobj_ex__""#);
            let called = named || calls(r#""copyreg" "__newobj__""#) || calls(r#""builtins" "getattr""#);
            if named && !wanted.contains("<newobj_ex ") {
                return Err(format!("{s} at {protocol}: {text:.300}"));
            }
            if text != wanted && !called && !s.name.starts_with("error.os") {
                return Err(format!("{s} at {protocol}: {text:.300} not {wanted:.300}"));
            }
        }
        Ok(())
    });
}

/// What lies inside of a class has a name with dots since protocol 4, and is an attribute before.
#[test]
fn a_name_with_dots_is_written_in_older_protocols_as_cpython_writes_it() {
    let classes = |s: &&Specimen| s.name.starts_with("nested.class");
    let (mut written, newest) = (0, |s: &&Specimen| s.python == "3.13");
    for new in all().iter().filter(classes).filter(|s| s.protocol == 4) {
        for old in all().iter().filter(newest).filter(|s| s.name == new.name && s.protocol < 4) {
            assert_eq!(shown(&recoded(&new.pickle, old.protocol, true).unwrap()), shown(&old.pickle), "{new} as {old}");
            written += 1;
        }
    }
    assert!(written >= 8, "{written}");
}

#[test]
fn plain_data_is_written_as_cpython_writes_it() {
    each(|s| match (&s.optimized, recoded(&s.pickle, s.protocol, true)) {
        (None, _) => Ok(()),
        (_, Ok(again)) if again == s.pickle => Ok(()),
        (_, Ok(again)) => Err(format!("{s}:\n{:.200}\n{:.200}", shown(&again), shown(&s.pickle))),
        (_, Err(error)) => Err(format!("{s}: {error}")),
    });
}

#[test]
fn plain_data_is_written_as_pickletools_optimizes_it() {
    each(|s| match (&s.optimized, recoded(&s.pickle, s.protocol, false)) {
        (None, _) => Ok(()),
        (Some(best), Ok(again)) if again == *best => Ok(()),
        (Some(best), Ok(again)) => Err(format!("{s}:\n{:.200}\n{:.200}", shown(&again), shown(best))),
        (_, Err(error)) => Err(format!("{s}: {error}")),
    });
}

#[test]
fn every_object_is_the_same_when_it_was_written_again() {
    each(|s| {
        for cpython in [true, false] {
            let again = recoded(&s.pickle, s.protocol, cpython).map_err(|error| format!("{s}: {error}"))?;
            let text = decoded(&again, canonical).map_err(|error| format!("{s}: {error}\n{}", shown(&again)))?;
            if kept(&text) != s.raw {
                return Err(format!("{s}: {text:.300}, not {}", s.raw));
            }
        }
        Ok(())
    });
}
