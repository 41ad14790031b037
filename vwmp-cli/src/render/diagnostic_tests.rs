use std::sync::Arc;
use std::time::{Duration, Instant};

use vwmp_core::source::{Source, Span};

use super::*;

fn shown(diagnostics: impl Into<Diagnostics>) -> String {
    anstream::adapter::strip_str(&render(&diagnostics.into(), 100)).to_string()
}

#[test]
fn near_labels_are_shown_together() {
    let source = Arc::new(Source::new("w.yaml", "steps:\n  - id: a\n    handler: shell.run\n  - id: a\n"));
    let twice = Diagnostic::error("vwmp::duplicate-id", "two steps have the id `a`")
        .at(&source, Span::new(48, 49), "again here")
        .at(&source, Span::new(15, 16), "first here")
        .help("rename one of them");
    assert_eq!(
        shown(twice),
        "error[vwmp::duplicate-id]: two steps have the id `a`
 --> w.yaml:4:9
  |
2 |   - id: a
  |         - first here
3 |     handler: shell.run
4 |   - id: a
  |         ^ again here
  |
  = help: rename one of them

1 error
"
    );
}

#[test]
fn far_labels_are_shown_apart() {
    let source = Arc::new(Source::new("w.yaml", format!("a: 1\n{}b: 2\n", "x: 3\n".repeat(30))));
    let other = Arc::new(Source::new("vwmp_config.yaml", "c: 4\n"));
    let far = Diagnostic::warning("vwmp::far", "they are far apart")
        .at(&source, Span::new(155, 156), "here")
        .at(&source, Span::new(0, 1), "there")
        .at(&other, Span::new(0, 1), "and in another file");
    assert_eq!(
        shown(far),
        "warning[vwmp::far]: they are far apart
  --> w.yaml:32:1
   |
32 | b: 2
   | ^ here
   |
  ::: w.yaml:1:1
   |
 1 | a: 1
   | - there
   |
  ::: vwmp_config.yaml:1:1
   |
 1 | c: 4
   | - and in another file

1 warning
"
    );
}

#[test]
fn a_diagnostic_without_a_place_has_its_help() {
    let gone = Diagnostic::error("vwmp::gone", "there is nothing").help("write something");
    assert_eq!(shown(gone), "error[vwmp::gone]: there is nothing\n |\n = help: write something\n\n1 error\n");
}

#[test]
fn places_in_long_lines_are_those_of_the_source() {
    let text = format!("run: {}$<x>{}\n", "a".repeat(5000), "b".repeat(5000));
    let source = Arc::new(Source::new("w.yaml", text));
    let text = shown(Diagnostic::error("vwmp::x", "no").at(&source, Span::new(5005, 5009), "this"));
    let marked = format!("…{}$<x>{}…", "a".repeat(40), "b".repeat(116));
    assert!(text.starts_with("error[vwmp::x]: no\n --> w.yaml:1:5006\n  |\n1 | "), "{text}");
    assert!(text.contains(&marked[..60]), "{text}");
}

#[test]
fn a_diagnostic_about_a_huge_line_is_short_and_fast() {
    let text = format!("name: {}\n", "n".repeat(10 << 20));
    let end = text.len() - 1;
    let source = Arc::new(Source::new("w.yaml", text));
    let one = Diagnostic::error("vwmp::long", "the name is too long").at(&source, Span::new(6, end), "here");
    let all: Diagnostics = std::iter::repeat_n(one, 100).collect();
    let began = Instant::now();
    let text = shown(all);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(text.len() < 100 * 800, "{}", &text[..1000]);
}
