//! Archives that are the same to the byte whenever their files are.

use std::io::{Cursor, Error, Write};

use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A file to pack.
pub(super) struct Packed {
    /// Its path in the archive.
    pub(super) path: String,
    /// Whether it may be executed.
    pub(super) executable: bool,
    /// Its content.
    pub(super) content: Vec<u8>,
}

impl Packed {
    /// All that is kept of its permissions.
    fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

/// A tar archive, compressed by gzip: no times, no owners, in the given order.
pub(super) fn tar_gz(files: &[Packed]) -> Result<Vec<u8>, Error> {
    let compressed = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(compressed);
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode());
        header.set_mtime(0);
        archive.append_data(&mut header, &file.path, file.content.as_slice())?;
    }
    archive.into_inner()?.finish()
}

/// A zip archive; its times are those of 1980, which is the first that it knows.
pub(super) fn zip(files: &[Packed]) -> Result<Vec<u8>, Error> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(file.mode());
        archive.start_file(file.path.as_str(), options)?;
        archive.write_all(&file.content)?;
    }
    Ok(archive.finish()?.into_inner())
}
