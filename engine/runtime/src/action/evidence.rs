//! `evidence`: files that are copied into the run's directory when an attempt ends.
//!
//! A copy is masked, whole or the end of its file, and durable before the journal names its digest. When the engine
//! dies between the two, the copy is made again.

use crate::mask::{Masker, Patterns};
use crate::secrets;
use crate::store::location::{create_private_directory, private_file};
use piton_core::digest::Digest;
use piton_core::record::{Evidence, Kept};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How much of the end of a file is kept, in bytes.
pub const LIMIT: u64 = 16 * 1024 * 1024;

/// How far at most the beginning of a line is looked for in what was cut: past the end of any secret, encoded too.
const LONGEST_TORN: usize = 4 * secrets::SIZE_LIMIT;

/// Copies these files, which are relative to `dir`, into the directory `into`. Says of each what became of it, in the
/// same order. Does not keep other work on this thread waiting.
pub async fn keep(
    files: &[String],
    dir: Result<PathBuf, String>,
    into: PathBuf,
    secrets: Vec<String>,
) -> Vec<Evidence> {
    let names = files.to_vec();
    let copying = tokio::task::spawn_blocking(move || copies(&names, dir, &into, &secrets));
    match copying.await {
        Ok(kept) => kept,
        Err(error) => files
            .iter()
            .map(|file| nothing(file, &format!("could not be kept: {error}")))
            .collect(),
    }
}

fn copies(
    files: &[String],
    dir: Result<PathBuf, String>,
    into: &Path,
    secrets: &[String],
) -> Vec<Evidence> {
    let patterns = Rc::new(Patterns::new(secrets));
    let one = |(place, file): (usize, &String)| {
        let dir = match &dir {
            Ok(dir) => dir,
            Err(why) => return nothing(file, why),
        };
        let source = dir.join(file);
        match copy(&source, into, &name(place, &source), &patterns) {
            Ok(Some(kept)) => Evidence {
                file: file.clone(),
                kept: Some(kept),
                why: String::new(),
            },
            Ok(None) => nothing(file, "is not there"),
            Err(error) => nothing(file, &format!("could not be kept: {error}")),
        }
    };
    (1..).zip(files).map(one).collect()
}

/// What is said of a file of which there is no copy.
pub fn nothing(file: &str, why: &str) -> Evidence {
    Evidence {
        file: file.to_owned(),
        kept: None,
        why: why.to_owned(),
    }
}

/// What the copy is called: the file's place in the list, and its name as far as that is harmless.
fn name(place: usize, source: &Path) -> String {
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
        _ => '_',
    };
    let name: String = name.chars().take(100).map(plain).collect();
    format!("{place}-{name}")
}

/// `None` when there is no such file.
fn copy(
    source: &Path,
    into: &Path,
    name: &str,
    patterns: &Rc<Patterns>,
) -> io::Result<Option<Kept>> {
    let Some((mut file, bytes)) = open(source)? else {
        return Ok(None);
    };
    create_private_directory(into)?;
    let path = into.join(name);
    let new = into.join(format!("{name}.new"));
    let mut output = private_file()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    let skip = bytes.saturating_sub(LIMIT);
    file.seek(SeekFrom::Start(skip))?;
    let mut reader = BufReader::with_capacity(64 * 1024, file.take(LIMIT));
    if skip > 0 {
        skip_torn_line(&mut reader)?;
    }
    let (bytes_kept, sha256) = write_masked(&mut reader, &mut output, patterns)?;
    output.sync_all()?;
    std::fs::rename(&new, &path)?;
    File::open(into)?.sync_all()?;
    Ok(Some(Kept {
        name: name.to_owned(),
        bytes: bytes_kept,
        sha256,
        end_of: (skip > 0).then_some(bytes),
    }))
}

