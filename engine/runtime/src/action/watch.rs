//! `fail_when { file matches }`: looks through a file for a line that tells that waiting is in vain.

use crate::mask::masked;
use regex::Regex;
use rustix::fs::OFlags;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How much of the end of a file is looked through, in bytes.
pub const LIMIT: u64 = 16 * 1024 * 1024;

/// How much of a line is kept, in characters.
const LONGEST: usize = 300;

/// The first line of the file that matches, without secrets and cut if it is long; `None` if there is none, or no
/// file. A pattern that is none and a file that cannot be read make the wait one in vain too: nobody would notice
/// otherwise that nothing is looked for. Does not keep other work on this thread waiting.
pub async fn first_line(file: PathBuf, pattern: &str, secrets: &[String]) -> Option<String> {
    let regex = match Regex::new(pattern) {
        Ok(regex) => regex,
        // The whole report points into the pattern on lines of its own; its last line says what is wrong.
        Err(error) => {
            let error = error.to_string();
            let why = error.lines().next_back().unwrap_or_default();
            return Some(format!(
                "`matches` is not a regular expression: {}",
                why.trim_start_matches("error: ")
            ));
        }
    };
    let shown = file.display().to_string();
    let found = tokio::task::spawn_blocking(move || look_through(&file, &regex)).await;
    match found {
        Ok(Ok(line)) => Some(shortened(&masked(&line?, secrets))),
        Ok(Err(error)) => Some(format!("{shown} cannot be looked through: {error}")),
        Err(error) => Some(format!("{shown} could not be looked through: {error}")),
    }
}

fn look_through(path: &Path, regex: &Regex) -> std::io::Result<Option<String>> {
    // A pipe without a writer must not hold up anybody.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(std::io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a file",
        ));
    }
    let skip = about.len().saturating_sub(LIMIT);
    file.seek(SeekFrom::Start(skip))?;
    let mut reader = BufReader::new(file.take(LIMIT));
    let mut line = Vec::new();
    // The line that the limit cut in two is left out.
    let mut whole = skip == 0;
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if whole && regex.is_match(text) {
            return Ok(Some(text.to_owned()));
        }
        whole = true;
        line.clear();
    }
    Ok(None)
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    line.chars().take(LONGEST).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(file: &Path, pattern: &str, secrets: &[&str]) -> Option<String> {
        let secrets: Vec<String> = secrets.iter().map(|text| (*text).to_owned()).collect();
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(first_line(file.to_owned(), pattern, &secrets))
    }

    fn file(name: &str, text: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("piton-watch-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn the_first_line_that_matches_is_given_without_secrets() {
        let log = file(
            "log",
            b"LOG: ready\r\nFATAL: no password hunter22\r\nFATAL: again\n",
        );
        let line = seen(&log, "^FATAL: ", &["hunter22"]);
        assert_eq!(line.as_deref(), Some("FATAL: no password ***"));
        assert_eq!(seen(&log, "PANIC", &[]), None);
        assert_eq!(seen(&log, "ready$", &[]).as_deref(), Some("LOG: ready"));
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_has_no_lines_and_one_that_cannot_be_read_is_named() {
        let missing = std::env::temp_dir().join("piton-no-such-folder/log");
        assert_eq!(seen(&missing, ".", &[]), None);
        let log = file("plain", b"x\n");
        assert_eq!(seen(&log.join("below"), ".", &[]), None);
        std::fs::remove_file(log).unwrap();
        let folder = seen(&std::env::temp_dir(), ".", &[]).unwrap();
        assert!(folder.contains("not a file"), "{folder}");
    }

    #[test]
    fn a_pattern_that_is_none_says_so() {
        let why = seen(Path::new("/nowhere"), "FATAL(", &[]).unwrap();
        assert!(
            why.contains("not a regular expression") && why.contains("unclosed group"),
            "{why}"
        );
    }

    #[test]
    fn only_the_end_of_a_large_file_is_looked_through_and_long_lines_are_cut() {
        let mut text = b"early\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', LIMIT as usize));
        text.extend(b"\nlate ");
        text.extend(std::iter::repeat_n(b'y', 1000));
        let log = file("large", &text);
        assert_eq!(seen(&log, "early", &[]), None);
        assert_eq!(seen(&log, "x", &[]), None, "a line that was cut in two");
        let late = seen(&log, "^late", &[]).unwrap();
        assert_eq!(late.chars().count(), LONGEST + 1);
        std::fs::remove_file(log).unwrap();
    }
}
