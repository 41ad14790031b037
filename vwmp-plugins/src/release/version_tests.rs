//! Versions raised, read and written, as tables.

use super::*;

fn raised(old: &str, scheme: Scheme, increment: Increment, channel: Option<&str>) -> String {
    let old = Version::parse(old, scheme).unwrap();
    old.raised(increment, channel).map_or_else(|problem| problem, |new| new.to_string())
}

#[test]
fn versions_are_raised() {
    use Increment::{FeatureSet, Major, Minor, Patch, Release};
    for (old, increment, new) in [
        ("1.2.3", Patch, "1.2.4"),
        ("1.2.3", Minor, "1.3.0"),
        ("1.2.3", Major, "2.0.0"),
        ("1.2.3-rc.1", Patch, "1.2.3"),
        ("1.2.3-rc.1", Minor, "1.3.0"),
        ("1.3.0-rc.1", Minor, "1.3.0"),
        ("1.3.0-rc.1", Major, "2.0.0"),
        ("2.0.0-alpha", Major, "2.0.0"),
        ("0.1.0+build.5", Patch, "0.1.1"),
        ("1.2.3-rc.1", Release, "1.2.3"),
        ("1.2.3", Release, "says 1.2.3, which is a release already"),
        ("1.2.3", FeatureSet, "has three parts; `feature_set` and `feature` need `scheme: four-part`"),
        ("18446744073709551615.0.0", Major, "says 18446744073709551615.0.0, which can't be raised"),
    ] {
        assert_eq!(raised(old, Scheme::Semver, increment, None), new, "{old} {increment:?}");
    }
}

#[test]
fn channels_are_numbered_on() {
    use Increment::{Major, Minor, Patch, Prerelease};
    for (old, increment, channel, new) in [
        ("1.2.3", Prerelease, Some("rc"), "1.2.4-rc.1"),
        ("1.2.3", Prerelease, None, "1.2.4-rc.1"),
        ("1.2.4-rc.1", Prerelease, Some("rc"), "1.2.4-rc.2"),
        ("1.2.4-rc.9", Prerelease, None, "1.2.4-rc.10"),
        ("1.2.4-alpha.3", Prerelease, Some("beta"), "1.2.4-beta.1"),
        ("1.2.4-rc", Prerelease, Some("rc"), "1.2.4-rc.1"),
        ("1.2.4-nightly.2026.4", Prerelease, None, "1.2.4-nightly.2026.5"),
        ("1.2.3", Major, Some("beta"), "2.0.0-beta.1"),
        ("2.0.0-beta.1", Major, Some("beta"), "2.0.0-beta.2"),
        ("2.0.0-beta.1", Patch, Some("beta"), "2.0.0-beta.2"),
        ("1.2.4-rc.1", Minor, Some("rc"), "1.3.0-rc.1"),
        (
            "1.2.3",
            Patch,
            Some("r_c"),
            "can't get the channel `r_c`; write letters, digits and hyphens, such as `rc`",
        ),
    ] {
        assert_eq!(raised(old, Scheme::Semver, increment, channel), new, "{old} {increment:?} {channel:?}");
    }
}

#[test]
fn four_parts_are_raised() {
    use Increment::{Feature, FeatureSet, Major, Minor, Patch, Prerelease};
    for (old, increment, new) in [
        ("1.2.3.4", Patch, "1.2.3.5"),
        ("1.2.3.4", Feature, "1.2.4.0"),
        ("1.2.3.4", FeatureSet, "1.3.0.0"),
        ("1.2.3.4", Major, "2.0.0.0"),
        ("1.2.3.4", Prerelease, "1.2.3.5-rc.1"),
        ("1.3.0.0-rc.2", FeatureSet, "1.3.0.0"),
        ("1.2.3.4", Minor, "has four parts and no minor one; raise `feature_set` or `feature`"),
    ] {
        assert_eq!(raised(old, Scheme::FourPart, increment, None), new, "{old} {increment:?}");
    }
    for text in ["1.2.3", "1.2.3.04", "1.2.3.4.5", "1.2.3."] {
        let message = format!("says `{text}`, which isn't a version such as 1.2.3.4");
        assert_eq!(Version::parse(text, Scheme::FourPart), Err(message));
    }
}

#[test]
fn python_writes_versions_its_own_way() {
    for (text, semver) in [
        ("1.2.3", "1.2.3"),
        ("1.2", "1.2.0"),
        ("1.2.3a1", "1.2.3-alpha.1"),
        ("1.2.3b2", "1.2.3-beta.2"),
        ("1.2.3rc1", "1.2.3-rc.1"),
        ("1.2.3.dev0", "1.2.3-dev.0"),
        ("1.2.3+local.1", "1.2.3+local.1"),
        ("1.2.3-rc.1", "1.2.3-rc.1"),
    ] {
        let version = Version::read(text, Scheme::Semver, Notation::Pep440).unwrap();
        assert_eq!(version.to_string(), semver);
    }
    for text in ["1", "1.2.3.4", "1.2.3post1", "1.2.x", "", "1.2.3rcx"] {
        assert!(Version::parse(text, Scheme::Pep440).is_err(), "{text}");
    }
    let version = |text| Version::parse(text, Scheme::Semver).unwrap();
    assert_eq!(version("1.2.3-rc.1").written(Notation::Pep440), "1.2.3rc1");
    assert_eq!(version("1.2.3-dev.4+x").written(Notation::Pep440), "1.2.3.dev4+x");
    assert_eq!(raised("1.2.dev", Scheme::Pep440, Increment::Release, None), "1.2.0");
    assert_eq!(raised("1.2.3rc1", Scheme::Pep440, Increment::Prerelease, None), "1.2.3rc2");
}

#[test]
fn versions_have_an_order() {
    let sorted =
        ["1.2.2", "1.2.3-dev.9", "1.2.3-alpha.1", "1.2.3-alpha.10", "1.2.3-rc.1", "1.2.3", "1.2.3+b"];
    let versions = sorted.map(|text| Version::parse(text, Scheme::Semver).unwrap());
    assert!(versions.is_sorted());
    for text in ["v1.2.3", "1.2", "1.2.3-", "1.2.3+", "1.2.3-+x", "1.02.3", "1.2.3-01", "+1.2.3"] {
        assert!(Version::parse(text, Scheme::Semver).is_err(), "{text}");
    }
}
