//! Coverage reports: lcov's and Cobertura's.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// The lines of a file: how many tests could reach, and how many they did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) total: u64,
    pub(super) covered: u64,
}

impl Lines {
    /// The covered part of a hundred; all where there is nothing to cover.
    pub(super) fn percent(self) -> f64 {
        if self.total == 0 { 100.0 } else { self.covered as f64 * 100.0 / self.total as f64 }
    }
}

/// The lines of each file.
///
/// # Errors
/// What is wrong with the report.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Lines>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let files = if text.trim_start().starts_with('<') { cobertura(text)? } else { lcov(text)? };
    if files.is_empty() { Err("it names no file".to_owned()) } else { Ok(files) }
}

/// Counts each line once, in however many records it stands.
fn lcov(text: &str) -> Result<BTreeMap<String, Lines>, String> {
    let mut hits = BTreeMap::<String, BTreeMap<u64, bool>>::new();
    let mut file = None;
    for (index, line) in text.lines().enumerate() {
        match line.split_once(':') {
            Some(("SF", name)) => file = Some(hits.entry(name.trim().to_owned()).or_default()),
            Some(("DA", data)) => {
                let mut numbers = data.split(',');
                let mut number = || numbers.next()?.trim().parse::<i64>().ok();
                let (Some(line), Some(count), Some(file)) = (number(), number(), file.as_mut()) else {
                    return Err(format!("line {}: `DA:{data}` isn't `DA:LINE,COUNT` in a record", index + 1));
                };
                *file.entry(line.unsigned_abs()).or_default() |= count > 0;
            }
            _ if line.trim() == "end_of_record" => file = None,
            _ => {}
        }
    }
    Ok(hits.into_iter().map(|(name, lines)| (name, count(&lines))).collect())
}

fn cobertura(text: &str) -> Result<BTreeMap<String, Lines>, String> {
    let mut reader = Reader::from_str(text);
    let mut hits = BTreeMap::<String, BTreeMap<u64, bool>>::new();
    let (mut file, mut in_method) = (None::<String>, false);
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) if start.name().as_ref() == "class" => file = attribute(&start, "filename"),
            Event::Start(start) if start.name().as_ref() == "method" => in_method = true,
            Event::End(end) if end.name().as_ref() == "method" => in_method = false,
            // The lines of methods stand a second time below the class.
            Event::Start(start) | Event::Empty(start) if start.name().as_ref() == "line" && !in_method => {
                let number = attribute(&start, "number").and_then(|number| number.parse().ok());
                let hit = attribute(&start, "hits").and_then(|hits| hits.parse::<u64>().ok());
                let (Some(number), Some(hit), Some(file)) = (number, hit, &file) else {
                    return Err("a `line` has no `number` or no `hits`, or belongs to no `class`".to_owned());
                };
                *hits.entry(file.clone()).or_default().entry(number).or_default() |= hit > 0;
            }
            Event::Eof => return Ok(hits.into_iter().map(|(name, lines)| (name, count(&lines))).collect()),
            _ => {}
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.try_get_attribute(name).ok()??;
    Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

fn count(lines: &BTreeMap<u64, bool>) -> Lines {
    let covered = lines.values().filter(|hit| **hit).count();
    Lines { total: lines.len() as u64, covered: covered as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_report() {
        let lcov = "TN:\nSF:src/a.rs\nDA:1,5\nDA:2,0\nLF:2\nLH:1\nend_of_record\nSF:src/a.rs\nDA:2,1\nDA:3,0\nend_of_record\n";
        let xml = r#"<?xml version="1.0"?><coverage line-rate="0.5"><packages><package><classes>
            <class filename="src/a.rs"><methods><method><lines><line number="1" hits="9"/></lines></method></methods>
            <lines><line number="1" hits="9"/><line number="2" hits="1"/><line number="3" hits="0"></line></lines></class>
            </classes></package></packages></coverage>"#;
        for report in [lcov, xml] {
            let files = read(report).unwrap();
            assert_eq!(files, [("src/a.rs".to_owned(), Lines { total: 3, covered: 2 })].into());
        }
        for (report, problem) in [
            ("", "it names no file"),
            ("SF:a\nDA:x,1\n", "line 2: `DA:x,1` isn't `DA:LINE,COUNT` in a record"),
            (
                "<coverage><line number='1'/></coverage>",
                "a `line` has no `number` or no `hits`, or belongs to no `class`",
            ),
        ] {
            assert_eq!(read(report).unwrap_err(), problem);
        }
    }
}
