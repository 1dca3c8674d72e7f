//! One event as it is kept until it is written: small and of one size, with numbers that
//! lead into the tables in place of texts.

use super::arrivals::Arrival;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    SessionStart,
    FirstVisit,
    PageView,
    Scroll,
    UserEngagement,
    ViewItem,
    AddToCart,
    BeginCheckout,
    Purchase,
    Login,
}

impl Name {
    pub fn text(self) -> &'static str {
        match self {
            Self::SessionStart => "session_start",
            Self::FirstVisit => "first_visit",
            Self::PageView => "page_view",
            Self::Scroll => "scroll",
            Self::UserEngagement => "user_engagement",
            Self::ViewItem => "view_item",
            Self::AddToCart => "add_to_cart",
            Self::BeginCheckout => "begin_checkout",
            Self::Purchase => "purchase",
            Self::Login => "login",
        }
    }

    /// Whether GA4 tells the traffic source with such an event of the landing page.
    pub fn tells_source(self) -> bool {
        matches!(self, Self::SessionStart | Self::FirstVisit | Self::PageView)
    }
}

/// What is the same for all events of a visit.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    pub device: u32,
    /// The account that the device is signed in to, once it is.
    pub account: u32,
    /// Unix seconds of the start.
    pub session: i64,
    /// The how-manieth of the device.
    pub number: u32,
    pub arrival: Arrival,
    /// The tag of the device's first visit of all.
    pub first_tag: u16,
    pub has_session_id: bool,
    /// Whether the landing's page view carries source, medium and campaign as params.
    pub has_source_params: bool,
    /// Whether the export has `collected_traffic_source` already.
    pub is_collected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referrer {
    None,
    /// A page of the site: its number, and whether it was the landing page.
    Own(u16, bool),
    /// An address in `Sources`.
    Other(u16),
}

#[derive(Debug, Clone, Copy)]
pub struct Batch {
    pub page_id: i64,
    pub ordering_id: u16,
    pub event_index: u16,
}

/// A product's page and how many of it.
pub type Item = (u16, u16);

#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Microseconds since the epoch, UTC.
    pub at: i64,
    pub visit: Visit,
    pub name: Name,
    pub page: u16,
    pub is_landing: bool,
    pub referrer: Referrer,
    pub is_signed_in: bool,
    pub has_session_id: bool,
    pub batch: Option<Batch>,
    /// 0 where it is not told.
    pub engagement_ms: u32,
    /// 0 where there is no value.
    pub cents: u32,
    /// The number of the order; 0 for all but purchases.
    pub order: u32,
    /// What was bought; a quantity of 0 is no item.
    pub items: [Item; 2],
}
