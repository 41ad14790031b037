//! Results of steps for later runs, found by the content of everything that they depend on.

mod files;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_core::run::{CacheAnswer, CacheRequest, StepCache};
use vwmp_interfaces::{BoxFuture, OrFail as _, StepError, Timestamp};

use self::files::{inside, leads_inside, matching};
use crate::apart::apart;
use crate::names::escaped;

/// Entries by key, contents of files by their hash, and what each step depended on the last time.
pub(crate) struct FileCache {
    folder: PathBuf,
}

/// What a step gave.
#[derive(Serialize, Deserialize)]
struct Entry {
    output: Value,
    files: Vec<Made>,
}

/// A file that a step made.
#[derive(Serialize, Deserialize)]
struct Made {
    path: String,
    hash: String,
    mode: u32,
}

/// What a result depends on: a name for people, and the hash of its content.
type Parts = BTreeMap<String, String>;

impl FileCache {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn answer(&self, request: &CacheRequest) -> Result<CacheAnswer, StepError> {
        let parts = parts(request)?;
        let key = key(&parts);
        let last: Option<Parts> = read_json(&self.last(request));
        let entry: Option<Entry> = read_json(&self.folder.join("entries").join(&key));
        let Some(entry) = entry else {
            let why =
                last.map_or_else(|| "it has not been done before".into(), |last| changes(&last, &parts));
            return Ok(CacheAnswer::Miss { key, why });
        };
        match self.restore(request, &entry) {
            Ok(restored) => {
                // It was used: it stays longer. Where that can't be written down, it goes sooner.
                let file = File::options().append(true).open(self.folder.join("entries").join(&key));
                let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
                let inputs = parts.keys().filter(|part| part.starts_with("file ")).count();
                let files = match restored {
                    0 => String::new(),
                    1 => "; 1 file is put back".into(),
                    count => format!("; {count} files are put back"),
                };
                let why = format!("nothing it depends on has changed ({inputs} files, config, key){files}");
                Ok(CacheAnswer::Hit { output: entry.output, why })
            }
            Err(error) => {
                Ok(CacheAnswer::Miss { key, why: format!("a file it made can't be put back: {error}") })
            }
        }
    }

    /// Puts the files that the step made in their place, where they are missing or others; says how many.
    fn restore(&self, request: &CacheRequest, entry: &Entry) -> io::Result<usize> {
        let mut restored = 0;
        for made in &entry.files {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", made.path));
            restored += usize::from(self.restore_one(request, made).map_err(named)?);
        }
        Ok(restored)
    }

    /// Whether the file had to be put back.
    fn restore_one(&self, request: &CacheRequest, made: &Made) -> io::Result<bool> {
        let path = inside(&request.workspace, &made.path)?;
        if fs::read(&path).is_ok_and(|bytes| hash(&bytes) == made.hash) {
            return Ok(false);
        }
        let bytes = fs::read(self.folder.join("contents").join(&made.hash))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        write(&path, &bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(made.mode))?;
        Ok(true)
    }

    fn remember(&self, request: &CacheRequest, key: &str, output: &Value) -> Result<(), StepError> {
        let mut made = Vec::new();
        for (name, path) in matching(&request.workspace, &request.outputs).or_permanent("outputs")? {
            leads_inside(&request.workspace, &path).or_permanent(format!("can't keep {name}"))?;
            let bytes = fs::read(&path).or_permanent(format!("can't read {name}"))?;
            let mode = fs::metadata(&path).or_permanent(format!("can't read {name}"))?.permissions().mode();
            let hash = hash(&bytes);
            let content = self.folder.join("contents").join(&hash);
            if !content.exists() {
                write(&content, &bytes).or_permanent(format!("can't keep {name}"))?;
            }
            made.push(Made { path: name, hash, mode: mode & 0o7777 });
        }
        let entry = Entry { output: output.clone(), files: made };
        write_json(&self.folder.join("entries").join(key), &entry)
            .or_permanent("can't write to the cache")?;
        // By now the inputs may be others: those that counted are those from before the work.
        let parts = parts(request)?;
        if self::key(&parts) == key {
            write_json(&self.last(request), &parts).or_permanent("can't write to the cache")?;
        }
        Ok(())
    }

