use proptest::prelude::*;
use serde_json::json;

use super::*;

fn masked(secrets: &[&str], text: &str) -> String {
    Masker::new(secrets).masked(text).into_owned()
}

/// What comes out of a stream that is fed these pieces.
fn streamed(masker: &Masker, pieces: &[&str]) -> String {
    let mut stream = MaskedStream::default();
    let mut text: String = pieces.iter().map(|piece| stream.push(masker, piece)).collect();
    text += &stream.finish(masker);
    text
}

#[test]
fn every_form_is_masked() {
    let secret = "pa$$ w'rd/\"é<+>\u{1f600}";
    for form in [
        secret,
        r#"pa$$ w'rd/\"é<+>😀"#,
        r#"pa$$ w'rd\/\"é<+>😀"#,
        r#"pa$$ w'rd/\"\u00e9<+>\ud83d\ude00"#,
        r#"pa$$ w'rd/\"é\u003c+\u003e😀"#,
        "pa%24%24%20w%27rd%2F%22%C3%A9%3C%2B%3E%F0%9F%98%80",
        "pa%24%24+w%27rd%2f%22%c3%a9%3c%2b%3e%f0%9f%98%80",
        "pa%24%24%20w'rd%2F%22%C3%A9%3C%2B%3E%F0%9F%98%80",
        r#"pa$$ w'\''rd/"é<+>😀"#,
        r#"pa\$\$ w'rd/\"é<+>😀"#,
        r#"pa\$\$\ w\'rd/\"é\<+\>😀"#,
        "pa$$ w&#39;rd/&quot;é&lt;+&gt;😀",
    ] {
        assert_eq!(masked(&[secret], &format!("a {form} b")), "a *** b", "{form}");
    }
}

#[test]
fn base64_is_masked_wherever_the_secret_lies_in_it() {
    // Of user:hunter2! and of :hunter2!x
    assert_eq!(masked(&["hunter2!"], "Basic dXNlcjpodW50ZXIyIQ=="), "Basic dXNlcjp***Q==");
    assert_eq!(masked(&["hunter2!"], "Omh1bnRlcjIheA=="), "Om***eA==");
}

#[test]
fn lines_overlaps_and_neighbours() {
    let key = "-----BEGIN KEY-----\r\nabcdefghijkl\r\nxyz\r\n";
    assert_eq!(masked(&[key], "> abcdefghijkl <"), "> *** <");
    assert_eq!(masked(&[key], "xyz"), "xyz");
    assert_eq!(masked(&["abcdefgh", "efghijkl"], "-abcdefghijkl-"), "-***-");
    assert_eq!(masked(&["hunter2"], "hunter2hunter2 hunter2"), "*** ***");
    assert_eq!(masked(&["short"], "a short word"), "a short word");
}

#[test]
fn an_end_of_a_long_secret_is_as_secret_as_the_whole() {
    let secret: String = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    let shown = format!("\"{}…\"", &secret[..40]);
    assert_eq!(masked(&[&secret], &shown), "\"***…\"");
    assert_eq!(masked(&[&secret], &format!("[…]{}\n", &secret[20..])), "[…]***\n");
    assert_eq!(masked(&[&secret], &format!("-{secret}-")), "-***-");
}

