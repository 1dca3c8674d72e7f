//! Where visits come from: campaigns, search engines, social sites, other sites.

use super::dice::Dice;
use super::zipf::Zipf;

/// A traffic source as GA4 names it.
pub struct Tag {
    pub source: String,
    pub medium: String,
    pub campaign: String,
}

/// Which click id the address of the landing page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Click {
    None,
    Google,
    Facebook,
}

/// How one visit came; the numbers lead into the tables of `Sources`.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub tag: u16,
    pub referrer: u16,
    /// The query with the UTM parameters.
    pub query: u16,
    pub click: Click,
    /// How often in a thousand such a visit ends in a purchase.
    pub buys: u16,
}

pub struct Sources {
    pub tags: Vec<Tag>,
    /// Addresses; the first is none.
    pub referrers: Vec<String>,
    /// What stands after `?`; the first is nothing.
    pub queries: Vec<String>,
    campaigns: Vec<Arrival>,
    campaign_ranks: Zipf,
    searches: Vec<Arrival>,
    socials: Vec<Arrival>,
    sites: Vec<Arrival>,
    site_ranks: Zipf,
    payments: Vec<u16>,
    direct: Arrival,
    google_ads: Arrival,
}

const CAMPAIGNS: u32 = 60;
const SITES: u32 = 200;

/// Source, medium, referrer, click id, purchases in a thousand visits.
const CHANNELS: [(&str, &str, &str, Click, u16); 10] = [
    (
        "google",
        "cpc",
        "https://www.google.com/",
        Click::Google,
        52,
    ),
    ("newsletter", "email", "", Click::None, 90),
    (
        "facebook",
        "paid_social",
        "https://l.facebook.com/",
        Click::Facebook,
        24,
    ),
    ("bing", "cpc", "https://www.bing.com/", Click::None, 50),
    (
        "instagram",
        "paid_social",
        "https://l.instagram.com/",
        Click::Facebook,
        20,
    ),
    ("tiktok", "paid", "https://www.tiktok.com/", Click::None, 15),
    (
        "adnet",
        "display",
        "https://ads.adnet.example/",
        Click::None,
        10,
    ),
    (
        "partner-a",
        "affiliate",
        "https://www.partner-a.example/",
        Click::None,
        60,
    ),
    (
        "youtube",
        "cpv",
        "https://www.youtube.com/",
        Click::None,
        15,
    ),
    ("crm", "sms", "", Click::None, 80),
];

/// As people write them; in the address, `%2C` and `+` stand for the comma and the space.
const THEMES: [&str; 9] = [
    "brand",
    "generic_tea",
    "autumn, sale",
    "shopping_all",
    "matcha",
    "gifts 2026",
    "retarget",
    "new-in",
    "pmax",
];

const SEARCHES: [(&str, &str); 8] = [
    ("google", "https://www.google.com/"),
    ("google", "https://www.google.com/"),
    ("google", "https://www.google.de/"),
    ("google", "https://www.google.co.uk/"),
    ("google", "https://www.google.com/"),
    ("bing", "https://www.bing.com/"),
    ("duckduckgo", "https://duckduckgo.com/"),
    ("yahoo", "https://search.yahoo.com/"),
];

const SOCIALS: [(&str, &str); 8] = [
    ("l.facebook.com", "https://l.facebook.com/"),
    ("m.facebook.com", "https://m.facebook.com/"),
    ("instagram.com", "https://www.instagram.com/"),
    ("t.co", "https://t.co/"),
    ("pinterest.com", "https://www.pinterest.com/"),
    ("reddit.com", "https://www.reddit.com/r/tea/"),
    ("youtube.com", "https://www.youtube.com/"),
    ("chatgpt.com", "https://chatgpt.com/"),
];

/// Hosts that a buyer comes back from after paying.
const PAYMENTS: [&str; 3] = [
    "https://www.paypal.com/",
    "https://checkout.stripe.com/",
    "https://www.klarna.com/",
];

