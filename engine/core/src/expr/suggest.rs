//! Did you mean …?

/// The known name that is nearest to an unknown one, if one is near enough to have been meant: at most a third of
/// the letters wrong (at least one may be), where a swap of neighbours is one mistake.
pub fn suggest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    near(unknown, known).min().map(|(_, name)| name.to_owned())
}

/// The known name that [`suggest`] gives, if no other one is near and at most two letters are wrong: what can be put
/// in its place without asking.
pub fn suggest_surely<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    /// How many wrong letters can still be called a slip.
    const SLIP: usize = 2;
    let mut names = near(unknown, known);
    let (distance, name) = names.next()?;
    let is_only = names.all(|(_, other)| other == name);
    (is_only && distance <= SLIP).then(|| name.to_owned())
}

/// The known names that may have been meant, with how many letters are wrong.
fn near<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (usize, &'a str)> {
    /// Longer names are not compared: the work is their lengths' product.
    const LONGEST: usize = 128;
    let wanted = folded(unknown);
    let is_worth_it = !unknown.is_empty() && unknown.len() <= LONGEST;
    let known = is_worth_it.then_some(known).into_iter().flatten();
    known
        .filter(move |name| name.len() <= LONGEST && *name != unknown)
        .filter_map(move |name| {
            let name_letters = folded(name);
            let allowed = (wanted.len().max(name_letters.len()) / 3).max(1);
            // A one-letter name is one mistake away from every other one.
            let distance = distance(&wanted, &name_letters);
            (distance <= allowed && distance < wanted.len().max(name_letters.len()))
                .then_some((distance, name))
        })
}

/// The letters of a name, without what people mix up without noticing.
fn folded(name: &str) -> Vec<char> {
    let fold = |c: char| match c {
        '_' => '-',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
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
    fn only_a_slip_with_one_name_near_is_sure() {
        let of =
            |unknown| suggest_surely(unknown, ["fetch", "fetched", "restore", "choose-backup"]);
        assert_eq!(of("restroe").as_deref(), Some("restore"));
        assert_eq!(of("choose_bakup").as_deref(), Some("choose-backup"));
        assert_eq!(of("fetche"), None, "two are near");
        assert_eq!(of("choos-bakp"), None, "three letters are wrong");
        assert_eq!(of("deploy"), None);
        assert_eq!(
            suggest_surely("tset", ["test", "test"]).as_deref(),
            Some("test")
        );
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