#[test]
fn a_beginning_is_masked_where_the_text_was_cut_off() {
    let secrets = ["it's \"$5\"", "hunter2-long", "one line\n  other line", "abcdefghij"];
    for (text, expected) in [
        (r#"echo 'it'\''s "$5"' "#, "echo '***' "),
        (r#"echo "it's \"\$5\"" "#, "echo \"***\" "),
        (r#"{"a":"it's \"$5\""}"#, "{\"a\":\"***\"}"),
        ("x other line", "x ***"),
        ("echo abcdef… (10 bytes)", "echo ***… (10 bytes)"),
        ("`echo hunter2-l…` abc…", "`echo ***…` abc…"),
    ] {
        assert_eq!(masked(&secrets, text), expected);
    }
}

#[test]
fn an_end_is_masked_where_the_beginning_of_the_text_was_cut_off() {
    let long: String = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    for secret in ["hunter2", "a secret of thirty-two bytes !!!", &long, "é😀é😀 é😀é😀 é😀é😀 é😀"]
    {
        for (at, _) in secret.char_indices().skip(1).filter(|(at, _)| secret.len() - at >= 4) {
            let text = format!("…{} and more", &secret[at..]);
            assert_eq!(masked(&[secret], &text), "…*** and more", "{text}");
            let masker = Masker::new([secret]);
            for part in (0..=text.len()).filter(|part| text.is_char_boundary(*part)) {
                assert_eq!(streamed(&masker, &[&text[..part], &text[part..]]), "…*** and more", "{text}");
            }
        }
    }
    assert_eq!(masked(&["hunter2"], "Done… hunting r2"), "Done… hunting r2");
}

#[test]
fn values_are_masked_with_their_keys_and_numbers() {
    let masker = Masker::new(["hunter2", "123456"]);
    let mut value = json!({ "hunter2": [123_456, "x", { "a": "is hunter2" }], "n": 1 });
    assert!(masker.finds_in(&value));
    assert!(masker.value(&mut value));
    assert_eq!(value, json!({ "n": 1, "***": ["***", "x", { "a": "is ***" }] }));
    assert!(!masker.value(&mut value));
    assert_eq!(format!("{masker:?} {:?}", Masker::default()), "Masker(…) Masker(nothing)");
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]{6,80}",
        "[ab]{6,12}",
        "[ -~]{6,60}",
        "[a-z]{6,9}\n[a-z]{6,9}\n[a-z]{0,3}",
        "[a-zé😀'\"$ ]{6,40}",
    ]
    .prop_filter("long enough", |secret: &String| secret.trim().len() >= SHORTEST)
}

/// A text as a list of pieces, some of them forms of the secrets.
fn pieces(secrets: &[String]) -> BoxedStrategy<Vec<String>> {
    let forms: Vec<String> = secrets.iter().flat_map(|secret| forms::of(secret)).collect();
    let piece = prop_oneof![prop::sample::select(forms), "[ab \n]{0,9}", "[ -~é…]{0,9}"];
    prop::collection::vec(piece, 0..8).boxed()
}

fn text_with_secrets() -> impl Strategy<Value = (Vec<String>, String)> {
    prop::collection::vec(secret(), 1..4)
        .prop_flat_map(|secrets| (Just(secrets.clone()), pieces(&secrets)))
        .prop_map(|(secrets, pieces)| (secrets, pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_form_of_any_secret_is_left((secrets, text) in text_with_secrets()) {
        let masker = Masker::new(&secrets);
        let masked = masker.masked(&text).replace(MASK, "\u{0}");
        for form in secrets.iter().flat_map(|secret| forms::of(secret)) {
            prop_assert!(!masked.contains(&form), "{form:?} in {masked:?}");
        }
    }

    #[test]
    fn chunks_make_no_difference(
        (secrets, text) in text_with_secrets(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let masker = Masker::new(&secrets);
        let mut cuts: Vec<usize> =
            cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
        prop_assert_eq!(streamed(&masker, &pieces), masker.masked(&text));
    }

    #[test]
    fn base64_of_anything_around_a_secret_is_masked(
        secret in secret(), before in prop::collection::vec(any::<u8>(), 0..9), after in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let encoded = forms::base64(&[&before, secret.as_bytes(), &after].concat());
        prop_assert!(Masker::new([&secret]).finds(&encoded));
    }

    #[test]
    fn other_text_stays(secret in "[A-Z]{6,40}", text in "[a-z0-9 \n%=+/]{0,200}") {
        // No form of capital letters is without one, but some of base64.
        let masker = Masker::new([&secret]);
        let has_form = forms::of(&secret).iter().any(|form| text.contains(form));
        prop_assert_eq!(masker.masked(&text) == text, !has_form);
    }
}
