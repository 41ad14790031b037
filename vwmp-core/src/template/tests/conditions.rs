//! What `when` says.

use super::*;

#[test]
fn conditions_hold_or_not() {
    let good = NeedsStatus { succeeded: true, failed: false };
    let bad = NeedsStatus { succeeded: false, failed: true };
    for (text, status, expected) in [
        ("parameters.env == \"prod\"", good, true),
        ("parameters.dry_run", good, false),
        ("$<parameters.dry_run>", good, false),
        (" $<!parameters.dry_run> ", good, true),
        ("parameters.missing ?? true", good, true),
        ("true", good, true),
        ("config.size > 3", good, true),
        ("succeeded() && config.size > 3", good, true),
        ("succeeded() && config.size > 3", bad, false),
        ("failed()", bad, true),
        ("always()", bad, true),
        ("steps.build.status == 'succeeded'", good, true),
        ("steps['build-image'].status in ['failed', 'lost']", good, true),
        ("steps.build-image.status ?? false", good, true),
        ("step_outputs.off.version == null", good, true),
        ("step-outputs.off.count != 3 && step-outputs.build.version.startsWith('1.')", good, true),
        ("has(config.missing) && config.missing.x == 1", good, false),
    ] {
        let result = decided(text, status);
        if text.contains("build-image.status ??") {
            let expected = "`steps.build-image.status ?? false`: a condition gives true or false; this one gives \
                            the string \"failed\" (compare it, for example with `==` or `!=`)";
            assert_eq!(result, Err(expected.into()));
            continue;
        }
        assert_eq!(result, Ok(expected), "{text}");
    }
}

#[test]
fn conditions_that_can_t_be_decided_say_why() {
    let status = NeedsStatus { succeeded: true, failed: false };
    for (text, expected) in [
        (
            "config.size",
            "`config.size`: a condition gives true or false; this one gives the number 5 (compare it, for example with `==` or `!=`)",
        ),
        (
            "secrets.token",
            "`secrets.token`: a condition gives true or false; this one gives a string (compare it, for example with `==` or `!=`)",
        ),
        (
            "config.none",
            "`config.none`: a condition gives true or false; this one gives null (compare it, for example with `==` or `!=`)",
        ),
        (
            "parameters.evn == 'prod'",
            "`parameters.evn == 'prod'`: `parameters` has no `evn` (did you mean `env`?)",
        ),
        ("'é' == == 1", "t:1:8: error[vwmp::invalid-expression]: `==` is not expected here"),
        ("succeeded(1)", "t:1:10: error[vwmp::invalid-expression]: `succeeded()` takes no argument"),
        (
            "config.a == $<config.b>",
            "t:1:13: error[vwmp::invalid-expression]: `$` is not expected here\n  = help: inside an expression names stand without `$<…>`: `config.a`",
        ),
        (
            "config.a and config.b",
            "t:1:10: error[vwmp::invalid-expression]: `and` is not expected here\n  = help: write `&&`, `||` and `!` for and, or and not",
        ),
        (
            " $<config.x",
            "t:1:2: error[vwmp::unclosed-expression]: `$<` is never closed: no `>` follows\n  = help: close it with `>` (`>` as an operator goes into parentheses), or write `$$<` for a literal `$<`",
        ),
    ] {
        assert_eq!(decided(text, status), Err(expected.into()), "{text}");
    }
}
