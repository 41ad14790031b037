//! A file that others read while it is written anew.

use std::fs::Permissions;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file in one step: a reader sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        // A device or a pipe is written to; another file in its place would be the end of it.
        return std::fs::write(path, text);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Nobody's `*.prom` while it is half written.
    builder.prefix(".metrics-").suffix(".new");
    if let Some(readable) = readable_by_all() {
        builder.permissions(readable);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Prometheus's exporter has a user of its own.
#[cfg(unix)]
fn readable_by_all() -> Option<Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all() -> Option<Permissions> {
    None
}

/// The older text format, which knows neither units nor an end and names counters as their samples are named.
pub(crate) fn without_openmetrics(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let comment = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '));
        if let Some((name, "counter")) = comment {
            let help = format!("# HELP {name} ");
            if let Some(last) = lines.last_mut().filter(|last| last.starts_with(&help)) {
                *last = last.replacen(&help, &format!("# HELP {name}_total "), 1);
            }
            lines.push(format!("# TYPE {name}_total counter"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_as_their_samples_are() {
        let text = "# HELP a Things.\n# TYPE a counter\n# UNIT a things\na_total{x=\"# EOF\"} 1\n\
                    # HELP b Now.\n# TYPE b gauge\nb 2\n# EOF\n";
        let expected = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"# EOF\"} 1\n\
                        # HELP b Now.\n# TYPE b gauge\nb 2\n";
        assert_eq!(without_openmetrics(text), expected);
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vwmp.prom");
        replace(&path, "old").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777,
            0o644
        );
        assert!(replace(&folder.path().join("no/such.prom"), "text").is_err());
    }
}
