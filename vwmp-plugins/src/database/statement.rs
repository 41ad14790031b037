//! What a statement must be before a database sees it.

use vwmp_interfaces::StepError;
use vwmp_interfaces::capability::Statement;

/// Fails where the number of values isn't that of the parameters.
///
/// # Errors
/// With both numbers.
pub(super) fn fits(statement: &Statement, parameters: usize) -> Result<(), StepError> {
    let values = statement.values.len();
    if values == parameters {
        return Ok(());
    }
    let (has, given) = (counted(parameters, "parameter"), counted(values, "value"));
    Err(StepError::invalid(format!("the statement has {has}, but `values` gives {given}")))
}

/// A number and a noun, such as `1 row` and `2 rows`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A statement on one line, shortened, for a plan.
pub(super) fn one_line(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
