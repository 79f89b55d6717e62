//! The corpora of the fuzz targets in `fuzz`, on stable Rust: nothing in them makes pgprobe panic, or
//! breaks what must hold.

use std::fs;
use std::panic::catch_unwind;

use pgprobe::tls::Progress;

use crate::support::repository::repository;

#[path = "../../fuzz/targets.rs"]
mod targets;

#[test]
fn every_saved_input_passes_its_target() {
    let mut failed = Vec::new();
    for (name, target) in targets::ALL {
        let mut inputs = 0;
        for entry in fs::read_dir(repository("fuzz/corpus").join(name)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            inputs += 1;
            if catch_unwind(|| target(&bytes)).is_err() {
                failed.push(path);
            }
        }
        assert!(inputs >= 9, "{inputs} inputs for {name}");
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_made_up_server_of_tls_1_3_comes_to_the_end_of_a_handshake() {
    for (input, progress) in [
        ("complete", Progress::Established),
        ("finished-first", Progress::Handshake),
    ] {
        let path = repository("fuzz/corpus/tls13_handshakes").join(input);
        let bytes = fs::read(path).unwrap();
        assert_eq!(targets::sealed(&bytes), progress, "{input}");
    }
}

#[test]
fn every_target_is_a_program_of_cargo_fuzz() {
    let manifest = fs::read_to_string(repository("fuzz/Cargo.toml")).unwrap();
    let mut names: Vec<_> = manifest
        .lines()
        .filter_map(|line| {
            line.strip_prefix("path = \"fuzz_targets/")?
                .strip_suffix(".rs\"")
        })
        .collect();
    let mut expected = targets::ALL.map(|(name, _)| name).to_vec();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for name in names {
        let program = fs::read_to_string(repository(&format!("fuzz/fuzz_targets/{name}.rs")));
        assert!(
            program
                .unwrap()
                .contains(&format!("targets::{name}(bytes)")),
            "{name}"
        );
    }
}
