//! Keeping secrets out of what is written down.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::rc::Rc;

/// What stands where a secret was.
pub const MASK: &[u8] = b"***";

/// A secret shorter than this is not masked: nearly every text contains it by chance.
pub const SHORTEST_SECRET: usize = 3;

/// A line of a secret of many lines (a key file) is masked by itself too if it is at least this long.
const SHORTEST_LINE: usize = 8;

/// The texts to be masked: each secret, and the forms in which programs print it again: base64 (also in the middle
/// of a longer encoded text, with either alphabet), percent-encoded, as a part of an address, escaped in JSON; of a secret of several lines,
/// each line.
pub struct Patterns {
    /// By first byte, longest first.
    by_first: Vec<Vec<Vec<u8>>>,
    none: bool,
}

impl Patterns {
    /// The patterns of these secrets.
    #[must_use]
    pub fn new(secrets: &[String]) -> Patterns {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            let trimmed = secret.trim_end_matches(['\n', '\r']);
            add_forms(trimmed, &mut forms);
            if trimmed.contains('\n') {
                let lines = trimmed
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.len() >= SHORTEST_LINE);
                lines.for_each(|line| add_forms(line, &mut forms));
            }
        }
        let none = forms.is_empty();
        let mut by_first = vec![Vec::new(); 256];
        for form in forms {
            if let Some(bucket) = form
                .first()
                .and_then(|&byte| by_first.get_mut(usize::from(byte)))
            {
                bucket.push(form);
            }
        }
        for bucket in &mut by_first {
            bucket.sort_by_key(|form: &Vec<u8>| std::cmp::Reverse(form.len()));
        }
        Patterns { by_first, none }
    }

    fn starting_with(&self, byte: u8) -> &[Vec<u8>] {
        self.by_first
            .get(usize::from(byte))
            .map_or(&[], Vec::as_slice)
    }
}

fn add_forms(secret: &str, forms: &mut BTreeSet<Vec<u8>>) {
    if secret.len() < SHORTEST_SECRET {
        return;
    }
    let mut add = |form: String| {
        if form.len() >= SHORTEST_SECRET {
            forms.insert(form.into_bytes());
        }
    };
    add(secret.to_owned());
    let json = serde_json::Value::from(secret).to_string();
    let json = json
        .get(1..json.len().saturating_sub(1))
        .unwrap_or_default();
    add(json.to_owned());
    add(json.replace('/', "\\/"));
    for form in [
        percent_encoded(secret, false),
        percent_encoded(secret, true),
    ] {
        add(form.replace("%20", "+"));
        add(form.replace("%2F", "/").replace("%2f", "/"));
        add(form);
    }
    for special in ENCODED_IN_URLS {
        add(encoded_in_url(secret, special));
        // What reads an address of a web server takes these for slashes.
        add(encoded_in_url(&secret.replace('\\', "/"), special));
    }
    for offset in 0..3 {
        let standard = base64_inside(secret.as_bytes(), offset);
        // What is left of a short secret in the middle of a longer text would match by chance.
        if offset == 0 || standard.len() >= 6 {
            add(standard.replace('+', "-").replace('/', "_"));
            add(standard);
        }
    }
}

/// What of printable ASCII is encoded where a whole address is read and written again, by the URL standard: in the
/// query of a web server's address and of another, in a path, also by the standard's earlier text, and in what stands
/// before an `@`.
const ENCODED_IN_URLS: [&[u8]; 5] = [
    b" \"#<>'",
    b" \"#<>",
    b" \"#<>?^`{}",
    b" \"#<>?`{}",
    b" \"#<>?^`{}/:;=@[\\]|",
];

/// Percent-encoding of these characters, of control characters, and of all that is not ASCII.
fn encoded_in_url(text: &str, special: &[u8]) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if (0x20..0x7f).contains(&byte) && !special.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Percent-encoding of all but the unreserved characters of RFC 3986.
fn percent_encoded(text: &str, lower: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else if lower {
            let _infallible = write!(out, "%{byte:02x}");
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The characters of base64 that are the same whatever stands around the bytes, when they begin `offset` bytes into
/// a group of three.
fn base64_inside(bytes: &[u8], offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let first_bit = offset * 8;
    let last_bit = first_bit + bytes.len() * 8;
    let bit = |at: usize| -> usize {
        let at = at - first_bit;
        bytes
            .get(at / 8)
            .map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1))
    };
    (first_bit.div_ceil(6)..last_bit / 6)
        .filter_map(|group| {
            let index = (group * 6..group * 6 + 6).fold(0, |index, at| index << 1 | bit(at));
            ALPHABET.get(index).map(|&byte| char::from(byte))
        })
        .collect()
}

/// Masks the secrets in a stream of bytes, however it is cut.
pub struct Masker {
    patterns: Rc<Patterns>,
    /// Bytes that may be the beginning of a secret, until more is known.
    held: Vec<u8>,
    /// How many of the coming bytes belong to a secret that was found.
    covered: usize,
}

impl Masker {
    /// A masker at the beginning of a stream.
    #[must_use]
    pub fn new(patterns: Rc<Patterns>) -> Masker {
        Masker {
            patterns,
            held: Vec::new(),
            covered: 0,
        }
    }

    /// Takes the next bytes of the stream and gives what can be shown of it by now.
    pub fn push(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        if self.patterns.none {
            shown.extend_from_slice(bytes);
        } else if self.held.is_empty() {
            let done = self.scan(bytes, false, shown);
            self.held
                .extend_from_slice(bytes.get(done..).unwrap_or_default());
        } else {
            let mut all = std::mem::take(&mut self.held);
            all.extend_from_slice(bytes);
            let done = self.scan(&all, false, shown);
            all.drain(..done);
            self.held = all;
        }
    }

