//! What steps write, a file an attempt, secrets masked before they come here.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use vwmp_core::run::LogStore;
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::log::{LogLine, LogSink, Stream};

use crate::error::StoreError;
use crate::names::{escaped, unescaped};
use crate::store::Store;

/// How much of an attempt is kept, in bytes.
pub(crate) const MOST: u64 = 16 << 20;

/// How many files are open at once.
const OPEN: usize = 64;

/// One line, with the time it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// When it came.
    pub at: Timestamp,
    /// The line.
    pub line: LogLine,
}

/// The files of one run.
pub(crate) struct FileLog {
    folder: PathBuf,
    files: Mutex<Files>,
}

#[derive(Default)]
struct Files {
    open: HashMap<(Arc<str>, u32), Writing>,
    /// Which attempts of which step have a file, once somebody asked.
    known: Option<HashMap<Arc<str>, BTreeSet<u32>>>,
    /// A line that can't be kept: it is told once, and costs nobody's work.
    failed: bool,
}

struct Writing {
    file: File,
    size: u64,
    used: u64,
}

impl FileLog {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, files: Mutex::default() }
    }

    fn write(&self, line: &LogLine) -> io::Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::from(SystemTime::now());
        let key = (Arc::clone(&line.step), line.attempt);
        if !files.open.contains_key(&key) {
            files.make_room();
            let writing = self.open(&line.step, line.attempt, now)?;
            files.open.insert(key.clone(), writing);
            if let Some(known) = &mut files.known {
                known.entry(shown(&line.step)).or_default().insert(line.attempt);
            }
        }
        let Some(writing) = files.open.get_mut(&key) else { return Ok(()) };
        writing.used = now.as_micros();
        if writing.size > MOST {
            return Ok(());
        }
        let mut text = format!("{} {} {}\n", now.as_micros(), letter(line.stream), line.text);
        writing.size += text.len() as u64;
        if writing.size > MOST {
            let mark = format!("[the rest is cut off: of one attempt, {} MiB are kept]", MOST >> 20);
            text = format!("{} {} {mark}\n", now.as_micros(), letter(Stream::Warning));
        }
        writing.file.write_all(text.as_bytes())
    }

    fn open(&self, step: &str, attempt: u32, now: Timestamp) -> io::Result<Writing> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.path(step, attempt);
        let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
        let mut size = file.metadata()?.len();
        if size > 0 && !ends_a_line(&mut file)? {
            // The process that wrote it was gone in the middle of a line.
            file.write_all(b"\n")?;
            size += 1;
        }
        Ok(Writing { file, size, used: now.as_micros() })
    }

    fn path(&self, step: &str, attempt: u32) -> PathBuf {
        self.folder.join(format!("{}.{attempt}.log", escaped(step)))
    }

    /// What one step wrote, without looking at the files of all the others each time.
    fn read(&self, step: &str) -> io::Result<Vec<StoredLine>> {
        let attempts: Vec<u32> = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let known = match &mut files.known {
                Some(known) => known,
                none => none.insert(attempts_in(&self.folder)?),
            };
            known.get(&*shown(step)).into_iter().flatten().copied().collect()
        };
        let (step, mut lines) = (Arc::from(step), Vec::new());
        for attempt in attempts {
            read_file(&self.path(&step, attempt), &step, attempt, &mut 0, &mut lines)?;
        }
        Ok(lines)
    }
}

