//! Every pickle of the zoo: nine Pythons, every protocol, some 580 objects each.

#[path = "support/zoo.rs"]
mod zoo;

use std::collections::BTreeSet;

use zoo::{PYTHONS, zoo};

#[test]
fn every_python_brings_three_hundred_objects_and_all_its_protocols() {
    for python in PYTHONS {
        let specimens = zoo(python);
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
