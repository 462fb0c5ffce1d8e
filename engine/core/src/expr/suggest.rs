//! Did you mean …?

/// The known name that is nearest to an unknown one, if one is near enough to have been meant: at most a third of
/// the letters wrong (at least one may be), where a swap of neighbours is one mistake.
pub fn suggest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// Longer names are not compared: the work is their lengths' product.
    const LONGEST: usize = 128;
    let folded = |name: &str| -> Vec<char> {
        name.chars()
            .map(|c| {
                if c == '_' {
                    '-'
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect()
    };
    if unknown.is_empty() || unknown.len() > LONGEST {
        return None;
    }
    let wanted = folded(unknown);
    known
        .into_iter()
        .filter(|name| name.len() <= LONGEST && *name != unknown)
        .filter_map(|name| {
            let name_letters = folded(name);
            let allowed = (wanted.len().max(name_letters.len()) / 3).max(1);
            // A one-letter name is one mistake away from every other one.
            let distance = distance(&wanted, &name_letters);
            (distance <= allowed && distance < wanted.len().max(name_letters.len()))
                .then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name.to_owned())
}

/// How many letters have to be put in, taken out, replaced or swapped with their neighbour to get from `a` to `b`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &to) in b.iter().enumerate() {
            let at =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&last, j) + usize::from(from != to))
                .min(at(&last, j + 1) + 1)
                .min(at(&row, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(&to) && b.get(j - 1) == Some(&from) {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_far_ones_are_not() {
        let known = ["fetch", "restore", "verify", "choose-backup"];
        let of = |unknown| suggest(unknown, known);
        assert_eq!(of("fetsh").as_deref(), Some("fetch"));
        assert_eq!(of("ftech").as_deref(), Some("fetch"));
        assert_eq!(of("Restore").as_deref(), Some("restore"));
        assert_eq!(of("choose_backup").as_deref(), Some("choose-backup"));
        assert_eq!(of("deploy"), None);
        assert_eq!(of(""), None);
        assert_eq!(suggest("b", ["a", "c"]), None);
        assert_eq!(suggest(&"x".repeat(100_000), ["x"]), None);
    }

    #[test]
    fn distances_count_single_mistakes() {
        let of = |a: &str, b: &str| {
            distance(
                &a.chars().collect::<Vec<_>>(),
                &b.chars().collect::<Vec<_>>(),
            )
        };
        assert_eq!(of("abc", "abc"), 0);
        assert_eq!(of("abc", "acb"), 1);
        assert_eq!(of("abc", "ab"), 1);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("kitten", "sitting"), 3);
    }
}
