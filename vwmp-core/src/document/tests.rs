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

#[test]
fn an_empty_file_is_refused() {
    let expected = "w.yaml:1:1: error[vwmp::empty-document]: the file is empty; a workflow was expected\n  = help: a workflow has at least `steps:` with a list";
    check_refused(&[("", expected), ("\n \n", expected), ("# only a comment\n", expected)]);
}

#[test]
fn tabs_do_not_indent() {
    let at = |place| {
        format!("w.yaml:{place}: error[vwmp::tab]: a tab can't indent a line\n  = help: indent with spaces")
    };
    for (text, place) in [
        ("\t", "1:1"),
        ("a:\n\t- b\n", "2:1"),
        ("a:\n  \tb: 1\n", "2:3"),
        ("a: 1\n\tb: 2\n", "2:1"),
        ("\ta: 1\n", "1:1"),
        ("a: |\n\tx\n", "2:1"),
        ("- \ta: 1\n", "1:3"),
        ("a:\n  b: 1\n\tc: 2\n", "3:1"),
    ] {
        assert_eq!(refused(text), at(place), "{text:?}");
    }
    assert_eq!(parse("a:\t1\t# c\n").root().to_json(), json!({"a": 1}));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn broken_structure_is_told_in_plain_words() {
    for (text, place, message, help) in [
        (
            "a: b: c\n",
            "1:5",
            "no `key: value` can stand here",
            "put text that holds `: ` in quotes; if a key is meant, check the indentation",
        ),
        (
            "a: 1\n b: 2\n",
            "2:3",
            "no `key: value` can stand here",
            "put text that holds `: ` in quotes; if a key is meant, check the indentation",
        ),
        ("a: @b\n", "1:4", "text can't start with `@`", "put the text in quotes"),
        ("a: `b`\n", "1:4", "text can't start with a backtick", "put the text in quotes"),
        ("{a: 1", "1:1", "this `{` is never closed", "add the bracket that closes it"),
        ("a: [1}\n", "1:4", "`[` is closed by `}`", "use a pair of brackets of one kind"),
        ("a: ]\n", "1:4", "this bracket closes nothing", "put the text in quotes"),
        (
            "a: [1, 2\nb: 3\n",
            "2:2",
            "a `,` or a closing bracket is missing",
            "close the `[` or `{` before this place",
        ),
        ("a: 'x\n", "2:1", "a quoted text is not closed", "add the quote that closes it"),
        ("a: 'x' y\n", "1:8", "something follows the closing quote", "put all of the text inside the quotes"),
        (
            "a: \"\\q\"\n",
            "1:4",
            "an unknown escape in double quotes",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        (
            "- a\nb: 1\n",
            "2:1",
            "a list entry, `- `, was expected",
            "check the indentation: what belongs together starts in the same column",
        ),
        (
            "a: 1\n- b\n",
            "2:3",
            "a key was expected",
            "check the indentation: what belongs together starts in the same column",
        ),
        (
            "a:\n    b: 1\n  c: 2\n",
            "3:3",
            "a key was expected",
            "check the indentation: what belongs together starts in the same column",
        ),
        ("a: 1\nb\n", "2:1", "a `:` is missing after a key", "write `key: value`"),
        (
            "a: - b\n",
            "1:4",
            "a list can't start here",
            "start the list on a line of its own; put text that starts with `- ` in quotes",
        ),
        ("a: *\n", "1:4", "a name must follow `&` and `*`", "put the text in quotes"),
        ("a: !u!x 1\n", "1:4", "the handle wasn't declared", "see https://yaml.org/spec/1.2.2"),
    ] {
        let expected = format!(
            "w.yaml:{place}: error[vwmp::yaml-syntax]: this is not YAML: {message}\n  = help: {help}"
        );
        assert_eq!(refused(text), expected, "in {text:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_valid_yaml_but_surprising_is_refused() {
    const KEY: &str = "\n  = help: write `key: value`; put a key with special characters in quotes";
    const MERGE: &str = "error[vwmp::merge-key]: the merge key `<<` is not supported\n  = help: use `extends` to inherit from another workflow, or an alias for a whole value: `config: *name`";
    const TAG: &str =
        "\n  = help: remove it; the known tags are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq";
    check_refused(&[
        (
            "a: 1\nb: 2\na: 3\n",
            "w.yaml:3:1: error[vwmp::duplicate-key]: the key `a` is written twice\n  w.yaml:3:1: again here\n  w.yaml:1:1: first here\n  = help: remove one of them",
        ),
        (
            "[{x: 1, 'x': 2}]",
            "w.yaml:1:9: error[vwmp::duplicate-key]: the key `x` is written twice\n  w.yaml:1:9: again here\n  w.yaml:1:3: first here\n  = help: remove one of them",
        ),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", &format!("w.yaml:3:3: {MERGE}")),
        (
            "[a]: 1\n",
            &format!("w.yaml:1:1: error[vwmp::key-not-text]: a key must be text, but this is a list{KEY}"),
        ),
        (
            "{{a: b}: 1}\n",
            &format!("w.yaml:1:2: error[vwmp::key-not-text]: a key must be text, but this is a mapping{KEY}"),
        ),
        (
            ": 1\n",
            &format!("w.yaml:1:1: error[vwmp::key-not-text]: a key must be text, but this is nothing{KEY}"),
        ),
        (
            "a: &a x\n*a : 1\n",
            &format!("w.yaml:2:1: error[vwmp::key-not-text]: a key must be text, but this is an alias{KEY}"),
        ),
        ("a: !foo 1\n", &format!("w.yaml:1:4: error[vwmp::unknown-tag]: the tag `!foo` is not known{TAG}")),
        ("!foo a: 1\n", &format!("w.yaml:1:1: error[vwmp::unknown-tag]: the tag `!foo` is not known{TAG}")),
        (
            "a: !!omap []\n",
            &format!("w.yaml:1:4: error[vwmp::unknown-tag]: the tag `!!omap` is not known{TAG}"),
        ),
        (
            "a: !!int x\n",
            "w.yaml:1:10: error[vwmp::wrong-tag]: `!!int` says a whole number, but `x` is not\n  = help: remove the tag, or change the value",
        ),
        (
            "a: !!seq {}\n",
            "w.yaml:1:4: error[vwmp::wrong-tag]: `!!seq` says a list, but a mapping is not\n  = help: remove the tag, or change the value",
        ),
        (
            "a: -.inf\n",
            "w.yaml:1:4: error[vwmp::not-finite]: `-.inf` is not a finite number\n  = help: write a number, or put it in quotes if text is meant",
        ),
        (
            "a: .NaN\n",
            "w.yaml:1:4: error[vwmp::not-finite]: `.NaN` is not a finite number\n  = help: write a number, or put it in quotes if text is meant",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "w.yaml:2:1: error[vwmp::second-document]: a file holds one document, but here a second one begins\n  = help: put it in a file of its own",
        ),
        (
            "a: &base 1\nb: *bsae\n",
            "w.yaml:2:4: error[vwmp::unknown-anchor]: no anchor `&bsae` stands before this alias\n  = help: did you mean `base`?\n  = help: put the text in quotes if no alias is meant",
        ),
        (
            "a: &x [1, *x]\n",
            "w.yaml:1:11: error[vwmp::recursive-alias]: the alias `*x` stands inside the value that it means\n  w.yaml:1:7: `&x` begins here\n  = help: copy the part that is meant",
        ),
    ]);
    assert_eq!(parse("'<<': 1").root().to_json(), json!({"<<": 1}));
}

#[test]
fn all_findings_come_in_one_pass_from_top_to_bottom() {
    let text = "a: !foo 1\nm: {b: 1, <<: 2, b: *no, c: .inf}\na: [\n";
    let found = Document::parse(source(text)).unwrap_err();
    let lines: Vec<_> =
        found.iter().map(|one| format!("{} {}", one.labels[0].position(), one.code)).collect();
    assert_eq!(
        lines,
        [
            "1:4 vwmp::unknown-tag",
            "2:11 vwmp::merge-key",
            "2:18 vwmp::duplicate-key",
            "2:21 vwmp::unknown-anchor",
            "2:29 vwmp::not-finite",
            "3:4 vwmp::yaml-syntax",
        ]
    );
}

#[test]
fn a_flood_of_findings_ends() {
    for line in ["- !foo 1\n", "a: 1\n"] {
        assert_eq!(Document::parse(source(&line.repeat(10_000))).unwrap_err().len(), 100);
    }
}

#[test]
fn duplicates_are_found_in_large_mappings() {
    let mut text: String = (0..10_000).fold(String::new(), |mut text, i| {
        writeln!(text, "key{i}: {i}").unwrap();
        text
    });
    assert_eq!(parse(&text).root().len(), 10_000);
    text.push_str("key77: 1\n");
    assert_eq!(
        refused(&text),
        "w.yaml:10001:1: error[vwmp::duplicate-key]: the key `key77` is written twice\n  w.yaml:10001:1: again here\n  w.yaml:78:1: first here\n  = help: remove one of them"
    );
}

#[test]
fn deep_nesting_is_refused_at_once() {
    let blocks =
        |levels: usize| -> String { (0..levels).map(|i| format!("{}a:\n", " ".repeat(i))).collect() };
    let lists = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    parse(&lists(64));
    parse(&blocks(64));
    for (text, place) in [
        (lists(65), "1:65"),
        ("[".repeat(10_000), "1:65"),
        ("- ".repeat(10_000), "1:129"),
        ("{a: ".repeat(10_000), "1:257"),
        (blocks(65), "65:65"),
        (blocks(10_000), "65:65"),
        (format!("{}{}", "- ".repeat(40), lists(40)), "1:105"),
        (format!("a: &a {}\nb: {}*a{}", lists(40), "[".repeat(40), "]".repeat(40)), "2:44"),
    ] {
        let found = refused(&text);
        assert_eq!(
            found,
            format!(
                "w.yaml:{place}: error[vwmp::too-deep]: lists and mappings are nested deeper than 64 levels\n  = help: make the structure flatter"
            )
        );
    }
}

#[test]
fn alias_bombs_are_refused_without_being_expanded() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..=9 {
        let aliases = vec![format!("*a{}", i - 1); 10].join(",");
        writeln!(text, "a{i}: &a{i} [{aliases}]").unwrap();
    }
    assert_eq!(
        refused(&text),
        "w.yaml:6:38: error[vwmp::alias-bomb]: aliases add more than 1000000 values to this file\n  w.yaml:6:38: the limit is passed here\n  = help: use fewer aliases of aliases"
    );
}

#[test]
fn the_number_of_values_is_limited() {
    let limits = yaml::Limits { nodes: 5, ..yaml::Limits::DEFAULT };
    assert!(yaml::parse(source("[1, 2, 3, 4]"), limits).is_ok());
    assert_eq!(
        yaml::parse(source("[1, 2, 3, 4, 5, 6]"), limits).unwrap_err().to_string(),
        "w.yaml:1:14: error[vwmp::too-large]: the file holds more than 5 values\n  = help: split the workflow, or call one workflow from another"
    );
}

#[test]
fn a_single_giant_text_is_read() {
    let long = "x".repeat(2_000_000);
    for text in [format!("a: {long}\n"), format!("a: \"{long}\"\n"), format!("a: |\n  {long}\n")] {
        assert_eq!(parse(&text).root().get("a").unwrap().as_str().unwrap().trim_end().len(), long.len());
    }
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
