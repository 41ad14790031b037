//! Checksums of files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// The SHA-256 of a file, in hexadecimal; nothing when there is no such file.
pub(crate) fn sha256_of(path: &Path) -> io::Result<Option<String>> {
    let mut hash = Sha256::new();
    match File::open(path) {
        Ok(mut file) => read_into(&mut hash, &mut file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(hexadecimal(&hash.finalize())))
}

/// Adds what a file still has to a hash; returns how much that is.
pub(crate) fn read_into(hash: &mut Sha256, file: &mut File) -> io::Result<u64> {
    let (mut buffer, mut size) = (vec![0; 64 * 1024], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(size),
            read => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
}

/// Bytes as text, two digits each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
