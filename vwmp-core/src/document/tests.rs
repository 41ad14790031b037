mod refused;

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(text: &str) -> Document {
    Document::parse(source(text)).unwrap_or_else(|all| panic!("{all}\nin:\n{text}"))
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("w.yaml", text))
}

fn refused(text: &str) -> String {
    Document::parse(source(text)).unwrap_err().to_string()
}

fn check_refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(refused(text), *expected, "in {text:?}");
    }
}

#[test]
fn plain_scalars_mean_what_the_core_schema_says() {
    for (text, expected) in [
        ("~", json!(null)),
        ("null", json!(null)),
        ("NULL", json!(null)),
        ("True", json!(true)),
        ("FALSE", json!(false)),
        ("0", json!(0)),
        ("-0", json!(0)),
        ("+12", json!(12)),
        ("-12", json!(-12)),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("9223372036854775807", json!(i64::MAX)),
        ("9223372036854775808", json!(9_223_372_036_854_775_808.0)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("1.10", json!(1.1)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("-1.5e3", json!(-1500.0)),
        ("1e3", json!(1000.0)),
    ] {
        assert_eq!(parse(text).root().to_json(), expected, "{text}");
        assert_eq!(plain_value(text), expected, "{text}");
    }
}

#[test]
fn what_only_looks_like_a_value_is_text() {
    for text in [
        "0123456",
        "-012",
        "01.5",
        "12e4567",
        "1_000",
        "0b11",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "nUll",
        "tRue",
        "0x",
        "0x+1",
        "-0x1",
        "0o8",
        "1e",
        "1e+",
        ".",
        "-",
        "+",
        "-.",
        "..",
        "1.2.3",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "2026-11-20",
        "12:30",
        "10m",
        ".nano",
        "inf",
        "é",
    ] {
        // A lone dash is a list.
        if text != "-" {
            assert_eq!(parse(text).root().as_str(), Some(text));
        }
        assert_eq!(plain_value(text), json!(text));
    }
    assert_eq!(plain_value(""), json!(""));
}

#[test]
fn every_value_knows_its_place() {
    let document = parse(
        "a: 1.10 # c\nb:\n  - x\n  - 'q''s'\n  - \"é b\"\n\n# c\nc:\nd: |\n  hi\n  you\n\ne: >-\n  f\nf: {k: [1, 2], g, h: }\nü: &n one\n  two\nz: *n\n",
    );
    let root = document.root();
    let at = |pointer: &str| root.at_pointer(pointer).unwrap();
    for (pointer, kind, written, offset) in [
        ("/a", Kind::Float(1.1), "1.10", None),
        ("/b", Kind::Seq, "- x\n  - 'q''s'\n  - \"é b\"", None),
        ("/b/0", Kind::Str("x"), "x", Some(19)),
        ("/b/1", Kind::Str("q's"), "'q''s'", None),
        ("/b/2", Kind::Str("é b"), "\"é b\"", Some(37)),
        ("/c", Kind::Null, "", None),
        ("/d", Kind::Str("hi\nyou\n"), "hi\n  you", None),
        ("/e", Kind::Str("f"), "f", Some(76)),
        ("/f", Kind::Map, "{k: [1, 2], g, h: }", None),
        ("/f/k", Kind::Seq, "[1, 2]", None),
        ("/f/k/1", Kind::Int(2), "2", None),
        ("/f/g", Kind::Null, "", None),
        ("/ü", Kind::Str("one two"), "one\n  two", None),
    ] {
        let node = at(pointer);
        assert_eq!((node.kind(), node.raw()), (kind, written), "{pointer}");
        assert_eq!(node.source().slice(node.span()), written, "{pointer}");
        assert_eq!(node.offset_of_text(), offset, "{pointer}");
    }
    assert_eq!(at("/z").kind(), Kind::Str("one two"));
    assert_eq!(root.source().slice(at("/z").span()), "*n");
    assert_eq!(at("/z").raw(), "one\n  two");
    assert_eq!(root.source().slice(root.key_at_pointer("/ü").unwrap()), "ü");
    assert_eq!((root.len(), at("/b").len(), at("/a").len()), (8, 3, 0));
    assert!(at("/a").is_plain() && !at("/b/1").is_plain() && !at("/b").is_plain());
    assert_eq!(root.raw(), document.source().text().trim_end());
    assert!(
        root.at_pointer("/b/3").is_none() && root.at_pointer("/b/00").is_none() && root.get("no").is_none()
    );
}

#[test]
fn keys_are_text_as_written() {
    let document = parse("on: 1\n1: 2\n1.10: 3\n~: 4\n\"a b\": 5\n? long\n: 6\n!!str t: 7\n");
    let keys: Vec<_> =
        document.root().entries().map(|(key, value)| format!("{}={}", key.text, value.raw())).collect();
    assert_eq!(keys, ["on=1", "1=2", "1.10=3", "~=4", "a b=5", "long=6", "t=7"]);
}

#[test]
fn values_are_described_in_plain_words() {
    let document = parse("[~, true, 1, 1.5, a, [], {}]");
    let words: Vec<_> = document.root().items().map(NodeRef::describe).collect();
    assert_eq!(words, ["nothing", "true or false", "a number", "a number", "text", "a list", "a mapping"]);
}

#[test]
fn core_tags_have_their_meaning() {
    let document = parse(
        "[!!str 12, !!int '3', !!float 1, !!bool 'true', !!null '', !!null ~, !!map {}, !!seq [], ! 1.10, !!str , !<tag:yaml.org,2002:str> no]",
    );
    assert_eq!(document.root().to_json(), json!(["12", 3, 1.0, true, null, null, {}, [], "1.10", "", "no"]));
}

#[test]
fn aliases_stand_for_whole_values() {
    let document = parse("base: &b {x: [1, &two 2]}\nagain: *b\nnumber: *two\nbase2: &b 5\nlast: *b\n");
    assert_eq!(
        document.root().to_json(),
        json!({"base": {"x": [1, 2]}, "again": {"x": [1, 2]}, "number": 2, "base2": 5, "last": 5})
    );
}

#[test]
fn a_byte_order_mark_and_one_document_marker_are_fine() {
    assert_eq!(parse("\u{feff}%YAML 1.2\n---\na: 1\n...\n").root().to_json(), json!({"a": 1}));
    assert_eq!(parse("a: 1\r\nb: [x,\r\n y]\r\n").root().to_json(), json!({"a": 1, "b": ["x", "y"]}));
}

fn any_json() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        "[a-zé漢🦀 :#,'\"\\\\\n\t{}\\[\\]&*!|>%@`~-]{0,12}",
        "[0-9eE.+_x-]{1,8}",
        "true|null|yes|~|<<|\\.inf"
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e9..1e9f64).prop_map(Json::from),
        text.prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec(("[a-zé漢0-9 .:~-]{1,6}", inner), 0..6)
                .prop_map(|all| Json::Object(all.into_iter().collect())),
        ]
    })
}

