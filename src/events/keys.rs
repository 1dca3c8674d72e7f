//! Hashed keys: short numbers in place of long text, equal wherever they are computed.
//!
//! All of them are xxh3 over length-prefixed parts, so `("ab", "c")` is not `("a", "bc")`, and
//! a null part is not an empty one. They are stored; changing them changes every table.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Bytes to hash, built part by part. Reuse one to save allocations.
#[derive(Debug, Default, Clone)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    pub fn new() -> Self {
        Encoder::default()
    }

    pub fn clear(&mut self) -> &mut Self {
        self.0.clear();
        self
    }

    /// Adds a text; null is distinct from empty.
    pub fn text(&mut self, part: Option<&str>) -> &mut Self {
        match part {
            None => self.0.push(0),
            Some(text) => {
                self.0.push(1);
                self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
                self.0.extend_from_slice(text.as_bytes());
            }
        }
        self
    }

    /// Adds a whole number; null is distinct from zero.
    pub fn int(&mut self, part: Option<i64>) -> &mut Self {
        self.decimal(part.map(i128::from))
    }

    /// Adds an unscaled decimal; null is distinct from zero.
    pub fn decimal(&mut self, part: Option<i128>) -> &mut Self {
        match part {
            None => self.0.push(0),
            Some(number) => {
                self.0.push(2);
                self.0.extend_from_slice(&number.to_le_bytes());
            }
        }
        self
    }

    /// The parts' 64-bit hash.
    pub fn hash64(&self) -> i64 {
        xxh3_64(&self.0) as i64
    }

    /// The parts' 128-bit hash, big-endian.
    pub fn hash128(&self) -> [u8; 16] {
        xxh3_128(&self.0).to_be_bytes()
    }
}

/// The 64-bit key of some texts: xxh3_64 of each part as a byte 1, its length as eight bytes
/// little-endian and its bytes, or as a byte 0 if null.
pub fn key64(parts: &[Option<&str>]) -> i64 {
    let mut encoder = Encoder::new();
    for part in parts {
        encoder.text(*part);
    }
    encoder.hash64()
}

/// The two parts that name a device: its `user_pseudo_id`, or else the `user_id`, each with
/// a tag, so that the two never collide.
fn device<'a>(
    user_pseudo_id: Option<&'a str>,
    user_id: Option<&'a str>,
) -> [Option<&'a str>; 2] {
    match user_pseudo_id {
        Some(id) => [Some("user_pseudo_id"), Some(id)],
        None => [Some("user_id"), user_id],
    }
}

/// The key of an event's device: `key64('user_pseudo_id', user_pseudo_id)`, or where there is
/// none `key64('user_id', user_id)`.
pub fn device_key(user_pseudo_id: Option<&str>, user_id: Option<&str>) -> i64 {
    key64(&device(user_pseudo_id, user_id))
}

/// The key of an event's GA4 session: the hash of stream, device and `ga_session_id`; null
/// where there is no `ga_session_id`.
pub fn session_key(
    stream_id: Option<&str>,
    user_pseudo_id: Option<&str>,
    user_id: Option<&str>,
    ga_session_id: Option<&str>,
) -> Option<i64> {
    let session = ga_session_id?;
    let [tag, id] = device(user_pseudo_id, user_id);
    Some(key64(&[stream_id, tag, id, Some(session)]))
}

/// The id of an event that its source gave an id of its own: 128-bit hash of that id.
pub fn source_identity(source_event_id: &str) -> [u8; 16] {
    Encoder::new()
        .text(Some("source_event_id"))
        .text(Some(source_event_id))
        .hash128()
}

/// Starts the identity of an event that has no id of its own.
pub(crate) fn identity<'e>(
    encoder: &'e mut Encoder,
    user_pseudo_id: Option<&str>,
    user_id: Option<&str>,
) -> &'e mut Encoder {
    let [tag, id] = device(user_pseudo_id, user_id);
    encoder.clear().text(Some("event")).text(tag).text(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together_and_null_is_not_empty() {
        assert_ne!(
            key64(&[Some("ab"), Some("c")]),
            key64(&[Some("a"), Some("bc")])
        );
        assert_ne!(key64(&[None]), key64(&[Some("")]));
        assert_ne!(key64(&[None, Some("a")]), key64(&[Some("a"), None]));
    }

    #[test]
    fn keys_are_stored_so_they_never_change() {
        assert_eq!(key64(&[Some("a"), None]), key64(&[Some("a"), None]));
        assert_eq!(key64(&[]), xxh3_64(b"") as i64);
        let bytes = [&[1u8][..], &1u64.to_le_bytes(), b"a"].concat();
        assert_eq!(key64(&[Some("a")]), xxh3_64(&bytes) as i64);
    }

    #[test]
    fn a_device_is_not_a_user_of_the_same_text() {
        assert_ne!(device_key(Some("1"), None), device_key(None, Some("1")));
        assert_eq!(
            device_key(Some("1"), Some("u")),
            device_key(Some("1"), None)
        );
        assert_eq!(
            device_key(None, Some("u")),
            key64(&[Some("user_id"), Some("u")])
        );
    }

    #[test]
    fn sessions_are_per_stream_and_device() {
        let key = session_key(Some("s"), Some("d"), None, Some("1"));
        assert!(key.is_some());
        assert_ne!(key, session_key(None, Some("d"), None, Some("1")));
        assert_ne!(key, session_key(Some("s"), Some("e"), None, Some("1")));
        assert_eq!(session_key(Some("s"), Some("d"), None, None), None);
    }
}
