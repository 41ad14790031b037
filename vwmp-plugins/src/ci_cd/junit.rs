//! Test results in JUnit's XML, as most test runners write it, nextest among them.

use std::collections::BTreeMap;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use schemars::JsonSchema;
use serde::Serialize;

/// As much of a failure's text as is kept.
const TEXT_KEPT: usize = 2000;

/// The results of all tests.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Results {
    /// How many tests there were.
    pub(super) tests: usize,
    /// How many went well.
    pub(super) passed: usize,
    /// How many found something wrong.
    pub(super) failed: usize,
    /// How many couldn't be run to their end.
    pub(super) errors: usize,
    /// How many were left out.
    pub(super) skipped: usize,
    /// How long they took, in seconds.
    pub(super) seconds: f64,
    /// Those that failed or couldn't be run.
    pub(super) failures: Vec<Failure>,
}

/// A test that failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Failure {
    /// The suite, class or file it belongs to.
    pub(super) suite: String,
    /// Its name.
    pub(super) name: String,
    /// What it says, on one line or a few.
    pub(super) message: String,
}

/// A test that is being read.
#[derive(Default)]
struct Case {
    about: Failure,
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum End {
    Failed,
    Error,
    Skipped,
}

impl Results {
    /// Adds the results of a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().expand_empty_elements = true;
        let (mut suites, mut case, mut in_failure, mut is_junit) = (Vec::new(), None, false, false);
        loop {
            let position = reader.buffer_position();
            let event = reader.read_event().map_err(|error| {
                let line = text[..text.floor_char_boundary(usize::try_from(position).unwrap_or(usize::MAX))]
                    .matches('\n')
                    .count()
                    + 1;
                format!("line {line}: {error}")
            })?;
            match event {
                Event::Start(start) => match name(&start).as_str() {
                    "testsuites" => is_junit = true,
                    "testsuite" => {
                        is_junit = true;
                        suites.push(attributes(&start).remove("name").unwrap_or_default());
                    }
                    "testcase" => case = Some(self.begin(&start, suites.last())),
                    kind => in_failure = case.as_mut().is_some_and(|case| case.see(kind, &start)),
                },
                Event::End(end) => match end.name().as_ref() {
                    "testsuite" => drop(suites.pop()),
                    "testcase" => case.take().into_iter().for_each(|case| self.finish(case)),
                    _ => in_failure = false,
                },
                Event::Text(words) if in_failure => {
                    add_text(&mut case, &words.xml_content(XmlVersion::Implicit1_0));
                }
                Event::CData(words) if in_failure => {
                    add_text(&mut case, &words.xml_content(XmlVersion::Implicit1_0));
                }
                Event::GeneralRef(name) if in_failure => add_text(&mut case, &resolved(&name)),
                Event::Eof if suites.is_empty() && case.is_none() && is_junit => return Ok(()),
                Event::Eof if is_junit => return Err("the file ends in the middle".to_owned()),
                Event::Eof => return Err("there is no `testsuite` in it".to_owned()),
                _ => {}
            }
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>, suite: Option<&String>) -> Case {
        let mut about = attributes(start);
        let time = about.remove("time").and_then(|time| time.replace(',', "").parse::<f64>().ok());
        self.seconds += time.filter(|time| time.is_finite()).unwrap_or(0.0);
        let class = about.remove("classname").filter(|class| !class.is_empty());
        let suite = class.or_else(|| suite.cloned()).unwrap_or_default();
        let name = about.remove("name").unwrap_or_default();
        Case { about: Failure { suite, name, message: String::new() }, end: None }
    }

    fn finish(&mut self, case: Case) {
        self.tests += 1;
        match case.end {
            None => self.passed += 1,
            Some(End::Skipped) => self.skipped += 1,
            Some(End::Failed) => self.failed += 1,
            Some(End::Error) => self.errors += 1,
        }
        if matches!(case.end, Some(End::Failed | End::Error)) {
            let mut about = case.about;
            about.message.truncate(about.message.floor_char_boundary(TEXT_KEPT));
            about.message.truncate(about.message.trim_end().len());
            self.failures.push(about);
        }
    }
}

impl Case {
    /// Takes an element within it; whether it says why the test failed. A test that failed first and went well when it was
    /// repeated (`flakyFailure`) went well.
    fn see(&mut self, kind: &str, start: &BytesStart<'_>) -> bool {
        let end = match kind {
            "failure" => End::Failed,
            "error" => End::Error,
            "skipped" => End::Skipped,
            _ => return false,
        };
        self.end = Some(end);
        let message = attributes(start).remove("message").unwrap_or_default();
        if !message.is_empty() && !matches!(end, End::Skipped) {
            self.about.message = message;
            return false;
        }
        !matches!(end, End::Skipped)
    }
}

fn add_text(case: &mut Option<Case>, text: &str) {
    if let Some(case) = case.as_mut().filter(|case| case.about.message.len() < TEXT_KEPT) {
        let text = if case.about.message.is_empty() { text.trim_start() } else { text };
        case.about.message.push_str(text);
    }
}

/// What `&lt;` and its like stand for; nothing where nobody knows.
fn resolved(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string(),
        _ => resolve_predefined_entity(reference).unwrap_or_default().to_owned(),
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.name().as_ref().to_owned()
}

fn attributes(start: &BytesStart<'_>) -> BTreeMap<String, String> {
    let all = start.attributes().flatten();
    all.filter_map(|one| {
        let value = one.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
        Some((one.key.as_ref().to_owned(), value))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_nextest_and_pytest_and_broken_files() {
        let mut results = Results::default();
        results
            .add(
                r#"<?xml version="1.0"?><testsuites name="nextest-run" tests="3"><testsuite name="app">
                <testcase name="a::works" classname="app" time="0.5"><system-out>x</system-out></testcase>
                <testcase name="a::flaky" classname="app" time="0.25"><flakyFailure message="m"/></testcase>
                <testcase name="a::fails" classname="app" time="0.25">
                  <failure type="test failure">  thread panicked: 1 &lt; 2
left: 1</failure></testcase></testsuite></testsuites>"#,
            )
            .unwrap();
        results
            .add(
                r#"<testsuite name="py"><testcase name="t1"><skipped message="no"/></testcase>
                <testcase name="t2"><error message="boom &amp; bang">trace</error></testcase></testsuite>"#,
            )
            .unwrap();
        let failure = |suite: &str, name: &str, message: &str| Failure {
            suite: suite.into(),
            name: name.into(),
            message: message.into(),
        };
        let failures = vec![
            failure("app", "a::fails", "thread panicked: 1 < 2\nleft: 1"),
            failure("py", "t2", "boom & bang"),
        ];
        assert_eq!(
            results,
            Results { tests: 5, passed: 2, failed: 1, errors: 1, skipped: 1, seconds: 1.0, failures }
        );
        for (text, problem) in [
            ("<testsuite><testcase>", "the file ends in the middle"),
            ("<html></html>", "there is no `testsuite` in it"),
            ("", "there is no `testsuite` in it"),
        ] {
            assert_eq!(Results::default().add(text).unwrap_err(), problem);
        }
        let broken = Results::default().add("<testsuite>\n<testcase></wrong>").unwrap_err();
        assert!(broken.starts_with("line 2: "), "{broken}");
    }
}
