use std::sync::Arc;
use std::time::{Duration, Instant};

use vwmp_core::source::{Source, Span};

use super::*;

fn shown(diagnostics: impl Into<Diagnostics>) -> String {
    anstream::adapter::strip_str(&render(&diagnostics.into(), 100)).to_string()
}

#[test]
fn labels_and_help_are_shown_with_their_lines() {
    let source = Arc::new(Source::new("w.yaml", "steps:\n  - id: a\n    handler: shell.rnu\n  - id: a\n"));
    let twice = Diagnostic::error("vwmp::duplicate-id", "two steps have the id `a`")
        .at(&source, Span::new(53, 54), "again here")
        .at(&source, Span::new(15, 16), "first here")
        .help("rename one of them");
    assert_eq!(shown(twice), "");
}
#[test]
fn far() {
    let text = format!("a: 1\n{}b: 2\n", "x: 3\n".repeat(30));
    let source = Arc::new(Source::new("w.yaml", text));
    let other = Arc::new(Source::new("vwmp_config.yaml", "c: 4\n"));
    let far = Diagnostic::warning("vwmp::far", "they are far apart")
        .at(&source, Span::new(155, 156), "here")
        .at(&source, Span::new(0, 1), "there")
        .at(&other, Span::new(0, 1), "and in another file");
    assert_eq!(shown(far), "");
}
#[test]
fn nolabel() {
    assert_eq!(shown(Diagnostic::error("vwmp::gone", "there is nothing").help("write something")), "");
}
#[test]
fn a_diagnostic_about_a_huge_line_is_short_and_fast() {
    let text = format!("name: {}\n", "n".repeat(10 << 20));
    let end = text.len() - 1;
    let source = Arc::new(Source::new("w.yaml", text));
    let all: Diagnostics = (0..100)
        .map(|_| Diagnostic::error("vwmp::long", "the name is too long").at(&source, Span::new(6, end), "here"))
        .collect();
    let began = Instant::now();
    let text = shown(all);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(text.len() < 100 * 800, "{}", &text[..1000]);
}
