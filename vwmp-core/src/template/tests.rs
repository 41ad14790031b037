//! Tables: what is written, in which scope, and what comes out.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use vwmp_interfaces::template::segments;

use super::*;
use crate::document::Document;
use crate::source::{Source, Span};

/// A scope that is one JSON object: namespaces, then keys.
struct Fixed(Value);

impl Scope for Fixed {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        let values = self.0.get(namespace.name())?;
        let value = if namespace == Namespace::Item { values } else { values.get(key)? };
        Some(Cow::Borrowed(value))
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        let values = self.0.get(namespace.name()).and_then(Value::as_object);
        values.into_iter().flat_map(|map| map.keys().cloned()).collect()
    }
}

fn scope() -> Fixed {
    Fixed(json!({
        "parameters": { "env": "prod", "count": 3, "dry_run": false },
        "config": {
            "name": "vwmp", "size": 5, "ratio": 0.5, "big": 18_446_744_073_709_551_615_u64, "none": null, "a b": 1,
            "list": [1, 2, 3], "map": { "z": 1, "a": { "deep": "yes" } }, "evil": "$<config.name> ${config.name} $(rm)",
            "names": ["b", "a"], "x-y": "hyphen",
        },
        "step-outputs": { "build": { "version": "1.2.3", "files": ["a", "b"] }, "step-1": { "n": 1 }, "off": null },
        "steps": { "build": { "status": "succeeded", "error": null }, "build-image": { "status": "failed" } },
        "env": { "HOME": "/root" },
        "secrets": { "token": "hunter2" },
        "item": { "os": "debian" },
        "matrix": { "long": vec![0; 10_001], "many": (0..4_000).collect::<Vec<_>>() },
    }))
}

fn parsed(text: &str) -> Result<Template, String> {
    let source = Arc::new(Source::new("t", text));
    let place = Place { source: &source, span: Span::new(0, text.len()), text_at: Some(0) };
    Template::parse_text(text, &place, &ExpressionCache::default()).map_err(|found| found.to_string())
}

/// The message, in which the place is left out: the texts of these tests have one line.
fn without_place(error: &RenderError) -> String {
    let place = format!(" at {}:", error.expression.place());
    let message = error.to_string();
    assert!(message.contains(&place), "{message}");
    message.replacen(&place, ":", 1)
}

fn rendered(text: &str) -> Result<Value, String> {
    parsed(text)?.render(&scope()).map_err(|error| without_place(&error))
}