/// A step as the name of its file tells it: a long name is not there as a whole.
fn shown(step: &str) -> Arc<str> {
    unescaped(&escaped(step)).into()
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn attempts_in(folder: &Path) -> io::Result<HashMap<Arc<str>, BTreeSet<u32>>> {
    let mut known: HashMap<Arc<str>, BTreeSet<u32>> = HashMap::new();
    for (_, step, attempt) in files_in(folder, None)? {
        known.entry(step).or_default().insert(attempt);
    }
    Ok(known)
}

impl Files {
    fn make_room(&mut self) {
        if self.open.len() >= OPEN {
            let oldest = self.open.iter().min_by_key(|(_, one)| one.used).map(|(key, _)| key.clone());
            oldest.map(|key| self.open.remove(&key));
        }
    }
}

impl LogSink for FileLog {
    fn line(&self, line: LogLine) {
        if self.write(&line).is_err() {
            self.files.lock().unwrap_or_else(PoisonError::into_inner).failed = true;
        }
    }
}

impl LogStore for FileLog {
    fn lines(&self, step: &str) -> Vec<LogLine> {
        let read = self.read(step);
        let missing = read.is_err();
        let mut lines: Vec<LogLine> =
            read.unwrap_or_default().into_iter().map(|stored| stored.line).collect();
        if missing || self.files.lock().unwrap_or_else(PoisonError::into_inner).failed {
            let text = "[lines are missing: the store could not keep them]".into();
            lines.push(LogLine { step: step.into(), attempt: 1, stream: Stream::Warning, text });
        }
        lines
    }
}

impl Store {
    pub(crate) fn logs_of(&self, run: &str) -> PathBuf {
        self.folder().join("logs").join(escaped(run))
    }

    /// The lines of a run, or of one of its steps and all items of it: by step and attempt, or by time where all
    /// steps are wanted.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn lines(&self, run: &str, step: Option<&str>) -> Result<Vec<StoredLine>, StoreError> {
        let folder = self.logs_of(run);
        let mut lines = lines_in(&folder, step).map_err(StoreError::file(folder))?;
        if step.is_none() {
            lines.sort_by_key(|line| line.at);
        }
        Ok(lines)
    }

    /// The lines that came since: `seen` remembers how far each file was read.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn new_lines(
        &self,
        run: &str,
        step: Option<&str>,
        seen: &mut HashMap<PathBuf, u64>,
    ) -> Result<Vec<StoredLine>, StoreError> {
        let folder = self.logs_of(run);
        let mut read = || {
            let mut lines = Vec::new();
            for (path, step, attempt) in files_in(&folder, step)? {
                let from = seen.entry(path.clone()).or_default();
                read_file(&path, &step, attempt, from, &mut lines)?;
            }
            Ok(lines)
        };
        let mut lines = read().map_err(StoreError::file(&folder))?;
        lines.sort_by_key(|line: &StoredLine| line.at);
        Ok(lines)
    }
}

fn lines_in(folder: &Path, step: Option<&str>) -> io::Result<Vec<StoredLine>> {
    let mut lines = Vec::new();
    for (path, step, attempt) in files_in(folder, step)? {
        read_file(&path, &step, attempt, &mut 0, &mut lines)?;
    }
    Ok(lines)
}

/// The files of a step and its items, or of all steps, by step and attempt.
fn files_in(folder: &Path, step: Option<&str>) -> io::Result<Vec<(PathBuf, Arc<str>, u32)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((id, attempt)) = name.strip_suffix(".log").and_then(|name| name.rsplit_once('.')) else {
            continue;
        };
        // A long name is not there as a whole.
        let asked = step.filter(|step| id == escaped(step)).map(ToOwned::to_owned);
        let (id, Ok(attempt)) = (asked.unwrap_or_else(|| unescaped(id)), attempt.parse()) else { continue };
        let wanted = step.is_none_or(|step| {
            id == step
                || id.strip_prefix(step).is_some_and(|rest| rest.starts_with('[') && rest.ends_with(']'))
        });
        if wanted {
            files.push((path, Arc::from(id), attempt));
        }
    }
    files.sort_by(|one, other| (&one.1, one.2).cmp(&(&other.1, other.2)));
    Ok(files)
}

/// Adds the whole lines after `from`, which moves on.
fn read_file(
    path: &Path,
    step: &Arc<str>,
    attempt: u32,
    from: &mut u64,
    lines: &mut Vec<StoredLine>,
) -> io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(*from))?;
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 && bytes.ends_with(b"\n") {
        *from += bytes.len() as u64;
        let text = String::from_utf8_lossy(&bytes);
        let mut parts = text.trim_end_matches('\n').splitn(3, ' ');
        let (at, stream, text) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
        if let (Some(at), Some(stream)) = (at.and_then(|at| at.parse().ok()), stream.and_then(stream_of)) {
            let line = LogLine { step: Arc::clone(step), attempt, stream, text: text.to_owned() };
            lines.push(StoredLine { at: Timestamp::from_micros(at), line });
        }
        bytes.clear();
    }
    Ok(())
}

fn letter(stream: Stream) -> char {
    match stream {
        Stream::Info => 'i',
        Stream::Warning => 'w',
        Stream::Stdout => 'o',
        Stream::Stderr => 'e',
    }
}

fn stream_of(letter: &str) -> Option<Stream> {
    Some(match letter {
        "i" => Stream::Info,
        "w" => Stream::Warning,
        "o" => Stream::Stdout,
        "e" => Stream::Stderr,
        _ => return None,
    })
}
