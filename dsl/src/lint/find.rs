//! Looking for words in texts, most of which are short and have none of them.

/// Where a word stands in a text. Looks for one letter of it, the one that is rare in scripts if it has one, which costs
/// less than what `str::find` works out about a word before it looks.
pub(crate) fn places(text: &str, word: &str) -> impl Iterator<Item = usize> {
    let rare = word.find(['_', '.', ':']).unwrap_or(0);
    let letter = word.get(rare..).and_then(|rest| rest.chars().next());
    let letter = letter.filter(|_| word.len() <= text.len());
    let found = letter
        .into_iter()
        .flat_map(|letter| text.match_indices(letter));
    found.filter_map(move |(at, _)| {
        let start = at.checked_sub(rare)?;
        text.get(start..)?.starts_with(word).then_some(start)
    })
}

/// Whether a word stands in a text.
pub(crate) fn contains(text: &str, word: &str) -> bool {
    places(text, word).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand() {
        for (text, word) in [
            ("a word and a word", "word"),
            ("word", "word"),
            ("wor", "word"),
            ("", "word"),
            ("éa é éa", "éa"),
            ("://x://", "://"),
            ("_a éa_b a_b", "a_b"),
            ("é.signal", "x.signal"),
        ] {
            let found: Vec<_> = places(text, word).collect();
            let expected: Vec<_> = text.match_indices(word).map(|(at, _)| at).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(contains(text, word), text.contains(word));
        }
    }
}