#[test]
fn expressions_are_rendered() {
    for (text, expected) in [
        ("plain $HOME", json!("plain $HOME")),
        ("$<config.size>", json!(5)),
        ("$< config.size >", json!(5)),
        ("v$<config.size>", json!("v5")),
        ("${config.name}-$<parameters.env>", json!("vwmp-prod")),
        ("$<step-outputs.build.files[1]>", json!("b")),
        ("$<step_outputs.step-1.n>", json!(1)),
        ("$<config[\"a b\"]>", json!(1)),
        ("$<config.x-y>", json!("hyphen")),
        ("$<env.HOME>/x", json!("/root/x")),
        ("$<item.os>$<item[\"os\"]>", json!("debiandebian")),
        ("$<item>", json!({ "os": "debian" })),
        ("$<config.map.a>", json!({ "deep": "yes" })),
        ("is $<config.map> $<config.list>", json!(r#"is {"z":1,"a":{"deep":"yes"}} [1,2,3]"#)),
        ("$<config.evil>", json!("$<config.name> ${config.name} $(rm)")),
        ("a $<config.evil>", json!("a $<config.name> ${config.name} $(rm)")),
        ("$$<config.name> $<config.name>", json!("$<config.name> vwmp")),
        ("$<config.none>", Value::Null),
        ("$<step-outputs.off.version>", Value::Null),
        ("$<parameters>", json!({ "env": "prod", "count": 3, "dry_run": false })),
    ] {
        assert_eq!(rendered(text), Ok(expected), "{text}");
    }
}

#[test]
fn defaults_replace_null_and_what_is_absent() {
    for (text, expected) in [
        ("$<config.none ?? 3>", json!(3)),
        ("$<config.missing.deeper ?? patch>", json!("patch")),
        ("$<step-outputs.off.version ?? '0.0.0'>", json!("0.0.0")),
        ("$<step-outputs.off.version ?? \"a > b\">", json!("a > b")),
        ("$<config.missing ?? [1, {\"a\": null}]>", json!([1, { "a": null }])),
        ("x$<config.missing ?? \"\">y", json!("xy")),
        ("$<config.missing ?? ~>", Value::Null),
        ("$<config.missing ?? it is so>", json!("it is so")),
        ("$<config.name ?? other>", json!("vwmp")),
        ("$<config.missing + 1 ?? 7>", json!(7)),
    ] {
        assert_eq!(rendered(text), Ok(expected), "{text}");
    }
}

#[test]
fn cel_is_rendered() {
    for (text, expected) in [
        ("$<parameters.env == \"prod\" ? 8 : 2>", json!(8)),
        ("$<config.size + 1>", json!(6)),
        ("$<(config.size > 3)>", json!(true)),
        ("$<config.list.map(x, x * 2)>", json!([2, 4, 6])),
        ("$<config.list.filter(item, item != 2)>", json!([1, 3])),
        ("$<config.map.map(k, k)>", json!(["a", "z"])),
        ("$<{'b': 1, 'a': config.size}>", json!({ "a": 5, "b": 1 })),
        ("$<size(step-outputs.build.files) + 1>", json!(3)),
        ("$<step-outputs['step-1'].n + step_outputs.build.files.size()>", json!(3)),
        ("$<config[parameters.env == 'prod' ? 'name' : 'size']>", json!("vwmp")),
        ("$<has(config.missing) ? config.missing : 'none'>", json!("none")),
        ("$<has(config.none)>", json!(false)),
        ("$<has(step_outputs.off.version)>", json!(false)),
        ("$<config.big == config.big>", json!(true)),
        ("$<config.big>", json!(18_446_744_073_709_551_615_u64)),
        ("$<config.names.join('-').upperAscii()>", json!("B-A")),
        ("$<config.name.matches('^v.*')>", json!(true)),
        ("$<true>", json!(true)),
        ("$<\"step-outputs.x\">", json!("step-outputs.x")),
        ("$<'é' + config.name>", json!("évwmp")),
        (
            "$<'the step-outputs.x ?? y' + \" step-outputs.y\">",
            json!("the step-outputs.x ?? y step-outputs.y"),
        ),
        ("$<config.ratio * 2.0>", json!(1.0)),
    ] {
        assert_eq!(rendered(text), Ok(expected), "{text}");
    }
}

#[test]
fn values_that_are_missing_are_named() {
    for (text, expected) in [
        ("$<config.nmae>", "`config.nmae`: `config` has no `nmae` (did you mean `name`?)"),
        ("$<config.map.a.dep>", "`config.map.a.dep`: `config.map.a` has no `dep` (did you mean `deep`?)"),
        ("$<config.list[3]>", "`config.list[3]`: `config.list` has 3 items, so there is no [3]"),
        (
            "$<config.list.x>",
            "`config.list.x`: `config.list` is a list, so it has no `x` (pick an item by its number: `config.list[0]`)",
        ),
        ("$<config.name.x>", "`config.name.x`: `config.name` is a string, so it has no `x`"),
        ("$<config.map[0]>", "`config.map[0]`: `config.map` is a map, not a list"),
        (
            "$<config.size-1>",
            "`config.size-1`: `config` has no `size-1` (to subtract, put spaces around the `-`)",
        ),
        ("$<env.NOPE>", "`env.NOPE`: `env` has no `NOPE` (set NOPE, or give a default: `$<env.NOPE ?? …>`)"),
        (
            "a $<config.none>",
            "`config.none`: it is null, which can't stand in a text (give a default: `$<config.none ?? \"\">`)",
        ),
        ("$<config.nmae + 'x'>", "`config.nmae + 'x'`: `config` has no `nmae` (did you mean `name`?)"),
        ("$<config.size + 'x'>", "`config.size + 'x'`: `+` can't be used with int and string"),
        ("$<(config.name > 3)>", "`(config.name > 3)`: `>` can't be used with string and int"),
        ("$<config.size / 0>", "`config.size / 0`: it divides by zero"),
        ("$<config.map[config.name]>", "`config.map[config.name]`: there is no key `vwmp`"),
        ("$<config.name.map(x, x)>", "`config.name.map(x, x)`: only lists and maps have items, not string"),
        (
            "$<(secrets.token > 3)>",
            "`(secrets.token > 3)`: it can't be evaluated; it reads secrets, so no more is shown",
        ),
        (
            "$<size(matrix.long)>",
            "`size(matrix.long)`: `matrix.long` holds a list or map of 10001 items; an expression can work with at most 10000 (pass the whole list with a path alone, or work on it in a step)",
        ),
        (
            "$<config.missing + 1 > 2 ?? 7>",
            "error[vwmp::unclosed-expression]: the first `>` outside parentheses ends an expression; this one looks like an operator",
        ),
    ] {
        let error = rendered(text).unwrap_err();
        assert!(
            error == expected || error.lines().next().unwrap_or_default().ends_with(expected),
            "{text}\n{error}"
        );
    }
}

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

#[test]
fn subtrees_without_expressions_are_literals_and_schemas_keep_texts() {
    let text = "version: 1.10\ncount: 1.10\nflag: yes\nrun: echo $<config.name>\nlist: [{a: 1}, $<config.size>]\nnothing:\n";
    let document = Document::parse(Arc::new(Source::new("w.yaml", text))).unwrap();
    let schema = json!({ "properties": {
        "version": { "type": "string" },
        "nothing": { "type": ["string", "null"] },
        "run": { "type": "string", "x-vwmp-script": true },
    }});
    let cache = ExpressionCache::default();
    let template = Template::parse_with_schema(document.root(), Some(&schema), &cache).unwrap();
    let Template::List(items) = template.get("list").unwrap() else { panic!("{template:?}") };
    assert_eq!(items[0].literal(), Some(&json!({ "a": 1 })));
    let reads: Vec<_> = template
        .references()
        .map(|(expression, one)| {
            let span = expression.span_of(one);
            format!("{one} {}", expression.source().slice(span))
        })
        .collect();
    assert_eq!(reads, ["config.name config.name", "config.size config.size"]);
    assert_eq!(
        template.render(&scope()).unwrap(),
        json!({
            "version": "1.10", "count": 1.1, "flag": "yes",
            "run": { "$script": ["echo ", { "expression": "config.name", "value": "vwmp" }] },
            "list": [{ "a": 1 }, 5], "nothing": null,
        })
    );
}

#[test]
fn references_of_cel_are_paths_with_places() {
    let text = "$<size(step-outputs.build.files) > 1 || steps['a b'].status == parameters.want>";
    let text = text.replace(" > 1", " != 1");
    let template = parsed(&text).unwrap();
    let reads: Vec<_> = template
        .references()
        .map(|(expression, one)| format!("{one}: {}", expression.source().slice(expression.span_of(one))))
        .collect();
    assert_eq!(
        reads,
        [
            "step-outputs.build.files: step-outputs.build.files",
            "steps[\"a b\"].status: steps['a b'].status",
            "parameters.want: parameters.want",
        ]
    );
}

#[test]
fn what_is_not_known_before_the_run_stays_as_written() {
    for (text, expected, unknown) in [
        ("$<step-outputs.later.x>", json!("$<step-outputs.later.x>"), 1),
        ("v$<step-outputs.later.x ?? 0> $<config.name>", json!("v$<step-outputs.later.x ?? 0> vwmp"), 1),
        ("$<step_outputs.later.x + config.size>", json!("$<step_outputs.later.x + config.size>"), 1),
        ("$<step-outputs.build.version>", json!("1.2.3"), 0),
    ] {
        let partial = parsed(text).unwrap().render_partial(&scope()).unwrap();
        assert_eq!((partial.value, partial.unknown.len()), (expected, unknown), "{text}");
    }
    let error = parsed("$<config.nmae>").unwrap().render_partial(&scope()).unwrap_err();
    assert_eq!(
        error.diagnostic().to_string(),
        "t:1:3: error[vwmp::no-value]: `config.nmae`: `config` has no `nmae`\n  = help: did you mean `name`?"
    );
}

#[test]
fn a_reference_is_optional_when_its_absence_is_dealt_with() {
    let optional = |text: &str| -> Vec<(String, bool)> {
        let template = parsed(text).unwrap();
        template.references().map(|(_, one)| (one.to_string(), one.optional)).collect()
    };
    assert_eq!(optional("$<config.a>"), [("config.a".into(), false)]);
    assert_eq!(optional("$<config.a ?? 1>"), [("config.a".into(), true)]);
    assert_eq!(
        optional("$<has(config.a) ? config.a.b : config.c>"),
        [("config.a".into(), true), ("config.a.b".into(), true), ("config.c".into(), false)]
    );
}

#[test]
fn templates_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Template>();
    shared::<Condition>();
    shared::<RenderError>();
}

#[test]
fn the_same_text_is_compiled_once() {
    let cache = ExpressionCache::default();
    let one = cache.compile("config.a == 1").unwrap_or_else(|_| panic!("it is valid"));
    let two = cache.compile("config.a == 1").unwrap_or_else(|_| panic!("it is valid"));
    assert!(Arc::ptr_eq(&one, &two));
    assert_eq!(format!("{cache:?}"), "ExpressionCache(1 expressions)");
}

fn decided(text: &str, status: NeedsStatus) -> Result<bool, String> {
    let source = Arc::new(Source::new("t", text));
    let place = Place { source: &source, span: Span::new(0, text.len()), text_at: Some(0) };
    let condition =
        Condition::parse(text, &place, &ExpressionCache::default()).map_err(|found| found.to_string())?;
    condition.evaluate(&scope(), status).map_err(|error| without_place(&error))
}

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

#[test]
fn every_function_that_is_accepted_exists() {
    let status = NeedsStatus { succeeded: true, failed: false };
    for name in cel_tree::FUNCTIONS {
        let error = decided(&format!("{name}()"), status).unwrap_err();
        let member = decided(&format!("'x'.{name}()"), status).err().unwrap_or_default();
        let known = |text: &str| !text.contains("there is no function");
        assert!(known(&error) || known(&member), "{name}: {error}; {member}");
    }
}

proptest! {
    #[test]
    fn text_without_a_dollar_is_unchanged(text in "[^$]*") {
        prop_assert_eq!(parsed(&text).unwrap(), Template::Literal(Value::String(text)));
    }

    #[test]
    fn a_rendered_value_is_never_evaluated_again(value in r#"([$<>{}'"a-z.?() ]|\$<config\.name>|\$\{config\.name\}){0,12}"#) {
        let scope = Fixed(json!({ "parameters": { "x": value }, "config": { "name": "evaluated" } }));
        let text = parsed("a $<parameters.x> b").unwrap().render(&scope).unwrap();
        prop_assert_eq!(text, json!(format!("a {value} b")));
        let whole = parsed("$<[parameters.x][0]>").unwrap().render(&scope).unwrap();
        prop_assert_eq!(whole, json!(value));
    }

    #[test]
    fn segments_cover_any_text(text in r#"([$<>{}()'"\\a-z.é]|\$<|\$\$<|\$\{config\.){0,20}"#) {
        if let Ok(found) = segments(&text) {
            let mut at = 0;
            for one in found {
                prop_assert_eq!(one.range.start, at);
                at = one.range.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }

    #[test]
    fn no_expression_panics(text in r#"([-+a-z.()\[\]{}'"?:!=&|<0-9é, ]|config\.|steps|map\(x, |has\(|\?\?){0,16}"#) {
        let _ = parsed(&format!("$<{text}>")).map(|template| template.render(&scope()).map_err(|error| error.to_string()));
    }
}