impl Sources {
    pub fn new() -> Self {
        let nothing = Arrival {
            tag: 0,
            referrer: 0,
            query: 0,
            click: Click::None,
            buys: 49,
        };
        let mut sources = Self {
            tags: vec![tag("(direct)", "(none)", "(direct)")],
            referrers: vec![String::new()],
            queries: vec![String::new()],
            campaigns: Vec::new(),
            campaign_ranks: Zipf::new(CAMPAIGNS, 1.0),
            searches: Vec::new(),
            socials: Vec::new(),
            sites: Vec::new(),
            site_ranks: Zipf::new(SITES, 1.0),
            payments: Vec::new(),
            direct: nothing,
            google_ads: nothing,
        };
        sources.add_campaigns();
        sources.google_ads = Arrival {
            click: Click::Google,
            ..sources.arrival(tag("google", "cpc", ""), "https://www.google.com/", 50)
        };
        for (name, referrer) in SEARCHES {
            let arrival = sources.arrival(tag(name, "organic", "(organic)"), referrer, 38);
            sources.searches.push(arrival);
        }
        for (name, referrer) in SOCIALS {
            let arrival = sources.arrival(tag(name, "referral", "(referral)"), referrer, 18);
            sources.socials.push(arrival);
        }
        for nth in 0..SITES {
            let host = format!("blog-{nth:03}.example.org");
            let referrer = format!("https://{host}/posts/{}", nth * 37 % 101);
            let arrival = sources.arrival(tag(&host, "referral", "(referral)"), &referrer, 30);
            sources.sites.push(arrival);
        }
        sources.payments = PAYMENTS.map(|page| sources.referrer(page)).to_vec();
        sources
    }

    pub fn draw(&self, dice: &mut Dice) -> Arrival {
        match dice.below(1000) {
            0..150 => self.campaign(dice),
            150..200 => self.google_ads,
            200..440 => *dice.pick(&self.searches),
            440..520 => {
                let arrival = *dice.pick(&self.socials);
                let is_facebook =
                    self.referrers[usize::from(arrival.referrer)].contains("facebook");
                let click = match is_facebook && dice.permille(400) {
                    true => Click::Facebook,
                    false => Click::None,
                };
                Arrival { click, ..arrival }
            }
            520..620 => self.sites[self.site_ranks.draw(dice) as usize],
            620..630 => Arrival {
                referrer: self.payment(dice),
                ..self.direct
            },
            _ => self.direct,
        }
    }

    /// The page of a payment provider, as a referrer.
    pub fn payment(&self, dice: &mut Dice) -> u16 {
        *dice.pick(&self.payments)
    }

    fn campaign(&self, dice: &mut Dice) -> Arrival {
        let campaign = self.campaigns[self.campaign_ranks.draw(dice) as usize];
        let click = match dice.permille(800) {
            true => campaign.click,
            false => Click::None,
        };
        Arrival { click, ..campaign }
    }

    fn add_campaigns(&mut self) {
        for nth in 0..CAMPAIGNS as usize {
            let (source, medium, referrer, click, buys) = CHANNELS[nth % CHANNELS.len()];
            let name = format!("{}_{nth:02}", THEMES[nth % THEMES.len()]);
            let encoded = name.replace(',', "%2C").replace(' ', "+");
            let query =
                format!("utm_source={source}&utm_medium={medium}&utm_campaign={encoded}");
            self.queries.push(query);
            let arrival = Arrival {
                query: last(&self.queries),
                click,
                ..self.arrival(tag(source, medium, &name), referrer, buys)
            };
            self.campaigns.push(arrival);
        }
    }

    fn arrival(&mut self, tag: Tag, referrer: &str, buys: u16) -> Arrival {
        self.tags.push(tag);
        Arrival {
            tag: last(&self.tags),
            referrer: self.referrer(referrer),
            query: 0,
            click: Click::None,
            buys,
        }
    }

    fn referrer(&mut self, address: &str) -> u16 {
        if address.is_empty() {
            return 0;
        }
        self.referrers.push(address.to_owned());
        last(&self.referrers)
    }
}

/// The tables are far shorter than 65,536 rows.
fn last<T>(items: &[T]) -> u16 {
    (items.len() - 1) as u16
}

fn tag(source: &str, medium: &str, campaign: &str) -> Tag {
    Tag {
        source: source.to_owned(),
        medium: medium.to_owned(),
        campaign: campaign.to_owned(),
    }
}
