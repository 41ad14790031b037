//! Versions: how they are written and raised.

use std::cmp::Ordering;
use std::fmt::{self, Display};

use schemars::JsonSchema;
use semver::{BuildMetadata, Prerelease};
use serde::{Deserialize, Serialize};

// The variants of the enums that a config names have no doc comments on purpose: with them the
// schema is a `oneOf`, whose errors don't list what is allowed.

/// How a project counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Scheme {
    #[default]
    Semver,
    FourPart,
    Pep440,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Increment {
    #[default]
    Patch,
    Minor,
    Major,
    Feature,
    FeatureSet,
    Prerelease,
    Release,
    Auto,
}

/// How a version is written down: `1.2.0-rc.1` or, in Python's world, `1.2.0rc1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    Semver,
    Pep440,
}

/// A version of any scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    scheme: Scheme,
    /// The numbers; the fourth counts in the four-part scheme only.
    parts: [u64; 4],
    pub(super) pre: Prerelease,
    pub(super) build: BuildMetadata,
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// What is wrong, to follow the file's name.
    pub(super) fn parse(text: &str, scheme: Scheme) -> Result<Self, String> {
        let read = match scheme {
            Scheme::Pep440 => dotted(text, scheme).or_else(|| python(text)),
            _ => dotted(text, scheme),
        };
        read.ok_or_else(|| format!("says `{text}`, which isn't a version such as {}", scheme.example()))
    }

    /// Reads a version in the notation of a file, in the scheme of the project.
    ///
    /// # Errors
    /// As [`Version::parse`].
    pub(super) fn read(text: &str, scheme: Scheme, notation: Notation) -> Result<Self, String> {
        match notation {
            Notation::Pep440 if scheme == Scheme::Semver => {
                Self::parse(text, Scheme::Pep440).map(|version| Self { scheme, ..version })
            }
            _ => Self::parse(text, scheme),
        }
    }

    pub(super) fn is_prerelease(&self) -> bool {
        !self.pre.is_empty()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.parts == [0; 4]
    }

    /// The first number, of which 0 means that anything may change.
    pub(super) fn major(&self) -> u64 {
        self.parts[0]
    }

    pub(super) fn with_build(self, build: BuildMetadata) -> Self {
        Self { build, ..self }
    }

    /// The version as a file of a notation holds it.
    pub(super) fn written(&self, notation: Notation) -> String {
        match notation {
            Notation::Semver if self.scheme != Scheme::Pep440 => self.to_string(),
            _ => self.python(),
        }
    }

    /// The version after this one. A pre-release is raised to the release it leads to where that
    /// is enough: `1.2.3-rc.1` becomes `1.2.3`. Build metadata goes. With a channel the new
    /// version is a pre-release in it, numbered on.
    ///
    /// # Errors
    /// What is wrong with the request, to follow the file's name.
    pub(super) fn raised(&self, increment: Increment, channel: Option<&str>) -> Result<Self, String> {
        let parts = match increment {
            Increment::Release | Increment::Prerelease if self.is_prerelease() => self.parts,
            Increment::Release => return Err(format!("says {self}, which is a release already")),
            Increment::Prerelease => self.next_parts(self.scheme.last())?,
            _ => self.next_parts(self.scheme.place(increment)?)?,
        };
        let pre = match (increment, channel) {
            (Increment::Prerelease, None) if self.is_prerelease() => self.next_pre(parts, self.channel())?,
            (Increment::Prerelease, None) => self.next_pre(parts, "rc")?,
            (_, Some(channel)) => self.next_pre(parts, channel)?,
            (_, None) => Prerelease::EMPTY,
        };
        Ok(Self { parts, pre, build: BuildMetadata::EMPTY, scheme: self.scheme })
    }

    fn next_parts(&self, place: usize) -> Result<[u64; 4], String> {
        let after = |parts: &[u64; 4]| parts[place + 1..].iter().all(|&part| part == 0);
        if self.is_prerelease() && after(&self.parts) {
            return Ok(self.parts);
        }
        let mut parts = [0; 4];
        parts[..=place].copy_from_slice(&self.parts[..=place]);
        parts[place] =
            parts[place].checked_add(1).ok_or_else(|| format!("says {self}, which can't be raised"))?;
        Ok(parts)
    }

    /// The number in a channel: one more where the version is in it and its numbers stay.
    fn next_pre(&self, parts: [u64; 4], channel: &str) -> Result<Prerelease, String> {
        let same = self.parts == parts && self.is_prerelease() && self.channel() == channel;
        let number = self.pre.rsplit('.').next().and_then(|number| number.parse::<u64>().ok());
        let next = match number {
            Some(number) if same => {
                number.checked_add(1).ok_or_else(|| format!("says {self}, which can't be raised"))?
            }
            _ => 1,
        };
        Prerelease::new(&format!("{channel}.{next}"))
            .map_err(|_| format!("can't get the channel `{channel}`; {CHANNEL}"))
    }

    /// What comes before the number of a pre-release.
    fn channel(&self) -> &str {
        match self.pre.rsplit_once('.') {
            Some((channel, number)) if number.parse::<u64>().is_ok() => channel,
            _ => self.pre.as_str(),
        }
    }

    fn python(&self) -> String {
        let mut text = self.numbers();
        let number =
            self.pre.rsplit('.').next().filter(|number| number.parse::<u64>().is_ok()).unwrap_or("0");
        text += &match self.channel() {
            "" => String::new(),
            "alpha" => format!("a{number}"),
            "beta" => format!("b{number}"),
            "rc" => format!("rc{number}"),
            other => format!(".{other}{number}"),
        };
        if !self.build.is_empty() {
            text += &format!("+{}", self.build);
        }
        text
    }

    fn numbers(&self) -> String {
        let numbers = self.parts[..=self.scheme.last()].iter().map(u64::to_string);
        numbers.collect::<Vec<_>>().join(".")
    }
}

