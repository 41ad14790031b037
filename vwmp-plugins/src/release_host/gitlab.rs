//! The adapter `gitlab`.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use vwmp_interfaces::capability::{AssetFile, HostedAsset, HostedRelease, ReleaseHost, ReleaseRequest};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, IntegrationAdapter, Metadata, Secret, StepError,
    register,
};

use super::project::{Project, encoded, from_environment};

/// Releases of a GitLab project. Serves `ReleaseHost`.
///
/// Files go into the project's generic packages, and the release links to them; it appears when they are there. GitLab
/// knows neither drafts nor prereleases: a draft is refused, a prerelease is a release like any other. In GitLab CI nothing
/// has to be set: the address, the project and the token come from `CI_API_V4_URL`, `CI_PROJECT_ID` and `CI_JOB_TOKEN`.
///
/// ```yaml
/// integration_adapters:
///   gitlab:
///     config: { project: acme/widget }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitLabConfig {
    /// The project, by its path or number; `CI_PROJECT_ID` of the environment where this isn't given.
    #[serde(default)]
    project: Option<String>,
    /// The token; `GITLAB_TOKEN` or `CI_JOB_TOKEN` of the environment where this isn't given.
    #[serde(default)]
    token: Option<Secret>,
    /// The address of the API; `CI_API_V4_URL` of the environment, or else that of gitlab.com, where this isn't given.
    #[serde(default)]
    api_url: Option<String>,
    /// The name of the package that files go into.
    #[serde(default = "package")]
    package: String,
}

/// A project.
pub struct GitLab {
    project: Project,
    /// What every path begins with.
    root: String,
    package: String,
    api: String,
}

/// A release as the API has it.
#[derive(Debug, Deserialize)]
struct Release {
    tag_name: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(default)]
    assets: Assets,
    #[serde(rename = "_links", default)]
    links: Pages,
}

#[derive(Debug, Default, Deserialize)]
struct Assets {
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Debug, Default, Deserialize)]
struct Pages {
    #[serde(rename = "self")]
    own: Option<String>,
}

/// A file as a release links to it.
#[derive(Debug, Deserialize)]
struct Link {
    id: u64,
    name: String,
    url: String,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: u64,
    name: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct PackageFile {
    file_name: String,
    file_sha256: Option<String>,
}

fn package() -> String {
    "release".to_owned()
}

impl IntegrationAdapter for GitLab {
    const NAME: &'static str = "gitlab";
    type Config = GitLabConfig;

    async fn connect(config: GitLabConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let name = config.project.or_else(|| from_environment(ctx, &["CI_PROJECT_ID"]));
        let name = name.ok_or_else(|| {
            StepError::invalid("the adapter gitlab has no project; set `project: group/name`")
        })?;
        let api = config.api_url.or_else(|| from_environment(ctx, &["CI_API_V4_URL"]));
        let api = api.unwrap_or_else(|| "https://gitlab.com/api/v4".to_owned());
        let own = config.token.or_else(|| from_environment(ctx, &["GITLAB_TOKEN"]).map(Secret::new));
        let job = || {
            from_environment(ctx, &["CI_JOB_TOKEN"]).map(|token| ("job-token".to_owned(), Secret::new(token)))
        };
        let token = own.map(|token| ("private-token".to_owned(), token)).or_else(job);
        let headers = [("accept".to_owned(), "application/json".to_owned())];
        let project = Project::new(&name, &api, headers.into(), token.into_iter().collect(), ctx)?;
        let root = format!("projects/{}", encoded(&name));
        Ok(Self { project, root, package: config.package, api: api.trim_end_matches('/').to_owned() })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn ReleaseHost>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn ReleaseHost>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "GitLab", category: "Release Host", icon: "◈" }
    }
}

register!(adapter GitLab);

impl ReleaseHost for GitLab {
    fn project(&self) -> &str {
        &self.project.name
    }

    fn find<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<HostedRelease>, StepError>> {
        Box::pin(async move { Ok(self.release(tag).await?.map(|release| release.hosted(false, &[]))) })
    }

    fn publish<'a>(&'a self, request: &'a ReleaseRequest) -> BoxFuture<'a, Result<HostedRelease, StepError>> {
        Box::pin(async move {
            if request.draft {
                return Err(StepError::invalid("GitLab has no draft releases; remove `draft`"));
            }
            let found = self.release(&request.tag).await?;
            let uploaded = self.upload_missing(request).await?;
            let Some(release) = found else {
                let release: Release = self
                    .project
                    .send("POST", &format!("{}/releases", self.root), &self.creation(request))
                    .await?;
                return Ok(release.hosted(true, &uploaded));
            };
            self.describe(&release, request).await?;
            for file in &request.assets {
                self.link(&release, request, file).await?;
            }
            let release = self.release(&request.tag).await?.unwrap_or(release);
            Ok(release.hosted(false, &uploaded))
        })
    }
}

