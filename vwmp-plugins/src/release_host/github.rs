//! The adapter `github`.

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

/// How many pages of a hundred releases are searched for a draft.
const PAGES: u32 = 5;

/// Releases of a GitHub repository, or of a server with the same API. Serves `ReleaseHost`.
///
/// A release is a draft until all its files are there, so that nobody sees half of one. In GitHub Actions nothing has to
/// be set: the address, the repository and the token come from `GITHUB_API_URL`, `GITHUB_REPOSITORY` and `GITHUB_TOKEN`.
///
/// ```yaml
/// integration_adapters:
///   github:
///     config: { repository: acme/widget }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitHubConfig {
    /// The repository, as `owner/name`; `GITHUB_REPOSITORY` of the environment where this isn't given.
    #[serde(default)]
    #[schemars(regex(pattern = "^[^/]+/[^/]+$"))]
    repository: Option<String>,
    /// The token; `GITHUB_TOKEN` or `GH_TOKEN` of the environment where this isn't given.
    #[serde(default)]
    token: Option<Secret>,
    /// The address of the API; `GITHUB_API_URL` of the environment, or else that of github.com, where this isn't given.
    #[serde(default)]
    api_url: Option<String>,
}

/// A repository.
pub struct GitHub {
    project: Project,
    /// What every path begins with.
    root: String,
}

/// A release as the API has it.
#[derive(Debug, Deserialize)]
struct Release {
    id: u64,
    html_url: String,
    upload_url: String,
    tag_name: String,
    name: Option<String>,
    body: Option<String>,
    draft: bool,
    prerelease: bool,
    #[serde(default)]
    assets: Vec<Asset>,
}

/// A file as the API has it.
#[derive(Debug, Deserialize)]
struct Asset {
    id: u64,
    name: String,
    size: u64,
    state: String,
    digest: Option<String>,
    browser_download_url: String,
}

impl IntegrationAdapter for GitHub {
    const NAME: &'static str = "github";
    type Config = GitHubConfig;

    async fn connect(config: GitHubConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let repository = config.repository.or_else(|| from_environment(ctx, &["GITHUB_REPOSITORY"]));
        let repository = repository.ok_or_else(|| {
            StepError::invalid("the adapter github has no repository; set `repository: owner/name`")
        })?;
        let token =
            config.token.or_else(|| from_environment(ctx, &["GITHUB_TOKEN", "GH_TOKEN"]).map(Secret::new));
        let api = config.api_url.or_else(|| from_environment(ctx, &["GITHUB_API_URL"]));
        let api = api.unwrap_or_else(|| "https://api.github.com".to_owned());
        let headers = [
            ("accept".to_owned(), "application/vnd.github+json".to_owned()),
            ("x-github-api-version".to_owned(), "2022-11-28".to_owned()),
        ];
        let authorization = token
            .map(|token| ("authorization".to_owned(), Secret::new(format!("Bearer {}", token.reveal()))));
        let project =
            Project::new(&repository, &api, headers.into(), authorization.into_iter().collect(), ctx)?;
        Ok(Self { project, root: format!("repos/{repository}") })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn ReleaseHost>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn ReleaseHost>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "GitHub", category: "Release Host", icon: "◉" }
    }
}

register!(adapter GitHub);

impl ReleaseHost for GitHub {
    fn project(&self) -> &str {
        &self.project.name
    }

    fn find<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<HostedRelease>, StepError>> {
        Box::pin(async move { Ok(self.release(tag).await?.map(|release| release.hosted(false, &[]))) })
    }

    fn publish<'a>(&'a self, request: &'a ReleaseRequest) -> BoxFuture<'a, Result<HostedRelease, StepError>> {
        Box::pin(async move {
            let found = self.release(&request.tag).await?;
            let created = found.is_none();
            let release = match found {
                Some(release) => self.described(release, request).await?,
                None => self.create(request).await?,
            };
            let mut uploaded = Vec::new();
            for file in &request.assets {
                if self.attach(&release, file).await? {
                    uploaded.push(file.name.as_str());
                }
            }
            let release = self.shown(release, request, !uploaded.is_empty()).await?;
            Ok(release.hosted(created, &uploaded))
        })
    }
}