/// The file with its size; `None` when there is none. A pipe without a writer must not hold up anybody.
fn open(source: &Path) -> io::Result<Option<(File, u64)>> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(source);
    let file = match opened {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let about = file.metadata()?;
    if !about.is_file() {
        let message = "it is not a file";
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(Some((file, about.len())))
}

/// Goes on to the beginning of a line: the end of a secret whose beginning was cut off would not be recognised.
fn skip_torn_line(reader: &mut impl BufRead) -> io::Result<()> {
    let mut skipped = 0;
    while skipped < LONGEST_TORN {
        let bytes = reader.fill_buf()?;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(bytes.len(), |at| at + 1);
        if length == 0 {
            break;
        }
        reader.consume(length);
        skipped += length;
        if end.is_some() {
            break;
        }
    }
    Ok(())
}

/// Copies what is left, masked. Returns how much was written, and its digest.
fn write_masked(
    reader: &mut impl BufRead,
    output: &mut File,
    patterns: &Rc<Patterns>,
) -> io::Result<(u64, Digest)> {
    let mut masker = Masker::new(Rc::clone(patterns));
    let (mut hasher, mut written) = (Sha256::new(), 0u64);
    let mut shown = Vec::new();
    loop {
        let bytes = reader.fill_buf()?;
        let length = bytes.len();
        if length == 0 {
            masker.flush(&mut shown);
        } else {
            masker.push(bytes, &mut shown);
            reader.consume(length);
        }
        hasher.update(&shown);
        output.write_all(&shown)?;
        written = written.saturating_add(shown.len() as u64);
        shown.clear();
        if length == 0 {
            return Ok((written, Digest(hasher.finalize().into())));
        }
    }
}

/// What is wrong with a kept file; `None` when it is as it was kept.
pub fn wrong(path: &Path, kept: &Kept) -> Option<String> {
    match digest(path) {
        Ok(found) if found == kept.sha256 => None,
        Ok(found) => Some(format!(
            "was changed: its SHA-256 is {found}, and it was kept with {}",
            kept.sha256
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Some("is gone".to_owned()),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}

fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let (mut hasher, mut bytes) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let length = file.read(&mut bytes)?;
        if length == 0 {
            return Ok(Digest(hasher.finalize().into()));
        }
        hasher.update(bytes.get(..length).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let name = format!("piton-evidence-{}-{name}", std::process::id());
            let place = Place(std::env::temp_dir().join(name));
            std::fs::create_dir_all(&place.0).unwrap();
            place
        }

        fn kept(&self, files: &[&str], secrets: &[&str]) -> Vec<Evidence> {
            let owned =
                |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
            let dir = Ok(self.0.clone());
            copies(&owned(files), dir, &self.0.join("kept"), &owned(secrets))
        }

        fn copy(&self, name: &str) -> Vec<u8> {
            std::fs::read(self.0.join("kept").join(name)).unwrap()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_copy_is_masked_and_has_the_digest_that_sha256sum_prints() {
        let place = Place::new("masked");
        std::fs::write(place.0.join("a b.log"), "pass hunter22\n").unwrap();
        let all = place.kept(&["a b.log", "gone/x", "."], &["hunter22"]);
        let kept = all[0].kept.as_ref().unwrap();
        assert_eq!(place.copy("1-a_b.log"), b"pass ***\n");
        assert_eq!((kept.name.as_str(), kept.bytes), ("1-a_b.log", 9));
        // printf 'pass ***\n' | sha256sum
        let expected = "e4a2655d78093d384d7b36900c4dcbf33c8aa686157ed549a6a06732b1eb2583";
        assert_eq!(kept.sha256.to_string(), expected);
        assert_eq!(kept.end_of, None);
        let path = place.0.join("kept/1-a_b.log");
        assert_eq!(wrong(&path, kept), None);
        assert_eq!((all[1].why.as_str(), &all[1].kept), ("is not there", &None));
        assert!(all[2].why.contains("not a file"), "{}", all[2].why);
        std::fs::write(&path, "pass xxx\n").unwrap();
        assert!(wrong(&path, kept).unwrap().contains("was changed"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(wrong(&path, kept).as_deref(), Some("is gone"));
    }

    #[test]
    fn of_a_large_file_the_end_is_kept_from_the_beginning_of_a_line() {
        let place = Place::new("large");
        let limit = usize::try_from(LIMIT).unwrap();
        let mut text = b"early\n".to_vec();
        // The limit cuts the secret in two.
        text.extend(b"hunter22\n");
        text.extend(std::iter::repeat_n(b'x', limit - 5));
        text.push(b'\n');
        std::fs::write(place.0.join("log"), &text).unwrap();
        let all = place.kept(&["log"], &["hunter22"]);
        let kept = all[0].kept.as_ref().unwrap();
        assert_eq!(kept.end_of, Some(text.len() as u64));
        let copy = place.copy("1-log");
        assert_eq!(copy.len(), limit - 4);
        assert!(copy.starts_with(b"xxx"), "no torn secret");

        // A single line has no beginning to go on to; what may be torn is left out.
        std::fs::write(place.0.join("line"), vec![b'y'; limit + 10]).unwrap();
        let all = place.kept(&["line"], &[]);
        let bytes = all[0].kept.as_ref().unwrap().bytes;
        assert!(bytes < LIMIT && bytes > LIMIT - 1024 * 1024, "{bytes}");
    }

    #[test]
    fn a_copy_is_made_again_over_one_that_was_not_finished() {
        let place = Place::new("again");
        std::fs::create_dir_all(place.0.join("kept")).unwrap();
        std::fs::write(place.0.join("kept/1-log.new"), "half of something longer").unwrap();
        std::fs::write(place.0.join("kept/1-log"), "from before").unwrap();
        std::fs::write(place.0.join("log"), "now\n").unwrap();
        let all = place.kept(&["log"], &[]);
        assert_eq!(place.copy("1-log"), b"now\n");
        assert_eq!(
            wrong(&place.0.join("kept/1-log"), all[0].kept.as_ref().unwrap()),
            None
        );
        assert!(!place.0.join("kept/1-log.new").exists());
    }
}
