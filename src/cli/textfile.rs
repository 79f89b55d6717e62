//! A file that others read at any time: it is replaced whole, by a rename in its folder.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::error::Error;

/// Readable for node_exporter, which runs under an account of its own.
const MODE: u32 = 0o644;

/// Writes `text` to `path`, or leaves what is there as it is.
pub(super) fn write(path: &str, text: &[u8]) -> Result<(), Error> {
    let failed = |error| Error::Write {
        path: crate::conninfo::redact(path),
        error,
    };
    let target = Path::new(path);
    let Some(name) = target.file_name() else {
        return Err(failed(io::Error::other("it is no file")));
    };
    // Beside it, or a rename would not be one; not ending in .prom, or it would be read.
    let name = format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id());
    let beside = target.with_file_name(name);
    let written = fill(&beside, text).and_then(|()| fs::rename(&beside, target));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

fn fill(path: &PathBuf, text: &[u8]) -> io::Result<()> {
    // Never through a link that somebody has put there.
    let mut options = File::options();
    let made = options.write(true).create_new(true).mode(MODE).open(path);
    let mut file = match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Left by a process of the same number that was killed.
            fs::remove_file(path)?;
            options.open(path)?
        }
        made => made?,
    };
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.sync_all()
}