impl GitHub {
    /// The release of a tag. A draft has none yet, and must be searched for.
    async fn release(&self, tag: &str) -> Result<Option<Release>, StepError> {
        let root = &self.root;
        if let Some(release) = self.project.get(&format!("{root}/releases/tags/{}", encoded(tag))).await? {
            return Ok(Some(release));
        }
        for page in 1..=PAGES {
            let path = format!("{root}/releases?per_page=100&page={page}");
            let Some(releases) = self.project.get::<Vec<Release>>(&path).await? else {
                let message = format!("{} isn't there, or the token may not see it", self.project.name);
                return Err(StepError::denied(message));
            };
            let last = releases.len() < 100;
            let draft = releases.into_iter().find(|release| release.draft && release.tag_name == tag);
            if draft.is_some() || last {
                return Ok(draft);
            }
        }
        Ok(None)
    }

    async fn create(&self, request: &ReleaseRequest) -> Result<Release, StepError> {
        let mut body = description(request);
        body["tag_name"] = request.tag.clone().into();
        body["draft"] = (request.draft || !request.assets.is_empty()).into();
        if let Some(target) = &request.target {
            body["target_commitish"] = target.clone().into();
        }
        self.project.send("POST", &format!("{}/releases", self.root), &body).await
    }

    /// The release with the title and the notes of the request.
    async fn described(&self, release: Release, request: &ReleaseRequest) -> Result<Release, StepError> {
        let same = release.name.as_deref() == Some(&request.title)
            && release.body.as_deref().unwrap_or_default().replace("\r\n", "\n") == request.notes
            && release.prerelease == request.prerelease;
        if same { Ok(release) } else { self.change(&release, &description(request)).await }
    }

    /// The release as the users see it at the end. One that they see already isn't hidden again.
    async fn shown(
        &self,
        release: Release,
        request: &ReleaseRequest,
        uploaded: bool,
    ) -> Result<Release, StepError> {
        if release.draft && !request.draft {
            return self.change(&release, &json!({ "draft": false })).await;
        }
        if !uploaded {
            return Ok(release);
        }
        let path = format!("{}/releases/{}", self.root, release.id);
        Ok(self.project.get(&path).await?.unwrap_or(release))
    }

    async fn change(&self, release: &Release, body: &Value) -> Result<Release, StepError> {
        self.project.send("PATCH", &format!("{}/releases/{}", self.root, release.id), body).await
    }

    /// Whether a file had to be uploaded. Another one of its name is replaced.
    async fn attach(&self, release: &Release, file: &AssetFile) -> Result<bool, StepError> {
        if let Some(there) = release.assets.iter().find(|asset| asset.name == file.name) {
            if there.is(file) {
                return Ok(false);
            }
            self.project.delete(&format!("{}/releases/assets/{}", self.root, there.id)).await?;
        }
        // The address ends in a template: `…/assets{?name,label}`.
        let url = release.upload_url.split('{').next().unwrap_or_default();
        let query = vec![("name".to_owned(), file.name.clone())];
        self.project.upload::<Value>("POST", url, query, file).await?;
        Ok(true)
    }
}

impl Asset {
    /// Whether it is a file, as far as the host can tell.
    fn is(&self, file: &AssetFile) -> bool {
        let same = self.digest.as_deref().is_none_or(|digest| digest == format!("sha256:{}", file.sha256));
        self.state == "uploaded" && self.size == file.size && same
    }
}

impl Release {
    fn hosted(self, created: bool, uploaded: &[&str]) -> HostedRelease {
        let asset = |asset: Asset| HostedAsset {
            uploaded: uploaded.contains(&asset.name.as_str()),
            name: asset.name,
            url: asset.browser_download_url,
        };
        HostedRelease {
            id: self.id.to_string(),
            url: self.html_url,
            draft: self.draft,
            created,
            assets: self.assets.into_iter().map(asset).collect(),
        }
    }
}

fn description(request: &ReleaseRequest) -> Value {
    json!({ "name": request.title, "body": request.notes, "prerelease": request.prerelease })
}
