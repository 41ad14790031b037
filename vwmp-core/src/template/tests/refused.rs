//! What is no template, and what is said about it.

use super::*;

#[test]
fn what_can_t_be_read_is_refused_with_its_place() {
    for (text, expected) in [
        (
            "a $<confg.x>",
            "t:1:5: error[vwmp::unknown-namespace]: `confg` is not a known name\n  = help: did you mean `config`?",
        ),
        (
            "$<version>",
            "t:1:3: error[vwmp::unknown-namespace]: `version` is not a known name\n  = help: an expression begins with one of: parameters, config, step-outputs, steps, env, adapter, secrets, run, item, matrix",
        ),
        (
            "é $<1 + confg.x>",
            "t:1:9: error[vwmp::unknown-namespace]: `confg` is not a known name\n  = help: did you mean `config`?",
        ),
        (
            "$<'é' + confg.x>",
            "t:1:9: error[vwmp::unknown-namespace]: `confg` is not a known name\n  = help: did you mean `config`?",
        ),
        (
            "$< >",
            "t:1:3: error[vwmp::invalid-expression]: an expression is empty\n  = help: write a path such as `config.name`, or `$$<` for a literal `$<`",
        ),
        (
            "$<steps>",
            "t:1:3: error[vwmp::invalid-expression]: name the step literally after `steps`\n  = help: write, for example, `steps['build']`",
        ),
        (
            "$<1 + step_outputs[config.name].x>",
            "t:1:7: error[vwmp::invalid-expression]: name the step literally after `step-outputs`\n  = help: write, for example, `step-outputs['build']`",
        ),
        (
            "$<secrets>",
            "t:1:3: error[vwmp::invalid-expression]: name the secret literally after `secrets`\n  = help: write, for example, `secrets.token`",
        ),
        (
            "$<steps.build-image.status == 'failed'>",
            "t:1:15: error[vwmp::unknown-namespace]: `image` is not a known name\n  = help: if `build-image` is one name, write `steps['build-image']`",
        ),
    ] {
        assert_eq!(parsed(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn expressions_that_would_cost_too_much_are_refused() {
    for row in ["1", "config.size", "'x'"] {
        let text = format!("$<{}>", vec![row; 200].join(" + "));
        let told = parsed(&text).unwrap_err();
        assert!(told.contains("error[vwmp::expression-too-costly]: more than 64 operations"), "{told}");
        assert!(rendered(&format!("$<{}>", vec![row; 60].join(" + "))).is_ok(), "{row}");
    }
    let chain = format!("$<{{}}{}>", ".a".repeat(2000));
    assert!(parsed(&chain).unwrap_err().contains("expression-too-costly"));
    let doubled = ".map(a, a + a)".repeat(18);
    let joined = ".map(a, [a, a].join(a))".repeat(18);
    let formatted = ".map(a, '%s%s'.format([a, a]))".repeat(18);
    let replaced = ".map(a, a.replace('', a))".repeat(6);
    for growing in [doubled, joined, formatted, replaced] {
        let text = format!("$<['{}']{growing}>", "vwmp".repeat(250));
        let told = rendered(&text).unwrap_err();
        assert!(told.contains("it would work with more than 64 MB"), "{told}");
    }
    let pairs = "$<size(matrix.many.map(a, matrix.many.map(b, b)))>";
    assert!(rendered(pairs).unwrap_err().contains("go through more than a million items"));
    for (text, expected) in [
        ("$<'hello hello'.replace('he', 'we')>", json!("wello wello")),
        ("$<'hello hello'.replace('he', 'we', 1)>", json!("wello hello")),
        ("$<'hello'.replace('', '_')>", json!("_h_e_l_l_o_")),
        ("$<[1] + [2]>", json!([1, 2])),
        ("$<size(matrix.many.map(a, string(a)).join(','))>", json!(18_889)),
    ] {
        assert_eq!(rendered(text), Ok(expected), "{text}");
    }
    let wrong = rendered("$<'a'.replace(1, 'b')>").unwrap_err();
    assert!(wrong.contains("`replace` can't be used with string and int and string"), "{wrong}");
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    let nested = "$<config.list.map(a, config.list.map(b, config.list.map(c, c)))>";
    let long = format!("$<config.{}>", "a".repeat(4096));
    for (text, expected) in [
        (
            "$<(config.name ?? 'x') + 'y'>",
            "t:1:16: error[vwmp::invalid-expression]: `??` can stand only at the end of the whole expression\n  = help: inside, write `has(config.a) ? config.a : 1`",
        ),
        ("$<config.a ??>", "t:1:12: error[vwmp::invalid-expression]: a literal is expected after `??`"),
        (
            "$<config.a ?? config.b>",
            "t:1:14: error[vwmp::invalid-expression]: the default after `??` is a literal, not a reference: `config.b`\n  = help: choose between two values with a condition, such as `has(config.a) ? config.a : config.b`",
        ),
        (
            "$<config.a ?? size(x)>",
            "t:1:12: error[vwmp::invalid-expression]: the default after `??` is not a literal: `size(x)`\n  = help: write a word, a quoted text, a number, or JSON",
        ),
        (
            "$<sise(config.list)>",
            "t:1:3: error[vwmp::invalid-expression]: `sise` is not a known function\n  = help: did you mean `size`?",
        ),
        (
            "$<config.list.siz()>",
            "t:1:15: error[vwmp::invalid-expression]: `siz` is not a known function\n  = help: did you mean `size`?",
        ),
        (
            "$<failed()>",
            "t:1:3: error[vwmp::invalid-expression]: `succeeded()`, `failed()` and `always()` can be used only in `when`\n  = help: read `steps.<id>.status` instead",
        ),
        ("$<Foo{a: 1}>", "t:1:6: error[vwmp::invalid-expression]: there is no type `Foo`"),
        (
            nested,
            "t:1:56: error[vwmp::expression-too-costly]: macros such as `map` can be nested 2 deep at most",
        ),
        (
            &long,
            "t:1:3: error[vwmp::expression-too-costly]: an expression has at most 4096 bytes; this one has 4103",
        ),
        (
            "x $<config.a",
            "t:1:3: error[vwmp::unclosed-expression]: `$<` is never closed: no `>` follows\n  = help: close it with `>` (`>` as an operator goes into parentheses), or write `$$<` for a literal `$<`",
        ),
        ("$<config.a +>", "t:1:13: error[vwmp::invalid-expression]: the expression ends too early"),
    ] {
        assert_eq!(parsed(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn all_problems_are_found_and_placed_in_the_document() {
    let text = "a: $<confg.x>\nb: [\"x\\t$<confg.y>\", $<config.z>]\n";
    let document = Document::parse(Arc::new(Source::new("w.yaml", text))).unwrap();
    let error = Template::parse(document.root(), &ExpressionCache::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "w.yaml:1:6: error[vwmp::unknown-namespace]: `confg` is not a known name\n  = help: did you mean `config`?\n\
         w.yaml:2:11: error[vwmp::unknown-namespace]: `confg` is not a known name\n  = help: did you mean `config`?"
    );
}
