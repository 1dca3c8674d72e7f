//! What a traffic source is read from in a URL: its host, its query.
//!
//! Events carry what the browser or an export left of a URL: often without a scheme,
//! sometimes with spaces or broken escapes. So it is cut by hand, not parsed strictly.

use std::borrow::Cow;

use url::form_urlencoded;

/// The host as written, without user, port and a trailing dot. None where there is none:
/// of a path, of `about:blank`, of a word without a dot.
pub(super) fn host(url: &str) -> Option<&str> {
    plain_host(url).or_else(|| any_host(url))
}

/// The host of a URL as nearly all are: with scheme, and nothing but letters, digits, `-`
/// and `.` up to the path. None of another.
fn plain_host(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or(url.strip_prefix("http://"))?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let end = rest.bytes().position(|byte| !is_plain(&byte));
    let host = match end {
        Some(end) if matches!(rest.as_bytes()[end], b'/' | b'?' | b'#') => &rest[..end],
        Some(_) => return None,
        None => rest,
    };
    (!host.is_empty() && !host.ends_with('.')).then_some(host)
}

fn any_host(url: &str) -> Option<&str> {
    let url = url.trim();
    // A scheme has no colon, so that the first one must end it.
    let colon = memchr::memchr(b':', url.as_bytes());
    let scheme = colon.filter(|&at| url[at..].starts_with("://") && is_scheme(&url[..at]));
    let (rest, is_bare) = match scheme {
        Some(at) => (&url[at + 3..], false),
        None => match url.strip_prefix("//") {
            Some(rest) => (rest, false),
            None => (url, true),
        },
    };
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'\\');
    let end = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
    let authority = &rest[..end];
    let place = match authority.rsplit_once('@') {
        // Without a scheme this is an e-mail address.
        Some(_) if is_bare => return None,
        Some((_, place)) => place,
        None => authority,
    };
    let host = if place.starts_with('[') {
        &place[..=place.find(']')?]
    } else {
        match place.split_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) => return None,
            None => place,
        }
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_word = !host.contains('.') && !host.eq_ignore_ascii_case("localhost");
    let is_none = host.is_empty() || host.contains(char::is_whitespace) || (is_bare && is_word);
    (!is_none).then_some(host)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The host without a leading `www.`.
pub(super) fn without_www(host: &str) -> &str {
    match host.get(..4) {
        Some(start) if start.eq_ignore_ascii_case("www.") && host.len() > 4 => &host[4..],
        _ => host,
    }
}

/// Whether `parent` is `host` or a parent domain of it, both compared without `www.` and
/// regardless of case.
pub(super) fn is_same_or_parent(parent: &str, host: &str) -> bool {
    let (parent, host) = (without_www(parent).as_bytes(), without_www(host).as_bytes());
    let Some(start) = host.len().checked_sub(parent.len()) else {
        return false;
    };
    !parent.is_empty()
        && host[start..].eq_ignore_ascii_case(parent)
        && (start == 0 || host[start - 1] == b'.')
}

/// The names and values of the query, decoded, in order. The fragment is no part of it.
pub(super) fn parameters(url: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    // Most pages have neither a query nor a fragment.
    let query = match memchr::memchr2(b'?', b'#', url.as_bytes()) {
        Some(at) if url.as_bytes()[at] == b'?' => &url[at + 1..],
        _ => "",
    };
    let query = match memchr::memchr(b'#', query.as_bytes()) {
        Some(at) => &query[..at],
        None => query,
    };
    form_urlencoded::parse(query.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_what_browsers_and_exports_send() {
        for (url, expected) in [
            ("https://shop.example.com/a?b#c", Some("shop.example.com")),
            ("http://user:word@example.com:8080", Some("example.com")),
            ("//example.com/a", Some("example.com")),
            ("example.com/a", Some("example.com")),
            ("example.com?u=https://other.com/", Some("example.com")),
            (" https://Example.COM. ", Some("Example.COM")),
            ("https://[::1]:80/a", Some("[::1]")),
            ("android-app://com.example.app/", Some("com.example.app")),
            ("http://intranet/a", Some("intranet")),
            ("localhost:3000/a", Some("localhost")),
            ("/a/b?c", None),
            ("about:blank", None),
            ("file:///data/a", None),
            ("mailto:a@example.com", None),
            ("google", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
            assert_eq!(any_host(url), expected, "{url}");
        }
    }

    #[test]
    fn parents_end_at_a_dot() {
        assert!(is_same_or_parent("example.com", "shop.EXAMPLE.com"));
        assert!(is_same_or_parent("www.example.com", "example.com"));
        assert!(is_same_or_parent("example.com", "www.example.com"));
        assert!(!is_same_or_parent("ample.com", "example.com"));
        assert!(!is_same_or_parent("shop.example.com", "example.com"));
        assert!(!is_same_or_parent("", "example.com"));
    }

    #[test]
    fn parameters_are_decoded_and_end_at_the_fragment() {
        let of = |url| {
            parameters(url)
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of("a.b/?x=1%202+3&y=%C3%A9&z#?w=1"),
            ["x=1 2 3", "y=é", "z="]
        );
        assert_eq!(of("https://a.b/#?w=1"), [""; 0]);
        assert_eq!(of("a.b"), [""; 0]);
        assert_eq!(of("a.b?x=%ZZ"), ["x=%ZZ"]);
    }
}
