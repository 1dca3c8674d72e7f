//! What the shop shows: its hosts, a stream each, and a few thousand pages.

use super::dice::Dice;
use super::zipf::Zipf;

pub struct Stream {
    pub id: i64,
    pub origin: &'static str,
    pub currency: &'static str,
    /// How many in a thousand devices use it.
    pub share: u64,
}

pub const STREAMS: [Stream; 3] = [
    Stream {
        id: 3_921_844_501,
        origin: "https://www.teashop.example",
        currency: "EUR",
        share: 600,
    },
    Stream {
        id: 3_921_844_502,
        origin: "https://us.teashop.example",
        currency: "USD",
        share: 300,
    },
    Stream {
        id: 3_921_990_117,
        origin: "https://uk.teashop.example",
        currency: "GBP",
        share: 100,
    },
];

pub struct Page {
    pub path: String,
    pub title: String,
    /// What the product costs; 0 for other pages.
    pub cents: u32,
}

/// Pages that have a part to play.
pub const HOME: u16 = 0;
pub const CART: u16 = 1;
pub const CHECKOUT: u16 = 2;
pub const THANK_YOU: u16 = 3;
const CATEGORIES: u16 = 40;
const ARTICLES: u16 = 160;
const PRODUCTS: u16 = 3000;
const FIRST_CATEGORY: u16 = 4;
const FIRST_ARTICLE: u16 = FIRST_CATEGORY + CATEGORIES;
const FIRST_PRODUCT: u16 = FIRST_ARTICLE + ARTICLES;

const KINDS: [&str; 8] = [
    "Black", "White", "Iron", "Glass", "Spring", "Smoked", "Royal", "Travel",
];
const THINGS: [&str; 10] = [
    "Sencha", "Oolong", "Tea Pot", "Kettle", "Whisk", "Mug", "Caddy", "Strainer", "Assam",
    "Gift Box",
];
const TOPICS: [&str; 8] = [
    "brewing", "origins", "harvest", "health", "recipes", "tools", "storage", "people",
];

pub struct Site {
    pub pages: Vec<Page>,
    products: Zipf,
    others: Zipf,
}

impl Site {
    pub fn new() -> Self {
        let mut pages: Vec<Page> = [
            ("/", "Tea Shop | Loose leaf, pots and kettles"),
            ("/cart", "Your cart | Tea Shop"),
            ("/checkout", "Checkout | Tea Shop"),
            ("/checkout/thank-you", "Thank you, your order is on its way"),
        ]
        .into_iter()
        .map(|(path, title)| page(path.to_owned(), title.to_owned(), 0))
        .collect();
        pages.extend((0..usize::from(CATEGORIES)).map(|nth| {
            let thing = THINGS[nth % THINGS.len()];
            let path = format!("/c/{}-{nth:02}", slug(thing));
            page(path, format!("{thing}, all {} | Tea Shop", 20 + nth), 0)
        }));
        pages.extend((0..usize::from(ARTICLES)).map(|nth| {
            let topic = TOPICS[nth % TOPICS.len()];
            let title = format!("What is \"good\" tea? Notes on {topic}, part {nth}");
            page(format!("/journal/{topic}-{nth:03}"), title, 0)
        }));
        pages.extend((0..usize::from(PRODUCTS)).map(product));
        Self {
            pages,
            products: Zipf::new(u32::from(PRODUCTS), 20.0),
            others: Zipf::new(u32::from(CATEGORIES + ARTICLES), 4.0),
        }
    }

    /// A page to go to.
    pub fn draw(&self, dice: &mut Dice) -> u16 {
        match dice.below(100) {
            0..65 => self.product(dice),
            65..93 => FIRST_CATEGORY + self.others.draw(dice) as u16,
            93..96 => CART,
            _ => HOME,
        }
    }

    pub fn product(&self, dice: &mut Dice) -> u16 {
        FIRST_PRODUCT + self.products.draw(dice) as u16
    }
}

pub fn is_product(page: u16) -> bool {
    page >= FIRST_PRODUCT
}

fn product(nth: usize) -> Page {
    let kind = KINDS[nth / THINGS.len() % KINDS.len()];
    let thing = THINGS[nth % THINGS.len()];
    let path = format!("/p/{}-{}-{nth:04}", slug(kind), slug(thing));
    let title = match nth % 12 {
        0 => format!("{kind} {thing} No. {nth}, 100 g"),
        7 => format!("{kind} {thing} \"Edition {nth}\", 8\" tall"),
        _ => format!("{kind} {thing} No. {nth}"),
    };
    let cents = 290 + (nth * 7919 % 12_000) as u32;
    page(path, title, cents)
}

fn page(path: String, title: String, cents: u32) -> Page {
    Page { path, title, cents }
}

fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