/// Block style, with plain scalars wherever they mean the same.
fn print(value: &Json, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                write!(out, "\n{pad}-").unwrap();
                print(item, indent + 2, out);
            }
        }
        Json::Object(entries) if !entries.is_empty() => {
            for (key, item) in entries {
                write!(out, "\n{pad}{}:", Json::from(key.as_str())).unwrap();
                print(item, indent + 1, out);
            }
        }
        Json::String(text)
            if text.chars().all(char::is_alphabetic) && plain_value(text) == *value && !text.is_empty() =>
        {
            write!(out, " {text}").unwrap();
        }
        Json::String(text) if !text.contains(['\n', '\t']) => {
            write!(out, " '{}'", text.replace('\'', "''")).unwrap();
        }
        other => write!(out, " {other}").unwrap(),
    }
}

fn check_places(node: NodeRef<'_>) {
    let text = node.source().text();
    let written = text.get(Range::<usize>::from(node.span())).expect("a span on character boundaries");
    if node.is_plain() {
        assert_eq!(node.raw(), written);
    }
    if let (Some(value), Some(offset)) = (node.as_str(), node.offset_of_text()) {
        assert!(text[offset as usize..].starts_with(value));
    }
    node.items().chain(node.entries().map(|(_, value)| value)).for_each(|child| {
        assert!(node.span().start <= child.span().start && child.span().end <= node.span().end);
        check_places(child);
    });
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(value in any_json()) {
        let mut text = String::new();
        print(&value, 0, &mut text);
        let document = parse(&text);
        prop_assert_eq!(document.root().to_json(), value);
        check_places(document.root());
    }

    #[test]
    fn json_is_read_as_it_is(value in any_json()) {
        let document = parse(&value.to_string());
        prop_assert_eq!(document.root().to_json(), value);
        check_places(document.root());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-b:\\-\\[\\]{},&*!?|>'\"# \n\t\r~<é\u{feff}%@.0]{0,40}") {
        match Document::parse(source(&text)) {
            Ok(document) => check_places(document.root()),
            Err(found) => prop_assert!(!found.to_string().is_empty()),
        }
    }
}
