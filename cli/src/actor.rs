//! Who acts: the name given with `--as`, beside the account that the operating system knows.

use clap::Args;
use piton_core::id::Actor;

/// The option that says who acts.
#[derive(Args, Clone, Debug, Default)]
pub struct As {
    /// Act under this name or role instead of user@host
    #[arg(long = "as", value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
}

/// A name people can read back in a record: not empty, no control characters.
fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("a name is a line of text that is not empty".to_owned());
    }
    Ok(text.to_owned())
}

impl As {
    /// The one who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let account = account();
        Actor {
            name: self.name.clone().unwrap_or_else(|| account.clone()),
            account,
        }
    }
}

/// `user@host`, from the operating system rather than from variables that anybody can set, where it says.
fn account() -> String {
    let uid = rustix::process::getuid().as_raw();
    let user = std::fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|text| user_in(&text, uid))
        .or_else(|| std::env::var("USER").ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| format!("uid-{uid}"));
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    format!("{user}@{host}")
}

/// The name of the user with this number in a text of the form of `/etc/passwd`.
fn user_in(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let user = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| user.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\n# broken line\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(user_in(passwd, 1000).as_deref(), Some("ana"));
        assert_eq!(user_in(passwd, 7), None);
    }

    #[test]
    fn a_name_is_a_line_of_text() {
        assert_eq!(name(" on-call-lead ").as_deref(), Ok("on-call-lead"));
        assert!(name(" ").is_err());
        assert!(name("a\nb").is_err());
    }

    #[test]
    fn without_a_name_the_account_acts() {
        let actor = As::default().actor();
        assert_eq!(actor.name, actor.account);
        assert!(actor.account.contains('@'));
    }
}
