//! Files that the command line names.

use std::fs::Permissions;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use tempfile::NamedTempFile;
use vwmp_core::diagnostic::Diagnostic;
use vwmp_core::source::Source;

use crate::failure::Failure;

/// The text of a file; `what` it is, for messages.
///
/// # Errors
/// When it can't be read; with the nearest file name where there is no such file.
pub(crate) fn source(file: &Path, what: &str) -> Result<Arc<Source>, Diagnostic> {
    match read(file) {
        Ok(bytes) => Source::from_bytes(file.to_string_lossy(), bytes).map(Arc::new),
        Err(error) => Err(unreadable(file, what, &error)),
    }
}

/// Writes a file that must not exist yet, all of it or nothing.
pub(crate) fn create(file: &Path, text: &str) -> Result<(), Failure> {
    let refused = || format!("can't write `{}`", file.display());
    let exists = || Failure::Usage(format!("`{}` exists already; name another file", file.display()));
    if file.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let part = part(file, text).map_err(Failure::machine(refused()))?;
    match part.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(exists()),
        Err(error) => Err(Failure::machine(refused())(error.error)),
    }
}

/// Writes a file anew, all of it or nothing; its permissions stay.
pub(crate) fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let refused = || format!("can't write `{}`", file.display());
    // A link is followed: what it points to is written.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    if is_special(&file) {
        // A device or a pipe is written to; another file in its place would be the end of it.
        return std::fs::write(&file, text).map_err(Failure::machine(refused()));
    }
    let part = part(&file, text).map_err(Failure::machine(refused()))?;
    if let Ok(known) = file.metadata() {
        part.as_file().set_permissions(known.permissions()).map_err(Failure::machine(refused()))?;
    }
    part.persist(&file).map(drop).map_err(|error| Failure::machine(refused())(error.error))
}

/// Whether a report can be written to a file once there is one; the run may make its folder, or it is made then.
///
/// # Errors
/// When it certainly can't.
pub(crate) fn expect_writable(file: &Path) -> Result<(), Failure> {
    let refused = |why: String| Err(Failure::Usage(format!("can't write `{}`: {why}", file.display())));
    if file.is_dir() || file.as_os_str().as_bytes().ends_with(b"/") {
        return refused("it is a folder; name a file".into());
    }
    if is_special(file) {
        return Ok(());
    }
    let mut around =
        file.ancestors().skip(1).map(|path| if path == Path::new("") { Path::new(".") } else { path });
    let there = around.find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("/"));
    match tempfile::Builder::new().prefix(".vwmp-").tempfile_in(there) {
        Ok(_) => Ok(()),
        Err(error) => refused(error.kind().to_string()),
    }
}

/// Whether something is there that is no file with a text of its own: a device, a pipe, a socket.
fn is_special(file: &Path) -> bool {
    file.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Writes a report to a file, whose folder is made where there is none.
pub(crate) fn report(file: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = file.parent() {
        let refused = || format!("can't make the folder of `{}`", file.display());
        std::fs::create_dir_all(folder).map_err(Failure::machine(refused()))?;
    }
    replace(file, text)
}

/// The text in a file beside the one that it becomes.
fn part(file: &Path, text: &str) -> io::Result<NamedTempFile> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".vwmp-").permissions(Permissions::from_mode(0o666));
    let mut part = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
    part.write_all(text.as_bytes())?;
    part.as_file().sync_all()?;
    Ok(part)
}

/// The bytes of a file, one more than a source may have at most.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(Source::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(file: &Path, what: &str, error: &io::Error) -> Diagnostic {
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        _ => error.to_string(),
    };
    let message = format!("the {what} `{}` can't be read: {why}", file.display());
    let problem = Diagnostic::error("vwmp::unreadable", message);
    if error.kind() == ErrorKind::NotFound { nearest(problem, file) } else { problem }
}

/// Adds the nearest name in the same directory, or says that there is no such directory.
fn nearest(problem: Diagnostic, file: &Path) -> Diagnostic {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = std::fs::read_dir(directory) else {
        return problem.help(format!("there is no directory `{}`", directory.display()));
    };
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let written = file.file_name().unwrap_or_default().to_string_lossy();
    match vwmp_core::diagnostic::nearest(&written, names.iter().map(String::as_str)) {
        Some(name) => problem.help(format!("did you mean `{}`?", file.with_file_name(name).display())),
        None => problem,
    }
}
