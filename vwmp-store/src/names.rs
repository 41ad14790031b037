//! File names for what may have any characters.

use std::fmt::Write as _;

/// File systems take no longer ones than 255 bytes, and something is added.
const LONGEST: usize = 200;

/// A name that is safe as a file's: letters, digits, `-`, `_`, `.`, `[` and `]` stay, others are written `%xx`. Of one
/// that is too long there are the beginning, a `~` and the hash of the whole.
pub(crate) fn escaped(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'[' | b']');
        if plain || (byte == b'.' && at > 0) {
            safe.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(safe, "%{byte:02x}");
        }
    }
    if safe.len() > LONGEST {
        let hash = blake3::hash(name.as_bytes()).to_hex();
        safe.truncate(LONGEST - 1 - hash.len());
        safe = format!("{safe}~{hash}");
    }
    safe
}

/// The name that was escaped.
pub(crate) fn unescaped(safe: &str) -> String {
    let mut bytes = Vec::with_capacity(safe.len());
    let mut rest = safe;
    while let Some(char) = rest.chars().next() {
        let code = rest.strip_prefix('%').and_then(|rest| rest.get(..2));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.extend(char.to_string().bytes());
                rest = &rest[char.len_utf8()..];
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for (name, safe) in [
            ("bump", "bump"),
            ("test[3]", "test[3]"),
            ("../x", "%2e.%2fx"),
            ("a b/ü%", "a%20b%2f%c3%bc%25"),
            ("v1.2", "v1.2"),
        ] {
            assert_eq!(escaped(name), safe);
            assert_eq!(unescaped(safe), name);
        }
    }
    #[test]
    fn long_names_fit_and_stay_apart() {
        let long = |last: &str| escaped(&format!("{}{last}", "docs/".repeat(100)));
        assert_eq!(long("a").len(), LONGEST);
        assert_ne!(long("a"), long("b"));
    }
}