    fn last(&self, request: &CacheRequest) -> PathBuf {
        self.folder.join("last").join(escaped(&request.step))
    }
}

/// Removes results that were not used since then, and what only they needed.
pub(crate) fn forget(folder: &Path, since: Timestamp) -> io::Result<()> {
    let since = SystemTime::UNIX_EPOCH + Duration::from_micros(since.as_micros());
    let mut needed = HashSet::new();
    for entry in files_of(&folder.join("entries"))? {
        if fs::metadata(&entry)?.modified()? < since {
            fs::remove_file(&entry)?;
        } else if let Some(entry) = read_json::<Entry>(&entry) {
            needed.extend(entry.files.into_iter().map(|made| made.hash));
        }
    }
    for content in files_of(&folder.join("contents"))? {
        let name = content.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // One that was written since may be that of a result which is about to be kept.
        if !needed.contains(&name) && fs::metadata(&content)?.modified()? < since {
            fs::remove_file(&content)?;
        }
    }
    Ok(())
}

fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Everything that the result depends on.
fn parts(request: &CacheRequest) -> Result<Parts, StepError> {
    let mut parts = Parts::new();
    parts.insert("the handler".into(), hash(request.handler.as_bytes()));
    parts.insert("the config".into(), hash(request.config.to_string().as_bytes()));
    parts.insert("the key".into(), hash(request.key.to_string().as_bytes()));
    parts.insert("the patterns".into(), hash(request.outputs.join("\n").as_bytes()));
    for (name, path) in matching(&request.workspace, &request.inputs).or_permanent("inputs")? {
        let bytes = fs::read(&path).or_permanent(format!("can't read {name}"))?;
        parts.insert(format!("file {name}"), hash(&bytes));
    }
    Ok(parts)
}

fn key(parts: &Parts) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, part) in parts {
        hasher.update(name.as_bytes()).update(b"\0").update(part.as_bytes()).update(b"\0");
    }
    hasher.finalize().to_hex().to_string()
}

/// What is different, for people.
fn changes(before: &Parts, now: &Parts) -> String {
    let changed = now.iter().filter(|(name, part)| before.get(*name).is_some_and(|old| old != *part));
    let new = now.keys().filter(|name| !before.contains_key(*name));
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let told: Vec<String> = changed
        .map(|(name, _)| format!("{} changed", name.trim_start_matches("file ")))
        .chain(new.map(|name| format!("{} is new", name.trim_start_matches("file "))))
        .chain(gone.map(|name| format!("{} is gone", name.trim_start_matches("file "))))
        .collect();
    match told.as_slice() {
        [] => "its earlier result is no longer kept".into(),
        few if few.len() <= 3 => few.join(", "),
        many => format!("{}, and {} more", many[..3].join(", "), many.len() - 3),
    }
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Writes a whole file or nothing.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error).map(drop)
}

fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write(path, &serde_json::to_vec(value)?)
}

/// What can't be read is as if it were not there.
fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    match File::open(path) {
        Ok(file) => serde_json::from_reader(io::BufReader::new(file)).ok(),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(_) => None,
    }
}

impl StepCache for FileCache {
    fn look<'a>(&'a self, request: &'a CacheRequest) -> BoxFuture<'a, Result<CacheAnswer, StepError>> {
        Box::pin(async move { apart(|| self.answer(request)) })
    }

    fn keep<'a>(
        &'a self,
        request: &'a CacheRequest,
        key: &'a str,
        output: &'a Value,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move { apart(|| self.remember(request, key, output)) })
    }
}
