//! GitHub, as a stub that remembers.

use std::sync::Mutex;

use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass};
use vwmp_testkit::{TestRun, execute, preview};

use super::github::GitHub;
use super::publish::Publish;
use crate::http::stub::{Received, Reply, Stub};

/// One repository with at most one release.
#[derive(Default)]
struct Repository(Mutex<Option<Value>>);

impl Repository {
    fn answer(&self, request: &Received) -> Reply {
        let mut release = self.0.lock().unwrap();
        let base = format!("http://{}", request.headers["host"]);
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        match (request.method.as_str(), path.strip_prefix("/repos/acme/widget").unwrap_or_default()) {
            ("GET", "/releases/tags/v1.2.3") => match &*release {
                Some(release) if release["draft"] == false => Reply::json(200, release),
                _ => Reply::json(404, &json!({ "message": "Not Found" })),
            },
            ("GET", "/releases") => Reply::json(200, &json!(release.iter().collect::<Vec<_>>())),
            ("GET", "/releases/7") => Reply::json(200, release.as_ref().unwrap()),
            ("POST", "/releases") => {
                let mut new = json!({
                    "id": 7, "html_url": "https://github.com/acme/widget/releases/v1.2.3", "assets": [],
                    "upload_url": format!("{base}/repos/acme/widget/uploads/7/assets{{?name,label}}"),
                });
                new.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
                *release = Some(new.clone());
                Reply::json(201, &new)
            }
            ("PATCH", "/releases/7") => {
                let release = release.as_mut().unwrap();
                release.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
                Reply::json(200, release)
            }
            ("POST", "/uploads/7/assets") => {
                let name = query.strip_prefix("name=").unwrap();
                let asset = json!({
                    "id": 9, "name": name, "size": request.body.len(), "state": "uploaded", "digest": null,
                    "browser_download_url": format!("https://github.com/{name}"),
                });
                release.as_mut().unwrap()["assets"].as_array_mut().unwrap().push(asset.clone());
                Reply::json(201, &asset)
            }
            ("DELETE", "/releases/assets/9") => {
                release.as_mut().unwrap()["assets"].as_array_mut().unwrap().clear();
                Reply::text(204, "")
            }
            _ => Reply::text(500, "the stub doesn't know this"),
        }
    }
}

async fn run(stub: &Stub) -> TestRun {
    let config = json!({ "repository": "acme/widget", "token": "hunter2", "api_url": stub.url });
    TestRun::new().connected::<GitHub>(config).await.unwrap()
}

fn config() -> Value {
    json!({ "tag": "v1.2.3", "notes_file": "notes.md", "assets": ["dist/*.tar.*"], "prerelease": true })
}

#[tokio::test]
async fn a_release_appears_when_its_files_are_there_and_is_kept_the_second_time() {
    let repository = Repository::default();
    let stub = Stub::start(move |request, _| repository.answer(request)).await;
    let run = run(&stub).await;
    run.write("notes.md", "Faster.").write("dist/a.tar.gz", "archive").write("dist/b.txt", "no");
    let ctx = run.context("publish");
    let shown = preview::<Publish>(config(), &ctx).await.unwrap();
    let description =
        "create the release v1.2.3 of acme/widget on 127.0.0.1 with the file a.tar.gz".to_owned();
    assert_eq!(shown.changes, [Change::Action { description }]);
    assert!(stub.seen().iter().all(|request| request.method == "GET"), "the preview changed something");

    let read = stub.seen().len();
    let output = execute::<Publish>(config(), &ctx).await.unwrap();
    assert_eq!(
        output,
        json!({
            "id": "7", "url": "https://github.com/acme/widget/releases/v1.2.3", "tag": "v1.2.3",
            "created": true, "draft": false,
            "assets": [{ "name": "a.tar.gz", "url": "https://github.com/a.tar.gz", "uploaded": true }],
        })
    );
    assert_eq!(
        stub.lines()[read + 2..],
        [
            "POST /repos/acme/widget/releases",
            "POST /repos/acme/widget/uploads/7/assets?name=a.tar.gz",
            "PATCH /repos/acme/widget/releases/7",
        ]
    );
    let created: Value = serde_json::from_slice(&stub.seen()[read + 2].body).unwrap();
    assert_eq!(
        created,
        json!({ "name": "v1.2.3", "body": "Faster.", "prerelease": true, "tag_name": "v1.2.3", "draft": true })
    );
    assert!(stub.seen().iter().all(|request| request.headers["authorization"] == "Bearer hunter2"));

    let before = stub.seen().len();
    let again = execute::<Publish>(config(), &ctx).await.unwrap();
    assert_eq!((&again["created"], &again["assets"][0]["uploaded"]), (&json!(false), &json!(false)));
    assert_eq!(stub.lines()[before..], ["GET /repos/acme/widget/releases/tags/v1.2.3"]);

    run.write("dist/a.tar.gz", "another archive").write("notes.md", "Faster, really.");
    let before = stub.seen().len();
    execute::<Publish>(config(), &ctx).await.unwrap();
    assert_eq!(
        stub.lines()[before..],
        [
            "GET /repos/acme/widget/releases/tags/v1.2.3",
            "PATCH /repos/acme/widget/releases/7",
            "DELETE /repos/acme/widget/releases/assets/9",
            "POST /repos/acme/widget/uploads/7/assets?name=a.tar.gz",
            "GET /repos/acme/widget/releases/7",
        ]
    );
    let mut fails = config();
    fails["existing"] = "fail".into();
    let error = execute::<Publish>(fails, &ctx).await.unwrap_err();
    assert_eq!(
        error.message(),
        "acme/widget on 127.0.0.1 has a release of v1.2.3 already: https://github.com/acme/widget/releases/v1.2.3; \
         choose another tag, or write `existing: update`"
    );
}

