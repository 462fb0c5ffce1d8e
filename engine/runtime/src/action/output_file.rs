//! `$PITON_OUTPUT`: the file in which a process leaves values for its node's `outputs`.

use rustix::fs::OFlags;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The largest such file that is read, in bytes.
pub const LIMIT: usize = 1024 * 1024;

/// Reads the file; one that is not there has no lines. It stays until what was read is durable.
///
/// # Errors
/// What is wrong with it, for people.
pub fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(LIMIT as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(format!("$PITON_OUTPUT cannot be read: {error}")),
    }
    if bytes.len() > LIMIT {
        return Err(format!("$PITON_OUTPUT is larger than {LIMIT} bytes"));
    }
    parse(&String::from_utf8(bytes).map_err(|_| "$PITON_OUTPUT is not UTF-8 text".to_owned())?)
}

/// Opens it. A step may have put anything in its place: a pipe without a writer must not hold up the engine.
fn open(path: &Path) -> std::io::Result<File> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(std::io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a file",
        )),
    }
}

/// `name=value` lines; empty lines are skipped, and of two lines with one name the later counts.
fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut lines = BTreeMap::new();
    for (at, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| is_name(name)) else {
            return Err(format!(
                "line {} of $PITON_OUTPUT is not `name=value`, with a name of lower-case letters, digits and `_`",
                at + 1
            ));
        };
        lines.insert(name.to_owned(), value.to_owned());
    }
    Ok(lines)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_refused_and_holds_nobody_up() {
        let dir = std::env::temp_dir().join(format!("piton-output-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let pipe = dir.join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        let zeros = dir.join("zeros");
        std::os::unix::fs::symlink("/dev/zero", &zeros).unwrap();
        for path in [&pipe, &zeros, &dir] {
            let why = read(path).unwrap_err();
            assert!(why.contains("not a file"), "{}: {why}", path.display());
        }
        let huge = dir.join("huge");
        File::create(&huge).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&huge).unwrap_err().contains("larger than"));
        assert_eq!(read(&dir.join("none")), Ok(BTreeMap::new()));
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn lines_are_names_and_values() {
        let lines = parse("size=3\n\npath=/a=b\nempty=\nsize=4\n").unwrap();
        let expected = [("empty", ""), ("path", "/a=b"), ("size", "4")];
        assert_eq!(
            lines,
            expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into()
        );
        for bad in ["x", "a=1\nB=2", "=1", " a=1", "a-b=1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("a=1\n\nnonsense").unwrap_err().contains("line 3"));
    }
    #[test]
    fn a_file_that_is_too_large_is_refused_and_not_read_to_its_end() {
        let name = crate::store::new_run_id("piton-output").0;
        let path = std::env::temp_dir().join(name);
        let fits = format!("a={}\n", "x".repeat(LIMIT - 3));
        std::fs::write(&path, &fits).unwrap();
        assert_eq!(read(&path).unwrap()["a"].len(), LIMIT - 3);
        std::fs::write(&path, fits + "\n").unwrap();
        assert!(read(&path).unwrap_err().contains("larger than 1048576"));
        std::fs::write(&path, b"a=\xff\n").unwrap();
        assert!(read(&path).unwrap_err().contains("not UTF-8"));
        std::fs::remove_file(&path).unwrap();
    }
}
