//! What is no document, and what is said about it.

use super::*;

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
