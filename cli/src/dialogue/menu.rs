//! The words that can be typed at each kind of question.

use piton_core::record::QuestionKind;

/// A word that can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub word: &'static str,
    /// What it does, for people; empty where the word says it.
    pub does: &'static str,
    /// Whether the beginning of the word will not do: what it does is hard to take back.
    pub whole: bool,
}

const fn word(word: &'static str, does: &'static str) -> Word {
    Word {
        word,
        does,
        whole: false,
    }
}

const fn whole(word: &'static str, does: &'static str) -> Word {
    Word {
        word,
        does,
        whole: true,
    }
}

const APPROVE: &[Word] = &[word("yes", ""), word("no", "")];
const INTERRUPTED: &[Word] = &[
    word("succeeded", "it happened, and well"),
    word("no", "it did not happen: do it again"),
    word("failed", ""),
];
const MANUAL: &[Word] = &[word("done", ""), word("failed", "it cannot be done")];
const CONFIRM: &[Word] = &[word("no", "do not start it")];
const FAILED: &[Word] = &[
    word("retry", "try it again"),
    word("skip", "go on without it"),
    word("succeeded", "it is done after all"),
    word("rewind", "go back to a node"),
    whole("rollback", "undo everything"),
    whole("stop", "end the run as it is"),
];
const UNDO: &[Word] = &[
    whole("undone-by-hand", "I took it back"),
    whole("abandon-undo", "leave it as it is"),
    word("did-not-happen", "there is nothing to undo"),
    word("succeeded", "it was done: undo it"),
    whole("stop", "undo nothing more"),
];
const UNDO_FAILED: &[Word] = &[
    word("retry", "undo it again"),
    whole("undone-by-hand", "I took it back"),
    whole("abandon-undo", "leave it as it is"),
    whole("stop", "undo nothing more"),
];

/// The words of a question.
#[must_use]
pub fn words(kind: &QuestionKind) -> &'static [Word] {
    match kind {
        QuestionKind::Approve { .. } => APPROVE,
        QuestionKind::Interrupted { .. } => INTERRUPTED,
        QuestionKind::Manual { .. } => MANUAL,
        QuestionKind::Confirm { .. } => CONFIRM,
        QuestionKind::Failed { .. } => FAILED,
        QuestionKind::Undo { .. } => UNDO,
        QuestionKind::UndoFailed { .. } => UNDO_FAILED,
    }
}

/// The word that was meant: itself, or a beginning that only it has.
///
/// # Errors
/// Says what is not clear.
pub fn choose(words: &[Word], typed: &str) -> Result<&'static str, String> {
    let typed = typed.trim().to_lowercase();
    if let Some(word) = words.iter().find(|word| word.word == typed) {
        return Ok(word.word);
    }
    let begun = words.iter().filter(|word| word.word.starts_with(&typed));
    match begun.collect::<Vec<_>>().as_slice() {
        [] => Err("type one of the words below".to_owned()),
        [one] if one.whole && !typed.is_empty() => Err(format!(
            "type the whole word `{}`: it is hard to take back",
            one.word
        )),
        [one] if !typed.is_empty() => Ok(one.word),
        many => {
            let many: Vec<&str> = many.iter().map(|word| word.word).collect();
            Err(if typed.is_empty() {
                "type one of the words below".to_owned()
            } else {
                format!("`{typed}` could be {}", many.join(" or "))
            })
        }
    }
}

/// What can be typed, in a line: `retry, skip, …, details, quit`.
#[must_use]
pub fn hint(words: &[Word]) -> String {
    let mut all: Vec<String> = words
        .iter()
        .map(|word| match word.does {
            "" => word.word.to_owned(),
            does => format!("{} ({does})", word.word),
        })
        .collect();
    all.push("details".to_owned());
    all.push("quit (leaves it waiting)".to_owned());
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_will_do_where_it_is_clear_and_harmless() {
        assert_eq!(choose(APPROVE, " Y "), Ok("yes"));
        assert_eq!(choose(FAILED, "ret"), Ok("retry"));
        assert!(choose(FAILED, "r").unwrap_err().contains("retry or rewind"));
        assert!(choose(FAILED, "roll").unwrap_err().contains("whole word"));
        assert_eq!(choose(FAILED, "rollback"), Ok("rollback"));
        assert!(choose(FAILED, "").is_err());
        assert!(choose(CONFIRM, "").is_err());
        assert!(choose(UNDO, "x").is_err());
    }
}
