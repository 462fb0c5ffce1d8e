//! Looking for words in texts, most of which are short and have none of them.

/// Where a word stands in a text. Takes the first byte of the word for a sign that it may begin there, which costs less
/// than what `str::find` works out about a word before it looks.
pub(crate) fn places(text: &str, word: &str) -> impl Iterator<Item = usize> {
    let first = word.chars().next().filter(|_| word.len() <= text.len());
    let starts = first
        .into_iter()
        .flat_map(|first| text.match_indices(first));
    starts.filter_map(move |(at, _)| text.get(at..)?.starts_with(word).then_some(at))
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
        ] {
            let found: Vec<_> = places(text, word).collect();
            let expected: Vec<_> = text.match_indices(word).map(|(at, _)| at).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(contains(text, word), text.contains(word));
        }
    }
}
