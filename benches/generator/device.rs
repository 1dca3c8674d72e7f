//! A device and who uses it: everything follows from its number and the seed, so that
//! nothing needs to be kept.

use super::dice::{Dice, mix};
use super::site::{STREAMS, Stream};

/// Category, operating system, browser.
pub type Class = (&'static str, &'static str, &'static str);

const CLASSES: [Class; 10] = [
    ("mobile", "iOS", "Safari"),
    ("desktop", "Windows", "Chrome"),
    ("mobile", "Android", "Chrome"),
    ("mobile", "iOS", "Safari"),
    ("desktop", "Macintosh", "Safari"),
    ("mobile", "Android", "Samsung Internet"),
    ("desktop", "Windows", "Edge"),
    ("tablet", "iOS", "Safari"),
    ("mobile", "Android", "Chrome"),
    ("desktop", "Linux", "Firefox"),
];

/// Country, region, city, language.
pub type Place = (&'static str, &'static str, &'static str, &'static str);

/// By stream.
const PLACES: [&[Place]; 3] = [
    &[
        ("Germany", "Berlin", "Berlin", "de-de"),
        ("Germany", "Bavaria", "Munich", "de-de"),
        ("Germany", "Hamburg", "Hamburg", "de-de"),
        ("Germany", "North Rhine-Westphalia", "Cologne", "de-de"),
        ("Austria", "Vienna", "Vienna", "de-at"),
        ("France", "Île-de-France", "Paris", "fr-fr"),
        ("France", "Occitanie", "Toulouse", "fr-fr"),
        ("Netherlands", "North Holland", "Amsterdam", "nl-nl"),
        ("Spain", "Community of Madrid", "Madrid", "es-es"),
        ("Côte d’Ivoire", "Abidjan", "Abidjan", "fr-ci"),
    ],
    &[
        ("United States", "California", "Los Angeles", "en-us"),
        ("United States", "New York", "New York", "en-us"),
        ("United States", "Texas", "Austin", "en-us"),
        ("United States", "Illinois", "Chicago", "en-us"),
        (
            "United States",
            "District of Columbia",
            "Washington",
            "en-us",
        ),
        ("Canada", "Ontario", "Toronto", "en-ca"),
        ("Canada", "Quebec", "Montreal", "fr-ca"),
    ],
    &[
        ("United Kingdom", "England", "London", "en-gb"),
        ("United Kingdom", "England", "Leeds", "en-gb"),
        ("United Kingdom", "Scotland", "Edinburgh", "en-gb"),
        ("Ireland", "County Dublin", "Dublin", "en-ie"),
    ],
];

/// What a device knows of its user on one visit.
pub struct Login {
    pub account: u32,
    pub is_signed_in: bool,
    /// Whether the user signs in on the way.
    pub signs_in: bool,
}

/// Accounts of second users of a device are above all others.
const SECOND_ACCOUNT: u32 = 1 << 30;

pub struct Device {
    pub id: u32,
    pub stream: &'static Stream,
    pub class: &'static Class,
    pub place: &'static Place,
    /// Whether its rows tell their places in their batches.
    pub is_batched: bool,
    /// Visits before the first that is generated.
    pub visits_before: u32,
    /// Unix seconds, as in its id.
    first_seen: u64,
    login_dice: u64,
}

impl Device {
    pub fn new(seed: u64, id: u32) -> Self {
        let mut dice = Dice::new(seed, u64::from(id));
        let mut share = dice.below(1000);
        let mut stream = 0;
        while share >= STREAMS[stream].share {
            share -= STREAMS[stream].share;
            stream += 1;
        }
        Self {
            id,
            stream: &STREAMS[stream],
            class: dice.pick(&CLASSES),
            place: dice.pick(PLACES[stream]),
            is_batched: dice.permille(750),
            visits_before: if dice.permille(250) {
                1 + dice.below(20) as u32
            } else {
                0
            },
            first_seen: 1_760_000_000 + dice.below(20_000_000),
            login_dice: dice.next(),
        }
    }

    /// The two numbers of its `user_pseudo_id`. The first is its own: multiplying by an odd
    /// number maps 31 bits one to one.
    pub fn pseudo_id(&self) -> (u64, u64) {
        let own = self.id.wrapping_mul(1_580_030_173) & 0x7fff_ffff;
        (u64::from(own), self.first_seen)
    }

    /// Who is signed in on the `nth` visit (from 1), if the device is anybody's. Some pairs of
    /// devices have one user, some devices two users in turn.
    pub fn login(&self, seed: u64, nth: u32) -> Option<Login> {
        let pair = self.id / 2;
        let is_pair = mix(seed ^ mix(u64::from(pair) << 32)) % 1000 < 25;
        let mut dice = Dice::new(seed, self.login_dice);
        if !is_pair && !dice.permille(205) {
            return None;
        }
        let first_visit = match dice.below(100) {
            0..62 => 1,
            62..80 => 2,
            80..90 => 3,
            _ => 4 + dice.below(4) as u32,
        };
        if nth < first_visit {
            return None;
        }
        let owner = if is_pair { pair * 2 } else { self.id };
        let has_second_user = dice.permille(30);
        let signs_in = nth == first_visit;
        let account = match has_second_user && (nth - first_visit) % 2 == 1 {
            true => SECOND_ACCOUNT + self.id,
            false => owner,
        };
        Some(Login {
            account,
            is_signed_in: !signs_in && mix(self.login_dice ^ u64::from(nth)) % 1000 < 850,
            signs_in,
        })
    }
}

/// An account's `user_id` as a number.
pub fn user_id(account: u32) -> u64 {
    10_000_000 + u64::from(account)
}
