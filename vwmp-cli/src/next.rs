//! The commands that people type next.

use std::path::PathBuf;
use std::sync::Arc;

/// The commands that people type next about a run.
#[derive(Debug, Clone)]
pub(crate) struct Next {
    program: Arc<str>,
    /// What the run is called; nothing where it is kept nowhere.
    run: Option<Arc<str>>,
    /// Where the store is, where that has to be said.
    place: Arc<[String]>,
}

impl Next {
    /// About a run that ends with its process.
    pub(crate) fn nothing() -> Self {
        Self { program: "".into(), run: None, place: Arc::default() }
    }

    /// About a run that is kept; `place` are the options that name its store.
    pub(crate) fn of(program: &str, run: &str, place: Vec<String>) -> Self {
        Self { program: program.into(), run: Some(run.into()), place: place.into() }
    }

    /// About another run of the same store.
    pub(crate) fn about(&self, run: &str) -> Self {
        Self { run: self.run.as_ref().map(|_| run.into()), ..self.clone() }
    }

    /// A command about the run, such as `vwmp resume RUN`; nothing where it is kept nowhere.
    pub(crate) fn command(&self, verb: &str, arguments: &[&str]) -> Option<String> {
        let run = self.run.as_deref()?;
        let words = [&*self.program, verb, run].into_iter().chain(arguments.iter().copied());
        let place = self.place.iter().map(String::as_str);
        Some(words.chain(place).map(quoted).collect::<Vec<_>>().join(" "))
    }

    /// How to answer what a step asks.
    pub(crate) fn answers(&self, step: &str) -> String {
        match (self.command("approve", &[step]), self.command("reject", &[step])) {
            (Some(yes), Some(no)) => format!("{yes}, or {no}"),
            _ => "nobody can answer: the run is not kept in a store".to_owned(),
        }
    }
}

/// The options that name a store which is not where one is looked for.
pub(crate) fn place(workspace: Option<&PathBuf>, store: Option<&PathBuf>) -> Vec<String> {
    let option = |name: &str, path: Option<&PathBuf>| {
        path.map(|path| vec![name.to_owned(), path.to_string_lossy().into_owned()]).unwrap_or_default()
    };
    [option("--workspace", workspace), option("--store", store)].concat()
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted() {
        let next = Next::of("vwmp", "r1", place(None, Some(&PathBuf::from("my runs"))));
        assert_eq!(next.command("resume", &[]).unwrap(), "vwmp resume r1 --store 'my runs'");
        assert_eq!(
            next.answers("test[3]"),
            "vwmp approve r1 'test[3]' --store 'my runs', or vwmp reject r1 'test[3]' --store 'my runs'"
        );
        assert_eq!(Next::nothing().command("resume", &[]), None);
    }
}
