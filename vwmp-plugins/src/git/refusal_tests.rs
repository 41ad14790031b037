//! Git's words and what they mean.

use vwmp_interfaces::ErrorClass;

use super::*;

#[test]
fn local_refusals() {
    for (said, class, message) in [
        (
            "*** Please tell me who you are.\nfatal: empty ident name (for <>) not allowed",
            ErrorClass::Invalid,
            "git can't commit without knowing who you are; run `git config user.name \"Your Name\"` and \
             `git config user.email you@example.com`",
        ),
        (
            "fatal: Unable to create '/r/.git/index.lock': File exists.",
            ErrorClass::Transient,
            "git can't commit while another git process works in this repository; if there is none, remove \
             the lock file it names",
        ),
        ("error: gpg failed to sign the data", ErrorClass::Permanent, "git can't commit: signing failed"),
        (
            "error: Committing is not possible because you have unmerged files.",
            ErrorClass::Permanent,
            "git can't commit while a merge has unresolved conflicts",
        ),
        ("fatal: something new", ErrorClass::Permanent, "git can't commit"),
    ] {
        let error = meaning("commit", said);
        assert_eq!((error.class(), error.message()), (class, message));
    }
}

#[test]
fn remote_refusals() {
    for (said, class, message) in [
        (
            "fatal: '/gone.git' does not appear to be a git repository",
            ErrorClass::Invalid,
            "can't push to origin: there is no such repository",
        ),
        (
            "git@host: Permission denied (publickey).",
            ErrorClass::Denied,
            "can't push to origin: the remote doesn't let this user in",
        ),
        (
            "fatal: unable to access 'http://x/': Could not resolve host: x",
            ErrorClass::Transient,
            "can't push to origin: the remote can't be reached",
        ),
        (
            "fatal: unable to access 'http://x/': The requested URL returned error: 503",
            ErrorClass::Transient,
            "can't push to origin: the remote can't be reached",
        ),
        (
            "fatal: the receiving end does not support --atomic push",
            ErrorClass::Permanent,
            "can't push to origin: the remote can't take all refs or none (--atomic)",
        ),
    ] {
        let error = remote_meaning("push to origin", said);
        assert_eq!((error.class(), error.message()), (class, message), "{said}");
    }
}

#[test]
fn rejected_refs() {
    for (porcelain, class, message) in [
        (
            "To /r.git\n!\trefs/heads/main:refs/heads/main\t[rejected] (fetch first)\n\
             !\trefs/tags/v1:refs/tags/v1\t[rejected] (atomic push failed)\nDone\n",
            ErrorClass::Permanent,
            "can't push to origin: rejected refs/heads/main (fetch first); it has commits that are missing \
             here: pull or rebase first",
        ),
        (
            "!\trefs/tags/v1:refs/tags/v1\t[rejected] (already exists)\n",
            ErrorClass::Permanent,
            "can't push to origin: rejected refs/tags/v1 (already exists); it has another tag of that name",
        ),
        (
            "!\trefs/heads/main:refs/heads/main\t[remote rejected] (pre-receive hook declined)\n",
            ErrorClass::Permanent,
            "can't push to origin: rejected refs/heads/main (pre-receive hook declined)",
        ),
        (
            "!\trefs/heads/main:refs/heads/main\t[remote failure] (remote failed to report status)\n",
            ErrorClass::Transient,
            "can't push to origin: the connection broke before the answer",
        ),
    ] {
        let error = rejection("push to origin", &rejections(porcelain));
        assert_eq!((error.class(), error.message()), (class, message));
    }
}
