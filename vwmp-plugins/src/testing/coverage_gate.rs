//! `testing.coverage_gate`.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::{
    Effect, Metadata, OrFail, Preview, StepContext, StepError, StepHandler, WorkspacePath, register,
};

use super::coverage::{Lines, read};
use crate::filesystem::inside::real_path;

/// Files in a message.
const FILES_SHOWN: usize = 5;

/// Fails where the tests cover too few lines.
///
/// The report is one of lcov (`lcov.info`, as `cargo llvm-cov --lcov`, Jest and others write it) or of Cobertura
/// (`coverage.xml`). A line counts once, in however many records it stands.
///
/// ```yaml
/// - id: coverage
///   handler: testing.coverage_gate
///   config:
///     report: target/lcov.info
///     minimum: 80
///     minimum_per_file: 50
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoverageGate {
    /// The report, relative to the workspace.
    report: WorkspacePath,
    /// The percentage of all lines that must be covered.
    #[schemars(range(min = 0.0, max = 100.0))]
    minimum: f64,
    /// The percentage of its lines that must be covered in each file.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    minimum_per_file: Option<f64>,
}

/// What the tests cover.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Coverage {
    /// How many lines could be covered.
    lines: u64,
    /// How many are.
    covered: u64,
    /// The same as a percentage, with two digits.
    percent: f64,
    /// How many files the report names.
    files: usize,
}

impl StepHandler for CoverageGate {
    const NAME: &'static str = "testing.coverage_gate";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Coverage;

    fn metadata() -> Metadata {
        Metadata { title: "Require Coverage", category: "Testing", icon: "☂" }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Coverage, StepError> {
        let root = ctx.workspace().canonicalize().or_permanent("can't open the workspace")?;
        let text = fs::read_to_string(real_path(&root, &self.report)?)
            .or_permanent(format!("can't read the report `{}`", self.report))?;
        let files = read(&text).map_err(|problem| {
            StepError::permanent(format!("`{}` isn't a report of lcov or Cobertura: {problem}", self.report))
        })?;
        let sum = |sum: Lines, one: &Lines| Lines {
            total: sum.total + one.total,
            covered: sum.covered + one.covered,
        };
        let all = files.values().fold(Lines::default(), sum);
        let percent = (all.percent() * 100.0).floor() / 100.0;
        ctx.log().info(format!("{percent}% of {} lines are covered", all.total));
        if all.percent() < self.minimum {
            return Err(StepError::permanent(format!(
                "the tests cover {percent}% of the lines, less than the {}% wanted",
                self.minimum
            )));
        }
        let wanted = self.minimum_per_file.unwrap_or(0.0);
        let poor: Vec<_> = files.iter().filter(|(_, lines)| lines.percent() < wanted).collect();
        if !poor.is_empty() {
            let name = |(name, lines): &(&String, &Lines)| format!("{name} ({:.2}%)", lines.percent());
            let mut names: Vec<String> = poor.iter().take(FILES_SHOWN).map(name).collect();
            if poor.len() > FILES_SHOWN {
                names.push(format!("and {} more", poor.len() - FILES_SHOWN));
            }
            let message = format!("the tests cover less than {wanted}% of the lines of {}", names.join(", "));
            return Err(StepError::permanent(message));
        }
        Ok(Coverage { lines: all.total, covered: all.covered, percent, files: files.len() })
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Coverage>, StepError> {
        Ok(Preview::new(format!("requires {}% of the lines in {} to be covered", self.minimum, self.report)))
    }
}

register!(step CoverageGate);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute};

    use super::*;

    #[tokio::test]
    async fn too_little_is_refused() {
        let run = TestRun::new();
        run.write("lcov.info", "SF:a\nDA:1,1\nDA:2,1\nend_of_record\nSF:b\nDA:1,0\nend_of_record\n");
        run.write("x", "x");
        let ctx = run.context("gate");
        let output =
            execute::<CoverageGate>(json!({ "report": "lcov.info", "minimum": 66 }), &ctx).await.unwrap();
        assert_eq!(output, json!({ "lines": 3, "covered": 2, "percent": 66.66, "files": 2 }));
        for (config, message) in [
            (
                json!({ "report": "lcov.info", "minimum": 66.67 }),
                "the tests cover 66.66% of the lines, less than the 66.67% wanted",
            ),
            (
                json!({ "report": "lcov.info", "minimum": 0, "minimum_per_file": 10 }),
                "the tests cover less than 10% of the lines of b (0.00%)",
            ),
            (json!({ "report": "none", "minimum": 1 }), "can't read the report `none`"),
            (
                json!({ "report": "x", "minimum": 1 }),
                "`x` isn't a report of lcov or Cobertura: it names no file",
            ),
        ] {
            assert_eq!(execute::<CoverageGate>(config, &ctx).await.unwrap_err().message(), message);
        }
    }
}
