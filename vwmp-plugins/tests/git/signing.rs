//! Signing as the repository is set up.

use std::process::Command;

use serde_json::{Value, json};
use vwmp_interfaces::ErrorClass;
use vwmp_plugins::git::create_tag::CreateTag;
use vwmp_testkit::execute;

use crate::repository::{Repository, check};

/// A repository that signs with an ssh key of its own.
async fn signing() -> Repository {
    let repository = Repository::new().await;
    let key = repository.run.workspace().join(".git/signing");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    for (name, value) in
        [("gpg.format", "ssh"), ("user.signingKey", key.to_str().unwrap()), ("commit.gpgSign", "true")]
    {
        repository.git(&["config", name, value]);
    }
    repository.run.write("VERSION", "1.0.1\n");
    repository.stage().await;
    repository
}

#[tokio::test]
async fn commits_and_tags_are_signed_where_the_repository_says_so() {
    let repository = signing().await;
    repository.commit("signed").await.unwrap();
    assert!(repository.git(&["cat-file", "commit", "HEAD"]).contains("gpgsig -----BEGIN SSH SIGNATURE-----"));

    let is_signed = |tag: &str| repository.git(&["cat-file", "-p", tag]).contains("BEGIN SSH SIGNATURE");
    let tag = async |config: Value| execute::<CreateTag>(config, &repository.ctx()).await.unwrap();
    tag(json!({ "name": "v1", "message": "m" })).await;
    assert!(!is_signed("v1"));
    tag(json!({ "name": "v2", "message": "m", "sign": true })).await;
    assert!(is_signed("v2"));
    repository.git(&["config", "tag.gpgSign", "true"]);
    tag(json!({ "name": "v3", "message": "m" })).await;
    assert!(is_signed("v3"));
    tag(json!({ "name": "v4", "message": "m", "sign": false })).await;
    assert!(!is_signed("v4"));
    tag(json!({ "name": "v5" })).await;
    assert_eq!(repository.git(&["cat-file", "-t", "v5"]), "commit");
}

#[tokio::test]
async fn signing_that_fails_makes_nothing() {
    let repository = signing().await;
    let head = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["config", "user.signingKey", "/no/such/key"]);
    check(
        &repository.commit("x").await.unwrap_err(),
        ErrorClass::Permanent,
        "git can't commit: signing failed",
    );
    let tag = json!({ "name": "v1", "message": "m", "sign": true });
    check(
        &execute::<CreateTag>(tag, &repository.ctx()).await.unwrap_err(),
        ErrorClass::Permanent,
        "git can't create the tag `v1`: signing failed",
    );
    assert_eq!(repository.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(repository.git(&["tag"]), "");
}