    /// Gives what was held back: no more will come, or nobody should wait for it.
    pub fn flush(&mut self, shown: &mut Vec<u8>) {
        let all = std::mem::take(&mut self.held);
        self.scan(&all, true, shown);
    }

    /// Masks `bytes` up to where a secret may begin that is not whole yet; returns how far that is. At the end of
    /// the stream that is all.
    fn scan(&mut self, bytes: &[u8], end: bool, shown: &mut Vec<u8>) -> usize {
        for (at, &byte) in bytes.iter().enumerate() {
            let candidates = self.patterns.starting_with(byte);
            if !candidates.is_empty() {
                let rest = bytes.get(at..).unwrap_or_default();
                if !end
                    && candidates
                        .iter()
                        .any(|form| form.len() > rest.len() && form.starts_with(rest))
                {
                    return at;
                }
                // Secrets may overlap: what any of them covers is masked.
                if let Some(found) = candidates.iter().find(|form| rest.starts_with(form)) {
                    if self.covered == 0 {
                        shown.extend_from_slice(MASK);
                    }
                    self.covered = self.covered.max(found.len());
                }
            }
            if self.covered > 0 {
                self.covered -= 1;
            } else {
                shown.push(byte);
            }
        }
        bytes.len()
    }
}

/// Masks the secrets in a whole text.
#[must_use]
pub fn masked(text: &str, secrets: &[String]) -> String {
    let mut masker = Masker::new(Rc::new(Patterns::new(secrets)));
    let mut shown = Vec::new();
    masker.push(text.as_bytes(), &mut shown);
    masker.flush(&mut shown);
    String::from_utf8_lossy(&shown).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_chunks(text: &[u8], secrets: &[&str], size: usize) -> String {
        let secrets: Vec<String> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        let mut masker = Masker::new(Rc::new(Patterns::new(&secrets)));
        let mut shown = Vec::new();
        text.chunks(size)
            .for_each(|chunk| masker.push(chunk, &mut shown));
        masker.flush(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    }

    #[test]
    fn a_secret_is_masked_however_the_stream_is_cut() {
        let text = b"user=me password=hunter2hunter3 and hunter2 hunt";
        for size in 1..=text.len() {
            let shown = in_chunks(text, &["hunter2", "hunter3"], size);
            assert_eq!(shown, "user=me password=****** and *** hunt", "{size}");
        }
    }

    #[test]
    fn overlapping_secrets_leave_nothing_behind() {
        for size in 1..10 {
            assert_eq!(
                in_chunks(b"<abcdefgh>", &["abcdef", "efgh"], size),
                "<***>",
                "{size}"
            );
            assert_eq!(
                in_chunks(b"<abcdefgh>", &["abc", "abcdefgh"], size),
                "<***>",
                "{size}"
            );
        }
    }

    #[test]
    fn printed_forms_of_a_secret_are_masked() {
        let secret = "p\"ss/w\\rd &+ü";
        // `printf %s 'SECRET' | base64`, and with one and two bytes before it.
        for form in [
            "p%22ss%2Fw%5Crd%20%26%2B%C3%BC",
            "p%22ss%2fw%5crd+%26%2b%c3%bc",
            r#"p\"ss/w\\rd &+ü"#,
            r#"p\"ss\/w\\rd &+ü"#,
        ] {
            assert_eq!(in_chunks(form.as_bytes(), &[secret], 3), "***", "{form}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_masked_as_the_address_is_sent() {
        let secret = "k9 \"it\" '/\\ +&%^`{}<ü>";
        for address in [
            format!("http://host/{secret}/x"),
            format!("http://host/x?y={secret}&z"),
            format!("other://host/x?y={secret}"),
            format!("http://me:{}@host/x", secret.replace(['/', '\\'], ":")),
        ] {
            let url = reqwest::Url::parse(&address).unwrap();
            let secrets = [secret, &secret.replace(['/', '\\'], ":")];
            let shown = in_chunks(url.as_str().as_bytes(), &secrets, 7);
            assert!(
                shown.contains("***") && !shown.contains("it"),
                "{url}: {shown}"
            );
        }
    }

    #[test]
    fn base64_is_masked_at_any_place_in_an_encoded_text() {
        // base64 of "hunter2hunter2", "x:hunter2hunter2", ":hunter2hunter2" with a tail.
        for (encoded, shown) in [
            ("aHVudGVyMmh1bnRlcjI=", "***I="),
            ("eDpodW50ZXIyaHVudGVyMg==", "eDp***g=="),
            ("Omh1bnRlcjJodW50ZXIyCg==", "Om***Cg=="),
        ] {
            let got = in_chunks(encoded.as_bytes(), &["hunter2hunter2"], 5);
            assert!(
                got.contains("***") && got.len() <= shown.len() + 2,
                "{encoded}: {got}"
            );
        }
    }

    #[test]
    fn short_secrets_and_none_change_nothing() {
        assert_eq!(masked("a b ab", &["ab".into(), String::new()]), "a b ab");
        assert_eq!(masked("a b ab", &[]), "a b ab");
    }

    #[test]
    fn lines_of_a_key_are_masked_one_by_one() {
        let key = "-----BEGIN KEY-----\nMIIBVgIBADANBgkq\nhkiG9w0B\n-----END KEY-----\n".to_owned();
        assert_eq!(
            masked("at line: MIIBVgIBADANBgkq!", &[key]),
            "at line: ***!"
        );
    }
}
