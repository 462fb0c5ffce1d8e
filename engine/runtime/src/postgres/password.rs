//! Passwords that are not in the URL, where libpq looks for them: `$PGPASSWORD`, and the password file.

use super::Address;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The URL without its `passfile`, which the library does not know, and that file.
pub(crate) fn without_passfile(url: &str) -> (String, Option<PathBuf>) {
    let Some((start, query)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let mut file = None;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some(("passfile", path)) => {
                file = super::address::decoded(path).map(PathBuf::from);
                false
            }
            _ => true,
        })
        .collect();
    let text = match kept.is_empty() {
        true => start.to_owned(),
        false => format!("{start}?{}", kept.join("&")),
    };
    (text, file)
}

/// The password for this address, from the environment or a password file.
pub(crate) fn find(
    address: &Address,
    passfile: Option<&Path>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Option<String> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    if let Some(password) = set("PGPASSWORD") {
        return password.into_string().ok();
    }
    let file = passfile
        .map(Path::to_owned)
        .or_else(|| set("PGPASSFILE").map(PathBuf::from))
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".pgpass")))?;
    // As with libpq, a file that others can read is passed over.
    let found = std::fs::metadata(&file).ok()?;
    if !found.is_file() {
        return None;
    }
    if found.mode() & 0o077 != 0 {
        tracing::warn!(file = %file.display(), "others can read the password file, so it was passed over; chmod 600");
        return None;
    }
    let text = std::fs::read_to_string(&file).ok()?;
    address
        .keys()
        .find_map(|key| text.lines().find_map(|line| password_of(line, &key)))
}

/// The password of a line `host:port:database:user:password` that is about this host, port, database and user.
fn password_of(line: &str, key: &[String; 4]) -> Option<String> {
    let line = line.trim_end_matches('\r');
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in key {
        let (field, after) = field(rest)?;
        if field != "*" && field != *wanted {
            return None;
        }
        rest = after;
    }
    // A password goes to the end of its line, and has its backslashes and colons escaped like the rest.
    let mut password = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => password.extend(characters.next()),
            other => password.push(other),
        }
    }
    Some(password)
}

/// The text up to the next colon that is not escaped, and what follows that colon.
fn field(text: &str) -> Option<(String, &str)> {
    let mut found = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => found.extend(characters.next().map(|(_, escaped)| escaped)),
            ':' => return Some((found, text.get(at + 1..)?)),
            other => found.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        let key = ["db", "5432", "shop", "me"].map(str::to_owned);
        let of = |line: &str| password_of(line, &key);
        assert_eq!(of("db:5432:shop:me:secret"), Some("secret".to_owned()));
        assert_eq!(of("*:*:*:me:a\\:b\\\\c:d"), Some("a:b\\c:d".to_owned()));
        assert_eq!(of("other:5432:shop:me:secret"), None);
        assert_eq!(of("# db:5432:shop:me:secret"), None);
        assert_eq!(of("db:5432:shop"), None);
    }

    #[test]
    fn the_password_file_of_a_url_is_taken_out_of_it() {
        assert_eq!(
            without_passfile("postgres://db/x?passfile=%2Fa%20b&sslmode=require"),
            (
                "postgres://db/x?sslmode=require".to_owned(),
                Some(PathBuf::from("/a b"))
            )
        );
        assert_eq!(
            without_passfile("postgres://db/x?passfile=/p").0,
            "postgres://db/x"
        );
    }
}