#[tokio::test]
async fn a_draft_stays_one_until_it_is_published() {
    let repository = Repository::default();
    let stub = Stub::start(move |request, _| repository.answer(request)).await;
    let run = run(&stub).await;
    let ctx = run.context("publish");
    let draft = json!({ "tag": "v1.2.3", "draft": true });
    assert_eq!(execute::<Publish>(draft.clone(), &ctx).await.unwrap()["draft"], true);
    let again = execute::<Publish>(draft, &ctx).await.unwrap();
    assert_eq!((&again["created"], &again["draft"]), (&json!(false), &json!(true)));
    assert_eq!(execute::<Publish>(json!({ "tag": "v1.2.3" }), &ctx).await.unwrap()["draft"], false);
    let created = stub.lines().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(created, 1);
}

#[tokio::test]
async fn the_hosts_own_word_on_when_to_come_back_is_passed_on() {
    let stub = Stub::start(|request, _| match request.headers.get("authorization").map(String::as_str) {
        Some("Bearer busy") => Reply::text(403, "API rate limit exceeded")
            .with("date", "Fri, 02 Jan 2026 03:04:05 GMT")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "1767323165"),
        Some("Bearer wrong") => Reply::text(401, "Bad credentials"),
        _ => Reply::text(404, "Not Found"),
    })
    .await;
    for (token, class, delay, message) in [
        (
            "busy",
            ErrorClass::Transient,
            Some(120),
            "GET http://stub/repos/acme/widget/releases/tags/v1 answered 403 Forbidden; it asks to try again after 120s",
        ),
        ("wrong", ErrorClass::Denied, None, "acme/widget on 127.0.0.1 doesn't accept the token"),
        (
            "other",
            ErrorClass::Denied,
            None,
            "acme/widget on 127.0.0.1 isn't there, or the token may not see it",
        ),
    ] {
        let config = json!({ "repository": "acme/widget", "token": token, "api_url": stub.url });
        let run = TestRun::new().connected::<GitHub>(config).await.unwrap();
        let error = execute::<Publish>(json!({ "tag": "v1" }), &run.context("publish")).await.unwrap_err();
        assert_eq!(
            (error.class(), error.message().replace(&stub.url, "http://stub").as_str()),
            (class, message)
        );
        assert_eq!(error.requested_delay().map(|delay| delay.as_secs()), delay);
    }
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let stub = Stub::start(|_, _| Reply::text(404, "")).await;
    let run = run(&stub).await;
    for (config, message) in [
        (json!({ "tag": "v1", "notes_file": "no.md" }), "can't read the notes in `no.md`"),
        (json!({ "tag": "v1", "assets": ["dist/*"] }), "there is no file `dist/*` to attach"),
        (
            json!({ "tag": "v1", "notes": "", "notes_file": "no.md" }),
            "config of release_host.publish: both `notes` and `notes_file` are given; remove one",
        ),
    ] {
        let error = execute::<Publish>(config, &run.context("publish")).await.unwrap_err();
        assert_eq!(error.message(), message);
    }
    assert!(stub.seen().is_empty());
    let error = TestRun::new().connected::<GitHub>(json!({})).await.err().unwrap();
    assert_eq!(error.message(), "the adapter github has no repository; set `repository: owner/name`");
}
