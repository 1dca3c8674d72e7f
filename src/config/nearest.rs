//! Which known name a mistyped one was probably meant to be.

/// The candidate nearest to `name`, if any is near enough to be what was meant: letter
/// case aside, at most one edit in three letters apart (a swap of neighbours is one
/// edit), or equal to the last part of a candidate with slashes (`berlin` →
/// `Europe/Berlin`). Of equally near ones the first.
pub fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let folded = candidate.to_lowercase();
            let distance = match folded.rsplit_once('/') {
                Some((_, last)) if last == name => 0,
                _ => strsim::damerau_levenshtein(&name, &folded),
            };
            (distance <= allowed).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint for an unknown `name`: the nearest candidate, or else all of them (the first
/// twenty), introduced by `known` (`known keys`).
pub fn hint<'a>(
    name: &str,
    known: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(nearest) = nearest(name, candidates.iter().copied()) {
        return format!("did you mean `{nearest}`?");
    }
    const SHOWN: usize = 20;
    let mut list = candidates
        .iter()
        .take(SHOWN)
        .map(|c| format!("`{c}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if candidates.len() > SHOWN {
        list.push_str(", …");
    }
    format!("{known}: {list}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["timezone", "identity", "threads"];
        assert_eq!(nearest("timezon", names), Some("timezone"));
        assert_eq!(nearest("TIMEZONE", names), Some("timezone"));
        assert_eq!(nearest("itmezone", names), Some("timezone"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(
            nearest("berlin", ["Asia/Tokyo", "Europe/Berlin"]),
            Some("Europe/Berlin")
        );
    }

    #[test]
    fn lists_what_is_known_when_nothing_is_near() {
        assert_eq!(
            hint("colour", "known keys", ["a", "b"]),
            "known keys: `a`, `b`"
        );
        assert_eq!(
            hint("threds", "known keys", ["a", "threads"]),
            "did you mean `threads`?"
        );
    }
}
