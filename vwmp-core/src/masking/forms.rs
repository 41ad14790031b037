//! What a secret may look like once programs have had it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::SHORTEST;

/// How many characters of base64 tools put on one line.
const BASE64_LINES: [usize; 2] = [64, 76];

/// The characters, beside letters and digits, that percent-encoders leave as they are: RFC 3986, JavaScript's
/// `encodeURIComponent`, Python's `quote`, HTML forms.
const LEFT_IN_URLS: [&str; 4] = ["-._~", "-._~!*'()", "-._~/", "-._*"];

/// Every form of a secret that is long enough to be looked for: of the whole, and of each of its lines.
pub(super) fn of(secret: &str) -> BTreeSet<String> {
    let lines = secret.lines().map(str::trim);
    let parts: BTreeSet<&str> = [secret, secret.trim()].into_iter().chain(lines).collect();
    let mut forms = BTreeSet::new();
    for part in parts.into_iter().filter(|part| part.len() >= SHORTEST) {
        forms.insert(part.to_owned());
        escaped(part, &mut forms);
        in_shells(part, &mut forms);
        in_urls(part, &mut forms);
        in_base64(part.as_bytes(), &mut forms);
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// As JSON, debug output, HTML and XML have it.
fn escaped(text: &str, forms: &mut BTreeSet<String>) {
    let mut quoted = Vec::from(in_json(text));
    // Python, JavaScript and `$'…'` of shells, in either kind of quotes.
    quoted.push(text.replace('\\', r"\\"));
    quoted.push(text.replace('\\', r"\\").replace('\'', r"\'"));
    let controls = quoted.iter().map(|one| replaced(one, control).replace('\0', r"\0")).collect::<Vec<_>>();
    quoted.extend(controls);
    quoted.push(text.escape_debug().to_string());
    let debug = format!("{text:?}");
    quoted.push(debug[1..debug.len() - 1].to_owned());
    // Text of this kind is often put into JSON once more.
    let again: Vec<String> = quoted.iter().flat_map(|one| in_json(one)).collect();
    forms.extend(quoted.into_iter().chain(again));
    for apostrophe in ["'", "&#39;", "&#x27;", "&apos;"] {
        forms.insert(replaced(text, |char| {
            let entity = match char {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => apostrophe,
                _ => return None,
            };
            Some(entity.to_owned())
        }));
    }
}

/// As JSON has it between quotes: plain, with `\/`, in ASCII alone, and safe for HTML.
fn in_json(text: &str) -> [String; 4] {
    let json = serde_json::Value::from(text).to_string();
    let json = &json[1..json.len() - 1];
    [
        json.to_owned(),
        json.replace('/', "\\/"),
        replaced(json, |char| (!char.is_ascii()).then(|| in_utf16(char))),
        replaced(json, |char| "<>&".contains(char).then(|| in_utf16(char))),
    ]
}

/// The usual escapes of control characters in quotes.
fn control(char: char) -> Option<String> {
    match char {
        '\n' => Some(r"\n".to_owned()),
        '\r' => Some(r"\r".to_owned()),
        '\t' => Some(r"\t".to_owned()),
        char if char.is_ascii_control() => Some(format!("\\x{:02x}", char as u32)),
        _ => None,
    }
}

/// `\u00e9`, and two of them beyond the basic plane.
fn in_utf16(char: char) -> String {
    char.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |mut text, unit| {
        let _ = write!(text, "\\u{unit:04x}");
        text
    })
}

/// Quoted for a shell, in the ways that programs choose.
fn in_shells(text: &str, forms: &mut BTreeSet<String>) {
    // JSON is often an argument.
    for one in in_json(text) {
        forms.insert(replaced(&one, |char| "\\\"$`".contains(char).then(|| format!("\\{char}"))));
    }
    forms.insert(text.replace('\'', r"'\''"));
    forms.insert(text.replace('\'', r#"'"'"'"#));
    let escape = |char: char| Some(format!("\\{char}"));
    forms.insert(replaced(text, |char| if "\\\"$`".contains(char) { escape(char) } else { None }));
    forms.insert(replaced(text, |char| if "\\$`".contains(char) { escape(char) } else { None }));
    let plain = |char: char| !char.is_ascii() || char.is_ascii_alphanumeric() || "-_./:,+@%=".contains(char);
    forms.insert(replaced(text, |char| if plain(char) { None } else { escape(char) }));
}

fn in_urls(text: &str, forms: &mut BTreeSet<String>) {
    for left in LEFT_IN_URLS {
        let stays = |byte: u8| byte.is_ascii_alphanumeric() || left.contains(char::from(byte));
        let (mut upper, mut lower) = (String::new(), String::new());
        for byte in text.bytes() {
            if stays(byte) {
                upper.push(char::from(byte));
                lower.push(char::from(byte));
            } else {
                let _ = write!(upper, "%{byte:02X}");
                let _ = write!(lower, "%{byte:02x}");
            }
        }
        forms.insert(upper.replace("%20", "+"));
        forms.insert(lower.replace("%20", "+"));
        forms.insert(upper);
        forms.insert(lower);
    }
}

/// The characters that don't depend on what stands before and behind the secret, whichever of the three ways it lies
/// in the groups of three bytes.
fn in_base64(bytes: &[u8], forms: &mut BTreeSet<String>) {
    for before in 0..3 {
        let shifted = [&[0; 2][..before], bytes].concat();
        let end = shifted.len() * 8 / 6;
        // Of the first characters, those that hold bits of what stands before.
        let encoded = &base64(&shifted)[(before * 8).div_ceil(6)..end];
        let mut put = |form: &str| {
            forms.insert(form.to_owned());
            forms.insert(form.replace('+', "-").replace('/', "_"));
        };
        put(encoded);
        if before == 0 {
            for width in BASE64_LINES.into_iter().filter(|width| encoded.len() > *width) {
                (0..encoded.len())
                    .step_by(width)
                    .for_each(|at| put(&encoded[at..encoded.len().min(at + width)]));
            }
        }
    }
}

/// Base64 without padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes.chunks(3).fold(String::new(), |mut text, group| {
        let bits =
            group.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        let characters = (0..=group.len()).map(|at| ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]);
        text.extend(characters.map(char::from));
        text
    })
}

fn replaced(text: &str, other: impl Fn(char) -> Option<String>) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut replaced, char| {
        match other(char) {
            Some(instead) => replaced.push_str(&instead),
            None => replaced.push(char),
        }
        replaced
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn base64_is_as_everybody_writes_it() {
        for (text, expected) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
