//! Files of the repository that a test reads, or holds to what the code makes of them.

use std::path::{Path, PathBuf};

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file of the repository with what it should be; `UPDATE_DOCS=1` writes it instead.
pub(crate) fn assert_file(path: &str, expected: &str) {
    let file = repository(path);
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    if found == expected {
        return;
    }
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(&file, expected).unwrap();
        return;
    }
    let mut differences = String::new();
    let (mut old, mut new) = (found.lines(), expected.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                let (old, new) = (old.unwrap_or("(end)"), new.unwrap_or("(end)"));
                differences += &format!("line {number}\n  has    {old}\n  wanted {new}\n");
                break;
            }
        }
    }
    panic!(
        "{path} is not what the code makes of it; `UPDATE_DOCS=1 cargo test --test integration` \
         rewrites it. The first difference:\n{differences}"
    );
}
