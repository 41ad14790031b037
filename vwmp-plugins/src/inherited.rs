//! The environment of a run on its way to a program, byte for byte.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// All variables, with their values as this process has them.
pub(crate) fn inherited(given: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, Cow<'_, OsStr>)> {
    let own = |name: &str| std::env::var_os(name);
    given.iter().map(move |(name, value)| (name.as_str(), as_inherited(name, value, own)))
}

/// The value as it is in `own`, where that is what was given: a map of texts can't hold what is not UTF-8.
fn as_inherited<'v>(
    name: &str,
    value: &'v str,
    own: impl FnOnce(&str) -> Option<OsString>,
) -> Cow<'v, OsStr> {
    let own = if value.contains(char::REPLACEMENT_CHARACTER) { own(name) } else { None };
    match own.filter(|own| own.to_string_lossy() == value) {
        Some(own) => Cow::Owned(own),
        None => Cow::Borrowed(value.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn what_is_not_utf_8_is_taken_from_the_process_where_it_is_the_same() {
        let latin = || OsString::from_vec(b"caf\xe9".to_vec());
        assert_eq!(as_inherited("A", "caf\u{fffd}", |_| Some(latin())), latin());
        for (value, own) in
            [("caf\u{fffd}", None), ("tea\u{fffd}", Some(latin())), ("coffee", Some("tea".into()))]
        {
            assert_eq!(as_inherited("A", value, |_| own), OsStr::new(value));
        }
    }
}
