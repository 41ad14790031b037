//! Composite handlers of the plugin directories that the config files name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vwmp_core::config::{ConfigFile, Discovery};
use vwmp_core::diagnostic::{Diagnostic, Diagnostics};
use vwmp_core::document::{Document, NodeRef};
use vwmp_core::registry::Registry;
use vwmp_core::workflow::{Settings, add_composites, composite_name};

use crate::failure::Failure;
use crate::input::files;

/// Adds the composite handlers that the config files lead to; `workspace` is where the paths of its config start.
pub(crate) fn discover(
    registry: &mut Registry,
    settings: &Settings,
    workspace: &Path,
) -> Result<(), Failure> {
    let mut found = Diagnostics::default();
    let mut texts: Vec<Arc<Document>> = Vec::new();
    let of_user = settings.user_config.as_ref().map(|file| (file, beside(file)));
    for (file, base) in
        settings.workspace_config.as_ref().map(|file| (file, workspace)).into_iter().chain(of_user)
    {
        for document in of_file(file, base, &mut found) {
            let asked_for = || composite_name(&document).is_none_or(|name| is_asked_for(&name, settings));
            if file.plugins().auto_load || asked_for() {
                texts.push(document);
            }
        }
    }
    if found.has_errors() {
        return Err(found.into());
    }
    Ok(add_composites(registry, &texts)?)
}

fn beside(file: &ConfigFile) -> &Path {
    Path::new(file.document().source().name()).parent().unwrap_or(Path::new(""))
}

/// Whether a config file says something of a handler, so that it is loaded where nothing is loaded unasked.
fn is_asked_for(handler: &str, settings: &Settings) -> bool {
    let files = [&settings.workspace_config, &settings.user_config];
    files.into_iter().flatten().filter_map(|file| file.step_handler(handler)).any(|entry| entry.enabled)
}

/// The texts in the directories that a config file names.
fn of_file(file: &ConfigFile, base: &Path, found: &mut Diagnostics) -> Vec<Arc<Document>> {
    let plugins = file.plugins();
    let looks = plugins.methods.as_ref().is_none_or(|methods| methods.contains(&Discovery::Directory));
    if !plugins.enabled || !looks {
        return Vec::new();
    }
    let mut texts = Vec::new();
    for directory in &plugins.directories {
        match files_in(&base.join(directory)) {
            Ok(paths) => texts.extend(paths.iter().filter_map(|path| text(path, found))),
            Err(error) => found.push(unreadable(file, directory, &error)),
        }
    }
    texts
}

/// The YAML files in a directory and the directories below it, in the order of their names; links to directories are
/// not followed.
fn files_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            files.append(&mut files_in(&path)?);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
    Ok(files)
}

fn text(path: &Path, found: &mut Diagnostics) -> Option<Arc<Document>> {
    let document =
        files::source(path, "composite handler").map_err(Diagnostics::from).and_then(Document::parse);
    document.map_err(|problems| found.extend(problems)).ok().map(Arc::new)
}

fn unreadable(file: &ConfigFile, directory: &str, error: &io::Error) -> Diagnostic {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such directory".to_owned(),
        _ => error.to_string(),
    };
    let message = format!("the plugin directory `{directory}` can't be read: {why}");
    let problem = Diagnostic::error("vwmp::unreadable", message);
    let directories = file.document().root().at_pointer("/plugins/discovery/directories");
    let mut places = directories.into_iter().flat_map(|node| std::iter::once(node).chain(node.items()));
    let place = places.find(|node| node.as_str() == Some(directory)).or(directories);
    place.map_or(problem.clone(), |node: NodeRef<'_>| problem.at(node.source(), node.span(), ""))
}

#[cfg(test)]
mod tests {
    use vwmp_core::source::Source;

    use super::*;

    fn config(name: &Path, text: &str) -> ConfigFile {
        let source = Source::new(name.to_string_lossy(), text);
        ConfigFile::new(Arc::new(Document::parse(Arc::new(source)).unwrap())).unwrap()
    }

    fn names(folder: &Path, text: &str) -> Result<Vec<String>, String> {
        let workspace_config = Some(config(&folder.join("vwmp_config.yaml"), text));
        let settings = Settings { workspace_config, ..Settings::default() };
        let mut registry = Registry::default();
        match discover(&mut registry, &settings, folder) {
            Ok(()) => Ok(registry.steps().map(|step| step.name().to_owned()).collect()),
            Err(Failure::Invalid(found)) => Err(found.to_string().replace(&*folder.to_string_lossy(), "")),
            Err(other) => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn directories_are_read_as_the_config_says() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("plugins/more")).unwrap();
        let write =
            |name: &str, text: &str| fs::write(folder.path().join("plugins").join(name), text).unwrap();
        write("deploy.yaml", "handler: team.deploy\nsteps: []\n");
        write("more/team.test.yml", "name: tests\nsteps: []\n");
        write("README.md", "nothing");
        let told = |plugins: &str| names(folder.path(), &format!("plugins: {plugins}\n"));
        let both = || Ok(vec!["team.deploy".to_owned(), "team.test".to_owned()]);
        assert_eq!(told("{ discovery: { directories: [plugins] } }"), both());
        assert_eq!(told("{ discovery: { directories: plugins, method: [directory] } }"), both());
        for off in [
            "{ discovery: { directories: [plugins], method: [link-time] } }",
            "{ enabled: false, discovery: { directories: [plugins] } }",
            "{ auto_load: false, discovery: { directories: [plugins] } }",
            "{}",
        ] {
            assert_eq!(told(off), Ok(Vec::new()), "{off}");
        }
        let asked = "{ auto_load: false, discovery: { directories: [plugins] } }\nstep_handlers: { team.test: { enabled: true } }";
        assert_eq!(told(asked), Ok(vec!["team.test".to_owned()]));
        assert_eq!(
            told("{ discovery: { directories: [plugins, plugin] } }"),
            Err("/vwmp_config.yaml:1:48: error[vwmp::unreadable]: the plugin directory `plugin` can't be read: there \
                 is no such directory"
                .to_owned())
        );
        write("broken.yaml", "handler: [\n");
        write("other.yaml", "steps: []\n");
        let broken = told("{ discovery: { directories: [plugins] } }").unwrap_err();
        assert!(broken.starts_with("/plugins/broken.yaml:1:10: error[vwmp::yaml-syntax]"), "{broken}");
        fs::remove_file(folder.path().join("plugins/broken.yaml")).unwrap();
        let nameless = told("{ discovery: { directories: [plugins] } }").unwrap_err();
        assert!(nameless.starts_with("/plugins/other.yaml:1:1: error[vwmp::missing-key]"), "{nameless}");
    }
}