impl GitLab {
    async fn release(&self, tag: &str) -> Result<Option<Release>, StepError> {
        self.project.get(&self.release_path(tag)).await
    }

    fn release_path(&self, tag: &str) -> String {
        format!("{}/releases/{}", self.root, encoded(tag))
    }

    /// Uploads the files that the package doesn't have; returns their names.
    async fn upload_missing<'r>(&self, request: &'r ReleaseRequest) -> Result<Vec<&'r str>, StepError> {
        let there = if request.assets.is_empty() { BTreeMap::new() } else { self.packaged(request).await? };
        let mut uploaded = Vec::new();
        for file in request.assets.iter().filter(|file| there.get(&file.name) != Some(&file.sha256)) {
            self.project.upload::<Value>("PUT", &self.file_url(request, file), Vec::new(), file).await?;
            uploaded.push(file.name.as_str());
        }
        Ok(uploaded)
    }

    /// The SHA-256 of the files in the package, by name. The newest of a name counts.
    async fn packaged(&self, request: &ReleaseRequest) -> Result<BTreeMap<String, String>, StepError> {
        let (root, version) = (&self.root, version(&request.tag));
        let path = format!(
            "{root}/packages?package_type=generic&package_name={}&package_version={}",
            encoded(&self.package),
            encoded(&version)
        );
        let packages: Vec<Package> = self.project.get(&path).await?.unwrap_or_default();
        let ours = packages.iter().find(|one| one.name == self.package && one.version == version);
        let Some(ours) = ours else { return Ok(BTreeMap::new()) };
        let path = format!("{root}/packages/{}/package_files?per_page=100", ours.id);
        let files: Vec<PackageFile> = self.project.get(&path).await?.unwrap_or_default();
        Ok(files.into_iter().map(|file| (file.file_name, file.file_sha256.unwrap_or_default())).collect())
    }

    fn file_url(&self, request: &ReleaseRequest, file: &AssetFile) -> String {
        let (package, version) = (encoded(&self.package), encoded(&version(&request.tag)));
        format!("{}/{}/packages/generic/{package}/{version}/{}", self.api, self.root, encoded(&file.name))
    }

    fn creation(&self, request: &ReleaseRequest) -> Value {
        let link = |file: &AssetFile| self.link_to(request, file);
        let mut body = json!({
            "tag_name": request.tag,
            "name": request.title,
            "description": request.notes,
            "assets": { "links": request.assets.iter().map(link).collect::<Vec<_>>() },
        });
        if let Some(target) = &request.target {
            body["ref"] = target.clone().into();
        }
        body
    }

    fn link_to(&self, request: &ReleaseRequest, file: &AssetFile) -> Value {
        json!({ "name": file.name, "url": self.file_url(request, file), "link_type": "package" })
    }

    async fn describe(&self, release: &Release, request: &ReleaseRequest) -> Result<(), StepError> {
        let same = release.name.as_deref() == Some(&request.title)
            && release.description.as_deref().unwrap_or_default() == request.notes;
        if same {
            return Ok(());
        }
        let body = json!({ "name": request.title, "description": request.notes });
        self.project.send::<Value>("PUT", &self.release_path(&request.tag), &body).await.map(drop)
    }

    /// Sees to it that the release links to a file.
    async fn link(
        &self,
        release: &Release,
        request: &ReleaseRequest,
        file: &AssetFile,
    ) -> Result<(), StepError> {
        let links = format!("{}/assets/links", self.release_path(&request.tag));
        let (method, path) = match release.assets.links.iter().find(|link| link.name == file.name) {
            Some(there) if there.url == self.file_url(request, file) => return Ok(()),
            Some(there) => ("PUT", format!("{links}/{}", there.id)),
            None => ("POST", links),
        };
        self.project.send::<Value>(method, &path, &self.link_to(request, file)).await.map(drop)
    }
}

impl Release {
    fn hosted(self, created: bool, uploaded: &[&str]) -> HostedRelease {
        let asset = |link: Link| HostedAsset {
            uploaded: uploaded.contains(&link.name.as_str()),
            name: link.name,
            url: link.url,
        };
        HostedRelease {
            url: self.links.own.unwrap_or_default(),
            id: self.tag_name,
            draft: false,
            created,
            assets: self.assets.links.into_iter().map(asset).collect(),
        }
    }
}

/// A tag as a version of a package, in which fewer characters are allowed.
fn version(tag: &str) -> String {
    tag.chars().map(|c| if c.is_ascii_alphanumeric() || "._-+".contains(c) { c } else { '-' }).collect()
}