/// What a channel may be.
pub(super) const CHANNEL: &str = "write letters, digits and hyphens, such as `rc`";

impl Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::Pep440 {
            return f.write_str(&self.python());
        }
        f.write_str(&self.numbers())?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build)?;
        }
        Ok(())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Python's `dev` comes before everything else, and so it does nowhere else in the alphabet.
        let dev = |version: &Self| version.is_prerelease() && version.channel() != "dev";
        let (released, other_released) = (self.pre.is_empty(), other.pre.is_empty());
        let pre = released
            .cmp(&other_released)
            .then_with(|| dev(self).cmp(&dev(other)))
            .then_with(|| self.pre.cmp(&other.pre));
        self.parts.cmp(&other.parts).then(pre).then_with(|| self.build.cmp(&other.build))
    }
}

impl Scheme {
    pub(super) fn notation(self) -> Notation {
        if self == Self::Pep440 { Notation::Pep440 } else { Notation::Semver }
    }

    pub(super) fn example(self) -> &'static str {
        if self == Self::FourPart { "1.2.3.4" } else { "1.2.3" }
    }

    /// The index of the last number.
    fn last(self) -> usize {
        if self == Self::FourPart { 3 } else { 2 }
    }

    /// The index of the number that an increment raises.
    ///
    /// # Errors
    /// What is wrong, to follow the file's name.
    pub(super) fn place(self, increment: Increment) -> Result<usize, String> {
        match (increment, self) {
            (Increment::Major, _) => Ok(0),
            (Increment::FeatureSet, Self::FourPart) | (Increment::Minor, Self::Semver | Self::Pep440) => {
                Ok(1)
            }
            (Increment::Feature, Self::FourPart) => Ok(2),
            (Increment::Patch, _) => Ok(self.last()),
            (Increment::Minor, Self::FourPart) => {
                Err("has four parts and no minor one; raise `feature_set` or `feature`".to_owned())
            }
            _ => Err("has three parts; `feature_set` and `feature` need `scheme: four-part`".to_owned()),
        }
    }
}

/// `1.2.3-rc.1+build`, or with four numbers.
fn dotted(text: &str, scheme: Scheme) -> Option<Version> {
    // A mark with nothing behind it is a mistake.
    if text.ends_with(['+', '-']) || text.contains("-+") {
        return None;
    }
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
    let numbers: Vec<u64> = numbers.split('.').map(number).collect::<Option<_>>()?;
    let mut parts = [0; 4];
    (numbers.len() == scheme.last() + 1).then(|| parts[..numbers.len()].copy_from_slice(&numbers))?;
    Some(Version { scheme, parts, pre: Prerelease::new(pre).ok()?, build: BuildMetadata::new(build).ok()? })
}

/// Digits without a needless zero before them.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// `1.2`, `1.2.3rc1`, `1.2.3.dev0`, `1.2.3+local`.
fn python(text: &str) -> Option<Version> {
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, pre) = (text[..end].trim_end_matches('.'), &text[end..]);
    let numbers: Vec<u64> = numbers.split('.').map(number).collect::<Option<_>>()?;
    let mut parts = [0; 4];
    (2..=3).contains(&numbers.len()).then(|| parts[..numbers.len()].copy_from_slice(&numbers))?;
    let digits = pre.find(|c: char| c.is_ascii_digit()).unwrap_or(pre.len());
    let (word, count) = pre.split_at(digits);
    let channel = match word {
        "" => "",
        "a" => "alpha",
        "b" => "beta",
        "rc" | "dev" => word,
        _ => return None,
    };
    let count = if count.is_empty() { 0 } else { number(count)? };
    let pre = if channel.is_empty() { String::new() } else { format!("{channel}.{count}") };
    let (pre, build) = (Prerelease::new(&pre).ok()?, BuildMetadata::new(build).ok()?);
    Some(Version { scheme: Scheme::Pep440, parts, pre, build })
}

/// Why a text can't be a version in a changelog; nothing when it can. Looser than semver: not
/// every project counts that way.
pub(super) fn label_problem(version: &str) -> Option<String> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "/\\[]()".contains(c);
    let problem = match version {
        "" => "it is empty",
        _ if version.starts_with('.') => "it begins with `.`",
        _ if version.contains(bad) => "it has a blank, a slash or a bracket in it",
        _ => return None,
    };
    Some(format!("`{version}` can't be a version: {problem}"))
}

#[cfg(test)]
#[path = "version_tests.rs"]
mod tests;
