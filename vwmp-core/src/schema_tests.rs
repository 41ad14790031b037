use super::*;
use serde_json::json;

fn check(schema: &Value, value: &Value, expected: &[&str]) {
    let errors: Vec<String> = Schema::new(schema).errors(value).iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected);
}

#[test]
fn errors_say_what_was_expected_and_what_was_found() {
    let schema = json!({
        "type": "object",
        "properties": {
            "url": { "type": "string", "minLength": 1 },
            "count": { "type": "integer", "minimum": 1 },
            "level": { "oneOf": [{ "const": "patch" }, { "const": "minor" }] },
            "files": { "type": "array", "items": { "type": "string" } },
            "limit": { "type": ["integer", "null"] },
        },
        "required": ["url"],
        "additionalProperties": false,
    });
    let cases: [(Value, &[&str]); 8] = [
        (json!({ "url": "x" }), &[]),
        (json!({}), &[": `url` is missing"]),
        (json!({ "url": 3 }), &[".url: expected text, found the number 3"]),
        (json!({ "url": "" }), &[".url: expected text, found nothing in it"]),
        (json!({ "url": "x", "count": 0 }), &[".count: expected at least 1, found the number 0"]),
        (
            json!({ "url": "x", "level": "pach" }),
            &[".level: expected one of patch, minor, found the text \"pach\" (did you mean `patch`?)"],
        ),
        (json!({ "url": "x", "files": ["a", 1] }), &[".files[1]: expected text, found the number 1"]),
        (
            json!({ "url": "x", "lmit": 3, "limit": "x" }),
            &[
                ".limit: expected a whole number, found the text \"x\"",
                ".lmit: `lmit` is not known; known here: url, count, level, files, limit (did you mean `limit`?)",
            ],
        ),
    ];
    for (value, expected) in cases {
        check(&schema, &value, expected);
    }
}

#[test]
fn a_value_that_must_not_be_shown_is_not() {
    let schema = json!({ "properties": {
        "pin": { "type": "string", "writeOnly": true },
        "token": { "type": "string", "writeOnly": true, "minLength": 8 },
    } });
    let value = json!({ "pin": 123_456, "token": "hunter2" });
    check(&schema, &value, &[".pin: expected text", ".token: the value does not fit its schema"]);
}

#[test]
fn unknown_keys_are_told_with_the_known_ones_at_any_depth() {
    let schema = json!({
        "properties": { "files": { "items": { "$ref": "#/$defs/File" } } },
        "$defs": { "File": { "properties": { "path": {} }, "additionalProperties": false } },
    });
    let expected = ".files[0].paht: `paht` is not known; known here: path (did you mean `path`?)";
    check(&schema, &json!({ "files": [{ "paht": 1 }] }), &[expected]);
}

#[test]
fn a_schema_that_is_none_is_told_in_words() {
    for (schema, expected) in [
        (
            json!({ "type": "sting" }),
            "type: expected one of array, boolean, integer, null, number, object, string, found the text \"sting\" \
             (did you mean `string`?)",
        ),
        (json!({ "minimum": "x" }), "minimum: expected a number, found the text \"x\""),
        (json!({ "pattern": "[" }), "pattern: `[` is no regular expression"),
    ] {
        assert_eq!(Schema::new(&schema).problem(), Some(expected));
    }
}

#[test]
fn a_value_of_several_shapes_is_told_by_the_nearest() {
    let schema = json!({ "anyOf": [
        { "type": "string" },
        { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] },
    ] });
    check(&schema, &json!(3), &[": expected text or a mapping, found the number 3"]);
    check(&schema, &json!({ "n": "x" }), &[".n: expected a whole number, found the text \"x\""]);
}

#[test]
fn a_broken_schema_refuses_everything_and_fetches_nothing() {
    let remote = json!({ "$ref": "https://example.invalid/schema.json" });
    let errors = Schema::new(&remote).errors(&json!({}));
    assert!(
        errors[0].message.starts_with("its schema is broken, which is a bug in the plugin:"),
        "{errors:?}"
    );
}
