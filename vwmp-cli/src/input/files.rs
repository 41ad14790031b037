//! Files that the command line names.

use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::sync::Arc;

use vwmp_core::diagnostic::Diagnostic;
use vwmp_core::source::Source;

/// The text of a file; `what` it is, for messages.
///
/// # Errors
/// When it can't be read; with the nearest file name where there is no such file.
pub(super) fn source(file: &Path, what: &str) -> Result<Arc<Source>, Diagnostic> {
    match read(file) {
        Ok(bytes) => Source::from_bytes(file.to_string_lossy(), bytes).map(Arc::new),
        Err(error) => Err(unreadable(file, what, &error)),
    }
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
