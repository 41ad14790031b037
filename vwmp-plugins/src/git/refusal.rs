//! What git's refusals mean. Its messages are stable English under `LC_ALL=C`.

use std::path::Path;

use vwmp_interfaces::StepError;

use super::process::Output;

/// Where a repository can't be opened.
pub(super) fn refused_repository(folder: &Path, output: &Output) -> StepError {
    let (said, at) = (output.complaint(), folder.display());
    let error = if said.contains("not a git repository") {
        StepError::invalid(format!(
            "there is no git repository at {at}; run `git init` there, or set `path` in the adapter's config"
        ))
    } else if said.contains("must be run in a work tree") {
        StepError::invalid(format!("the repository at {at} is bare; a step needs one with files"))
    } else if said.contains("dubious ownership") {
        StepError::denied(format!(
            "git doesn't trust the repository at {at}, which belongs to somebody else; run \
             `git config --global --add safe.directory {at}`"
        ))
    } else {
        StepError::permanent(format!("can't open the git repository at {at}"))
    };
    error.caused_by(output.last_words())
}

/// Where something else has to be finished first. `what` is like `commit`.
pub(super) fn unfinished_refused(what: &str, unfinished: &str) -> StepError {
    StepError::permanent(format!(
        "won't {what} while a {unfinished} is in progress; finish it, or give it up with `git {unfinished} --abort`"
    ))
}

/// Where git refuses to do something in the repository. `what` is like `commit`.
pub(super) fn refused(what: &str, output: &Output) -> StepError {
    meaning(what, &output.complaint()).caused_by(output.last_words())
}

fn meaning(what: &str, said: &str) -> StepError {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["tell me who you are", "empty ident name", "auto-detect email address", "no email was given"]) {
        return StepError::invalid(format!(
            "git can't {what} without knowing who you are; run `git config user.name \"Your Name\"` and \
             `git config user.email you@example.com`"
        ));
    }
    if has(&[".lock': File exists"]) {
        return StepError::transient(format!(
            "git can't {what} while another git process works in this repository; if there is none, remove \
             the lock file it names"
        ));
    }
    if has(&[
        "failed to sign",
        "gpg failed",
        "unable to sign",
        "load public key",
        "Load key",
        "user.signingKey needs",
    ]) {
        return StepError::permanent(format!("git can't {what}: signing failed"));
    }
    if has(&["would be overwritten by", "local changes to the following files"]) {
        return StepError::permanent(format!(
            "git can't {what}: changes that aren't committed would be lost; commit or stash them first"
        ));
    }
    if has(&["already used by worktree", "already checked out at", "used by worktree at"]) {
        return StepError::permanent(format!("git can't {what}: another worktree uses that branch"));
    }
    if has(&["did not match any file"]) {
        return StepError::permanent(format!("git can't {what}: there is no such path"));
    }
    if has(&["paths are ignored by one of your .gitignore"]) {
        return StepError::permanent(format!("git can't {what}: a path is ignored by a `.gitignore`"));
    }
    if has(&["No space left on device", "Disk quota exceeded"]) {
        return StepError::permanent(format!("git can't {what}: the disk is full"));
    }
    if has(&["unmerged files", "unmerged (", "unresolved conflict"]) {
        return StepError::permanent(format!("git can't {what} while a merge has unresolved conflicts"));
    }
    StepError::permanent(format!("git can't {what}"))
}

/// Where a remote, or the way to it, refuses. `what` is like `push to origin`.
pub(super) fn refused_by_remote(what: &str, output: &Output) -> StepError {
    let said = output.complaint();
    match rejections(&output.text()).as_slice() {
        [] if output.lost_its_peer() => unreachable_remote(what),
        [] => remote_meaning(what, &said),
        rejected => rejection(what, rejected),
    }
    .caused_by(output.last_words())
}

/// One `!` line of `git push --porcelain`.
#[derive(Debug, PartialEq, Eq)]
struct Rejected {
    name: String,
    reason: String,
}

fn rejections(porcelain: &str) -> Vec<Rejected> {
    let all = porcelain.lines().filter_map(|line| {
        let (refs, summary) = line.strip_prefix("!\t")?.split_once('\t')?;
        let name = refs.split_once(':').map_or(refs, |(_, to)| to).to_owned();
        let reason = summary.split_once('(').map_or(summary, |(_, rest)| rest.trim_end_matches(')'));
        Some(Rejected { name, reason: reason.to_owned() })
    });
    let (others, own): (Vec<_>, Vec<_>) = all.partition(|one| one.reason.contains("atomic"));
    if own.is_empty() { others } else { own }
}

fn rejection(what: &str, rejected: &[Rejected]) -> StepError {
    let list: Vec<String> = rejected.iter().map(|one| format!("{} ({})", one.name, one.reason)).collect();
    let has = |reason: &str| rejected.iter().any(|one| one.reason.contains(reason));
    if has("failed to report status") {
        return StepError::transient(format!("can't {what}: the connection broke before the answer"));
    }
    let help = if has("fetch first") || has("non-fast-forward") {
        "; it has commits that are missing here: pull or rebase first"
    } else if has("already exists") {
        "; it has another tag of that name"
    } else {
        ""
    };
    StepError::permanent(format!("can't {what}: rejected {}{help}", list.join(" and ")))
}

fn remote_meaning(what: &str, said: &str) -> StepError {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if let Some(name) = said.lines().find_map(missing_branch) {
        return StepError::permanent(format!("can't {what}: it has no branch or tag `{name}`"));
    }
    if has(&GONE) {
        return StepError::invalid(format!("can't {what}: there is no such repository"));
    }
    if has(&DENIED) {
        return StepError::denied(format!("can't {what}: the remote doesn't let this user in"));
    }
    if has(&NETWORK) {
        return unreachable_remote(what);
    }
    if has(&["does not support --atomic"]) {
        return StepError::permanent(format!(
            "can't {what}: the remote can't take all refs or none (--atomic)"
        ));
    }
    StepError::permanent(format!("can't {what}"))
}

fn unreachable_remote(what: &str) -> StepError {
    StepError::transient(format!("can't {what}: the remote can't be reached"))
}

/// `fatal: Remote branch NAME not found in upstream origin`.
fn missing_branch(line: &str) -> Option<&str> {
    line.strip_prefix("fatal: Remote branch ")?.split_once(" not found in upstream").map(|(name, _)| name)
}

const GONE: [&str; 5] = [
    "does not appear to be a git repository",
    "does not exist",
    "Repository not found",
    "repository not found",
    "' not found",
];

const DENIED: [&str; 7] = [
    "Authentication failed",
    "Permission denied",
    "could not read Username",
    "could not read Password",
    "Host key verification failed",
    "error: 403",
    "error: 401",
];

const NETWORK: [&str; 16] = [
    "Could not resolve host",
    "Temporary failure in name resolution",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Connection closed",
    "Operation timed out",
    "Network is unreachable",
    "No route to host",
    "Couldn't connect to server",
    "Failed to connect",
    "unable to connect",
    "hung up unexpectedly",
    "early EOF",
    "RPC failed",
    "error: 50",
];

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
