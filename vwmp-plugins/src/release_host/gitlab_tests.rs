//! GitLab, as a stub that remembers.

use std::sync::Mutex;

use serde_json::{Value, json};
use vwmp_interfaces::ErrorClass;
use vwmp_testkit::{TestRun, execute};

use super::gitlab::GitLab;
use super::publish::Publish;
use crate::checksum::sha256_of;
use crate::http::stub::{Received, Reply, Stub};

/// A project with at most one release and one file.
#[derive(Default)]
struct Project {
    release: Mutex<Option<Value>>,
    sha256: Mutex<Option<String>>,
}

impl Project {
    fn answer(&self, request: &Received) -> Reply {
        let mut release = self.release.lock().unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let path = request.path.split('?').next().unwrap();
        let path = path.strip_prefix("/api/v4/projects/acme%2Fwidget").unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", "/releases/v1%2F2") => match &*release {
                Some(release) => Reply::json(200, release),
                None => Reply::json(404, &json!({ "message": "404 Not Found" })),
            },
            ("GET", "/packages") if self.sha256.lock().unwrap().is_none() => Reply::json(200, &json!([])),
            ("GET", "/packages") => {
                Reply::json(200, &json!([{ "id": 3, "name": "release", "version": "v1-2" }]))
            }
            ("GET", "/packages/3/package_files") => {
                let file = json!({ "file_name": "a.txt", "file_sha256": *self.sha256.lock().unwrap() });
                Reply::json(200, &json!([file]))
            }
            ("PUT", "/packages/generic/release/v1-2/a.txt") => {
                let file = tempfile::NamedTempFile::new().unwrap();
                std::fs::write(file.path(), &request.body).unwrap();
                *self.sha256.lock().unwrap() = sha256_of(file.path()).unwrap();
                Reply::json(201, &json!({ "message": "201 Created" }))
            }
            ("POST", "/releases") => {
                let mut new = body;
                new["_links"] = json!({ "self": "https://gitlab.com/acme/widget/-/releases/v1" });
                for link in new["assets"]["links"].as_array_mut().unwrap() {
                    link["id"] = 5.into();
                }
                *release = Some(new.clone());
                Reply::json(201, &new)
            }
            ("PUT", "/releases/v1%2F2") => {
                let release = release.as_mut().unwrap();
                release.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
                Reply::json(200, release)
            }
            _ => Reply::text(500, "the stub doesn't know this"),
        }
    }
}

#[tokio::test]
async fn files_come_first_and_nothing_is_done_twice() {
    let project = Project::default();
    let stub = Stub::start(move |request, _| project.answer(request)).await;
    let api = format!("{}/api/v4", stub.url);
    let run = TestRun::new().environment("CI_JOB_TOKEN", "hunter2").environment("CI_API_V4_URL", &api);
    let run = run.connected::<GitLab>(json!({ "project": "acme/widget" })).await.unwrap();
    run.write("a.txt", "content");
    let ctx = run.context("publish");
    let config = json!({ "tag": "v1/2", "title": "One", "notes": "Faster.", "assets": ["a.txt"] });
    let output = execute::<Publish>(config.clone(), &ctx).await.unwrap();
    let file = format!("{api}/projects/acme%2Fwidget/packages/generic/release/v1-2/a.txt");
    assert_eq!(
        output,
        json!({
            "id": "v1/2", "url": "https://gitlab.com/acme/widget/-/releases/v1", "tag": "v1/2",
            "created": true, "draft": false, "assets": [{ "name": "a.txt", "url": file, "uploaded": true }],
        })
    );
    let root = "/api/v4/projects/acme%2Fwidget";
    assert_eq!(
        stub.lines(),
        [
            format!("GET {root}/releases/v1%2F2"),
            format!("GET {root}/packages?package_type=generic&package_name=release&package_version=v1-2"),
            format!("PUT {root}/packages/generic/release/v1-2/a.txt"),
            format!("POST {root}/releases"),
        ]
    );
    assert!(stub.seen().iter().all(|request| request.headers["job-token"] == "hunter2"));

    let again = execute::<Publish>(config.clone(), &ctx).await.unwrap();
    assert_eq!((&again["created"], &again["assets"][0]["uploaded"]), (&json!(false), &json!(false)));
    assert!(stub.lines()[4..].iter().all(|line| line.starts_with("GET ")), "{:?}", stub.lines());

    let mut other = config;
    other["notes"] = "Slower.".into();
    execute::<Publish>(other, &ctx).await.unwrap();
    assert!(stub.lines().contains(&format!("PUT {root}/releases/v1%2F2")));

    let draft = json!({ "tag": "v3", "draft": true });
    let error = execute::<Publish>(draft, &ctx).await.unwrap_err();
    let said = (error.class(), error.message());
    assert_eq!(said, (ErrorClass::Invalid, "GitLab has no draft releases; remove `draft`"));
}
