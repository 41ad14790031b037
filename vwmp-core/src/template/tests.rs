//! Tables: what is written, in which scope, and what comes out.

mod conditions;
mod refused;

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

fn decided(text: &str, status: NeedsStatus) -> Result<bool, String> {
    let source = Arc::new(Source::new("t", text));
    let place = Place { source: &source, span: Span::new(0, text.len()), text_at: Some(0) };
    let condition =
        Condition::parse(text, &place, &ExpressionCache::default()).map_err(|found| found.to_string())?;
    condition.evaluate(&scope(), status).map_err(|error| without_place(&error))
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
