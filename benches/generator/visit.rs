//! What happens on one visit: its events, in the order in which they happen.

use super::Tables;
use super::device::{Device, Login};
use super::dice::Dice;
use super::row::{Batch, Name, Referrer, Row, Visit};
use super::site::{self, CHECKOUT, HOME, THANK_YOU};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// One visit while it is told.
pub struct Teller<'a> {
    pub tables: &'a Tables,
    pub dice: &'a mut Dice,
    /// The number that the next order has.
    pub orders: &'a mut u32,
    pub rows: &'a mut Vec<Row>,
    /// What the next event looks like.
    next: Row,
    /// Microseconds since the event before.
    waited: i64,
    is_batched: bool,
}

impl<'a> Teller<'a> {
    pub fn new(
        tables: &'a Tables,
        dice: &'a mut Dice,
        orders: &'a mut u32,
        rows: &'a mut Vec<Row>,
        visit: Visit,
        at: i64,
    ) -> Self {
        let next = Row {
            at,
            visit,
            name: Name::SessionStart,
            page: HOME,
            is_landing: true,
            referrer: Referrer::None,
            is_signed_in: false,
            has_session_id: true,
            batch: None,
            engagement_ms: 0,
            cents: 0,
            order: 0,
            items: [(0, 0); 2],
        };
        Self {
            tables,
            dice,
            orders,
            rows,
            next,
            waited: 0,
            is_batched: false,
        }
    }

    pub fn tell(mut self, device: &Device, login: Option<Login>) {
        let arrival = self.next.visit.arrival;
        self.is_batched = device.is_batched;
        self.next.is_signed_in = login.as_ref().is_some_and(|login| login.is_signed_in);
        self.land();
        if login.is_some_and(|login| login.signs_in) {
            self.wait(5 * SECOND, 90 * SECOND);
            self.next.is_signed_in = true;
            self.event(Name::Login);
        }
        while self.dice.permille(708) {
            self.browse();
        }
        if self.dice.permille(u64::from(arrival.buys)) {
            self.buy();
        }
    }

    /// The events of the landing share a time.
    fn land(&mut self) {
        let arrival = self.next.visit.arrival;
        if arrival.referrer != 0 {
            self.next.referrer = Referrer::Other(arrival.referrer);
        }
        if !self.dice.permille(350) {
            self.next.page = self.tables.site.draw(self.dice);
        }
        self.open_batch();
        self.event(Name::SessionStart);
        if self.next.visit.number == 1 {
            self.event(Name::FirstVisit);
        }
        self.event(Name::PageView);
    }

    fn browse(&mut self) {
        let is_product = site::is_product(self.next.page);
        match self.dice.below(100) {
            // The browser sends what it has along with an event of the same time.
            0..18 => self.engage(Name::Scroll),
            18..44 => self.engage(Name::UserEngagement),
            44..59 if is_product => self.offer(Name::ViewItem),
            59..66 if is_product => self.offer(Name::AddToCart),
            _ => {
                let page = self.tables.site.draw(self.dice);
                self.go(page);
            }
        }
    }

    fn engage(&mut self, name: Name) {
        let is_after_other = self.waited > 0 && self.last_name() != Some(name);
        if is_after_other && self.dice.permille(300) {
            self.next.engagement_ms = 100 + self.dice.below(900) as u32;
            self.waited = 0;
        } else {
            self.pause();
            self.next.engagement_ms = (self.waited / 1000) as u32;
        }
        self.event(name);
    }

    /// Something about the product of the page.
    fn offer(&mut self, name: Name) {
        self.pause();
        self.next.cents = self.tables.site.pages[usize::from(self.next.page)].cents;
        self.event(name);
    }

    fn buy(&mut self) {
        if !site::is_product(self.next.page) {
            let page = self.tables.site.product(self.dice);
            self.go(page);
        }
        self.offer(Name::AddToCart);
        let items = self.basket();
        self.go(CHECKOUT);
        self.next.cents = self.total(items);
        self.event(Name::BeginCheckout);

        // A pause at the bank sometimes is long.
        let longest = if self.dice.permille(30) { 29 } else { 5 };
        self.wait(30 * SECOND, longest * MINUTE);
        self.next.referrer = match self.dice.permille(600) {
            true => Referrer::Other(self.tables.sources.payment(self.dice)),
            false => self.here(),
        };
        self.next.page = THANK_YOU;
        self.next.is_landing = false;
        *self.orders += 1;
        self.purchase(items);
        if self.dice.permille(10) {
            // The thank-you page again.
            self.wait(MINUTE, 20 * MINUTE);
            self.purchase(items);
        }
    }

    fn purchase(&mut self, items: [(u16, u16); 2]) {
        self.open_batch();
        self.next.cents = self.total(items);
        self.next.order = *self.orders;
        self.next.items = items;
        self.event(Name::Purchase);
    }

    fn basket(&mut self) -> [(u16, u16); 2] {
        let first = (self.next.page, 1 + self.dice.below(3) as u16);
        let other = self.tables.site.product(self.dice);
        let quantity = u16::from(self.dice.permille(400));
        [first, (other, quantity)]
    }

    fn total(&self, items: [(u16, u16); 2]) -> u32 {
        let cents = |(page, quantity): (u16, u16)| {
            self.tables.site.pages[usize::from(page)].cents * u32::from(quantity)
        };
        items.into_iter().map(cents).sum()
    }

    fn go(&mut self, page: u16) {
        self.pause();
        self.next.referrer = self.here();
        self.next.page = page;
        self.next.is_landing = false;
        self.open_batch();
        self.next.engagement_ms = (self.waited / 1000) as u32;
        self.event(Name::PageView);
    }

    fn here(&self) -> Referrer {
        Referrer::Own(self.next.page, self.next.is_landing)
    }

    fn last_name(&self) -> Option<Name> {
        self.rows.last().map(|row| row.name)
    }

    /// Mostly some seconds, sometimes a cup of tea.
    fn pause(&mut self) {
        if self.dice.permille(15) {
            self.wait(5 * MINUTE, 28 * MINUTE);
        } else {
            let most = 1 + self.dice.below(90 * SECOND as u64) as i64;
            self.wait(SECOND, SECOND + most);
        }
    }

    fn wait(&mut self, least: i64, most: i64) {
        self.waited = least + self.dice.below((most - least) as u64) as i64;
        self.next.at += self.waited;
    }

    /// A page opens with a batch of its own.
    fn open_batch(&mut self) {
        if self.is_batched {
            self.next.batch = Some(Batch {
                page_id: self.next.at / 1000,
                ordering_id: 1,
                event_index: 1,
            });
        }
    }

    fn event(&mut self, name: Name) {
        let loses_session_id = self.dice.permille(2);
        self.rows.push(Row {
            name,
            has_session_id: self.next.visit.has_session_id && !loses_session_id,
            ..self.next
        });
        self.next.engagement_ms = 0;
        self.next.cents = 0;
        self.next.order = 0;
        self.next.items = [(0, 0); 2];
        if let Some(batch) = &mut self.next.batch {
            batch.event_index += 1;
            if batch.event_index > 3 {
                batch.ordering_id += 1;
                batch.event_index = 1;
            }
        }
    }
}
