//! A run as a JUnit report: a suite with a case for each step.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use vwmp_core::run::{Report, StepReport, StepStatus};

/// The report as XML.
pub(crate) fn junit(report: &Report) -> String {
    let tally = report.tally();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\"",
        report.plan().steps().len(),
        tally.failed,
        tally.skipped + tally.cancelled + tally.tolerated,
        seconds(report.duration()),
    );
    let name = attribute(report.plan().workflow_name());
    let micros = i64::try_from(report.started().as_micros()).unwrap_or(i64::MAX);
    let started = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    let mut xml =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\" {counts}>\n");
    let _ = writeln!(xml, "  <testsuite name=\"{name}\" {counts} timestamp=\"{started:.0}\">");
    for step in report.steps() {
        case(&mut xml, report, &step);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, report: &Report, step: &StepReport<'_>) {
    let suite = attribute(report.plan().workflow_name());
    let (id, time) = (attribute(step.id), seconds(step.duration));
    let _ = writeln!(xml, "    <testcase name=\"{id}\" classname=\"{suite}\" time=\"{time}\">");
    let message = step.error.as_ref().map(|error| error.message.as_str()).unwrap_or_default();
    match step.status {
        StepStatus::Succeeded => {}
        StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost => {
            let causes = step.error.iter().flat_map(|error| &error.causes);
            let causes: Vec<String> = causes.map(|cause| content(cause)).collect();
            let (kind, message) = (step.status.name(), attribute(message));
            let text = causes.join("\n");
            let _ = writeln!(xml, "      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>");
        }
        StepStatus::Tolerated | StepStatus::Cancelled | StepStatus::Skipped => {
            let message = attribute(&format!("{}: {message}", step.status.name()));
            let _ = writeln!(xml, "      <skipped message=\"{message}\"/>");
        }
    }
    let lines: Vec<String> = report.log(step.id).iter().map(|line| content(&line.text)).collect();
    if !lines.is_empty() {
        let _ = writeln!(xml, "      <system-out>{}</system-out>", lines.join("\n"));
    }
    xml.push_str("    </testcase>\n");
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

fn attribute(text: &str) -> String {
    content(text).replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;")
}

/// Text as XML can hold it: other control characters have no form in it.
fn content(text: &str) -> String {
    let allowed =
        |c: &char| !matches!(c, '\u{fffe}' | '\u{ffff}') && (!c.is_control() || "\n\t".contains(*c));
    let stripped = anstream::adapter::strip_str(text);
    let text: String = stripped.flat_map(str::chars).filter(allowed).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_not_leave_its_place() {
        assert_eq!(attribute("a\"b<c>&\n\u{1}\u{1b}[31mred"), "a&quot;b&lt;c&gt;&amp;&#10;red");
    }
}
