//! The canonical event: what every input shape is turned into before it becomes a row.
//!
//! Readers offer values to fields; the event cleans and types them, lifts params that have
//! a column of their own, and decides between several sources of one field by rank. Because
//! everything passes through here, the same event gives the same row whatever its shape.

use std::borrow::Cow;

use super::clean::{clean, clean_numeric};
use super::field::{Field, Kind};
use super::json::Json;
use super::money::{Decimal, Money};
use super::reject::{Rejection, reason};
use super::timestamp::{self, Unit};
use super::value::{Value, trim};

/// The rank of a value that the user mapped: it stands, even if it is empty.
const EXPLICIT: u16 = 0;
/// The rank of an event param that is lifted: any column comes before it.
pub(crate) const PARAM_RANK: u16 = 1000;

/// One event with its fields filled in, borrowing from the record that it was read from.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    texts: [Option<Cow<'a, str>>; Field::COUNT],
    ints: [Option<i64>; Field::INTS.len()],
    ranks: [u16; Field::COUNT],
    timestamp: Option<Value<'a>>,
    purchase_revenue: Option<Money>,
    value: Option<Money>,
    params: Pairs<'a>,
    user_properties: Pairs<'a>,
}

/// Names and canonical texts of params or user properties.
pub(crate) type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl Default for Event<'_> {
    fn default() -> Self {
        Event {
            texts: [const { None }; Field::COUNT],
            ints: [None; Field::INTS.len()],
            ranks: [u16::MAX; Field::COUNT],
            timestamp: None,
            purchase_revenue: None,
            value: None,
            params: Vec::new(),
            user_properties: Vec::new(),
        }
    }
}

impl<'a> Event<'a> {
    pub fn new() -> Self {
        Event::default()
    }

    /// Gives a field the value that the user mapped to it. It stands, even if it is empty.
    pub fn set(&mut self, field: Field, value: Value<'a>) {
        if self.ranks[field as usize] == EXPLICIT {
            return;
        }
        self.texts[field as usize] = None;
        if let Some(place) = field.int_place() {
            self.ints[place] = None;
        }
        match field {
            Field::EventTimestamp => self.timestamp = None,
            Field::PurchaseRevenue => self.purchase_revenue = None,
            Field::Value => self.value = None,
            _ => {}
        }
        self.store(field, value);
        self.ranks[field as usize] = EXPLICIT;
    }

    /// Offers a field a value. Of several that are not empty, the lowest `rank` (from 1) stands,
    /// and the first of equals.
    pub fn offer(&mut self, field: Field, rank: u16, value: Value<'a>) {
        if rank < self.ranks[field as usize] && self.store(field, value) {
            self.ranks[field as usize] = rank;
        }
    }

    /// Cleans and stores; says whether there was anything to store.
    fn store(&mut self, field: Field, value: Value<'a>) -> bool {
        let text = match field.kind() {
            Kind::Timestamp => {
                let empty = match &value {
                    Value::Null => true,
                    Value::Text(text) => clean(Cow::Borrowed(text)).is_none(),
                    _ => false,
                };
                if !empty {
                    self.timestamp = Some(value);
                }
                return !empty;
            }
            Kind::Money => {
                let Some(money) = Money::read(value) else {
                    return false;
                };
                if field == Field::Value {
                    self.value = Some(money);
                } else {
                    self.purchase_revenue = Some(money);
                }
                return true;
            }
            Kind::Int => return self.store_int(field, value),
            Kind::Id | Kind::Campaign | Kind::ClickId => value.into_text().and_then(clean),
            Kind::NumericId => value.into_text().and_then(clean_numeric),
            Kind::Text => value.into_text(),
            Kind::Items => items(value),
            Kind::Currency => value.into_text().map(|text| {
                if text.bytes().any(|b| b.is_ascii_lowercase()) || !text.is_ascii() {
                    Cow::Owned(text.to_uppercase())
                } else {
                    text
                }
            }),
        };
        let found = text.is_some();
        if found {
            self.texts[field as usize] = text;
        }
        found
    }

    /// Stores a whole number. What is none stays as a param of the field's name, so that
    /// nothing is lost.
    fn store_int(&mut self, field: Field, value: Value<'a>) -> bool {
        let Some(place) = field.int_place() else {
            return false;
        };
        let text = match value {
            Value::Int(int) => {
                self.ints[place] = Some(int);
                return true;
            }
            other => match other.into_text().and_then(clean) {
                Some(text) => text,
                None => return false,
            },
        };
        match text
            .parse()
            .ok()
            .or_else(|| Decimal::parse(&text)?.integer())
        {
            Some(int) => {
                self.ints[place] = Some(int);
                true
            }
            None => {
                self.params.push((Cow::Borrowed(field.name()), text));
                false
            }
        }
    }

    /// Adds an event param, or lifts it into the column that it has. Null params are left out;
    /// of two of one name, the first stands.
    pub fn param(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        if let Some(field) = Field::lifted(&name) {
            self.offer(field, PARAM_RANK, value);
        } else if let Some(text) = value.into_text() {
            let name = trim(name);
            if !name.is_empty() {
                self.params.push((name, text));
            }
        }
    }

    /// Adds a user property. Null ones are left out; of two of one name, the first stands.
    pub fn user_property(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        if let Some(text) = value.into_text() {
            let name = trim(name);
            if !name.is_empty() {
                self.user_properties.push((name, text));
            }
        }
    }

    /// Checks what a row cannot do without, and puts params in order. To be called once, when
    /// all is offered.
    ///
    /// # Errors
    /// The reason why the row is rejected.
    pub(crate) fn finish(&mut self) -> Result<(i64, Unit), Rejection> {
        let time = timestamp::read(self.timestamp.as_ref())?;
        if self.text(Field::EventName).is_none() {
            return Err(Rejection::new(
                reason::NO_EVENT_NAME,
                "the event has no name",
            ));
        }
        if self.text(Field::UserId).is_none() && self.text(Field::UserPseudoId).is_none() {
            let detail = "the event has neither a user_id nor a user_pseudo_id";
            return Err(Rejection::new(reason::NO_USER_ID, detail));
        }
        self.demote_click_ids();
        for pairs in [&mut self.params, &mut self.user_properties] {
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            pairs.dedup_by(|later, first| later.0 == first.0);
        }
        Ok(time)
    }

    /// Only the first click id has a place in the columns; the others are params.
    fn demote_click_ids(&mut self) {
        let mut found = false;
        for &field in Field::CLICK_IDS {
            if found {
                if let Some(text) = self.texts[field as usize].take() {
                    self.params.push((Cow::Borrowed(field.name()), text));
                }
            } else {
                found = self.texts[field as usize].is_some();
            }
        }
    }

    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts[field as usize].as_deref()
    }

    pub fn int(&self, field: Field) -> Option<i64> {
        self.ints[field.int_place()?]
    }

    /// The first click id: its type and itself.
    pub fn click_id(&self) -> Option<(&'static str, &str)> {
        Field::CLICK_IDS
            .iter()
            .find_map(|&field| Some((field.name(), self.text(field)?)))
    }

    pub fn purchase_revenue(&self) -> Option<Money> {
        self.purchase_revenue
    }

    pub fn value(&self) -> Option<Money> {
        self.value
    }

    /// The params that have no column, sorted by name once the event is finished.
    pub(crate) fn params(&self) -> &Pairs<'a> {
        &self.params
    }

    /// Sorted by name once the event is finished.
    pub(crate) fn user_properties(&self) -> &Pairs<'a> {
        &self.user_properties
    }
}

/// Items as canonical JSON text; text that is no JSON stays as it is.
fn items(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => match Json::parse(&text) {
            Ok(json) => json.canonical().map(Cow::Owned),
            Err(_) => Value::Text(text).into_text(),
        },
        other => other.into_text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Value<'static> {
        Value::Text(text.into())
    }

    fn usable() -> Event<'static> {
        let mut event = Event::new();
        event.offer(Field::EventTimestamp, 1, text("1607615248873729"));
        event.offer(Field::EventName, 1, text("purchase"));
        event.offer(Field::UserPseudoId, 1, text("d"));
        event
    }

    #[test]
    fn the_lowest_rank_that_is_not_empty_stands() {
        let mut event = Event::new();
        event.offer(Field::Source, 2, text("utm"));
        event.offer(Field::Source, 1, text("(not set)"));
        assert_eq!(event.text(Field::Source), Some("utm"));
        event.offer(Field::Source, 1, text("google"));
        event.offer(Field::Source, 1, text("second"));
        event.param("source".into(), text("param"));
        assert_eq!(event.text(Field::Source), Some("google"));
        event.set(Field::Source, Value::Null);
        event.offer(Field::Source, 1, text("google"));
        assert_eq!(event.text(Field::Source), None);
    }

    #[test]
    fn lifts_params_and_sorts_the_rest() {
        let mut event = usable();
        event.param("z".into(), Value::Int(1));
        event.param("a".into(), Value::Float(138.0));
        event.param("a".into(), text("again"));
        event.param("empty".into(), text(" "));
        event.param("page_title".into(), text(" T "));
        event.param("batch_page_id".into(), text("12.0"));
        event.param("ga_session_number".into(), text("many"));
        assert!(event.finish().is_ok());
        assert_eq!(event.text(Field::PageTitle), Some("T"));
        assert_eq!(event.int(Field::BatchPageId), Some(12));
        let params: Vec<_> = event.params().iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(
            params,
            [("a", "138"), ("ga_session_number", "many"), ("z", "1")]
        );
    }

    #[test]
    fn the_first_click_id_counts_and_others_are_params() {
        let mut event = usable();
        event.param("fbclid".into(), text("f"));
        event.param("dclid".into(), text("d"));
        event.offer(Field::Gclid, 1, text("(not set)"));
        assert!(event.finish().is_ok());
        assert_eq!(event.click_id(), Some(("dclid", "d")));
        assert_eq!(event.params()[0], ("fbclid".into(), "f".into()));
    }

    #[test]
    fn rejects_what_is_not_usable() {
        let reason = |event: &mut Event<'_>| event.finish().map_err(|r| r.reason);
        assert_eq!(reason(&mut Event::new()), Err(reason::NO_TIMESTAMP));
        let mut event = usable();
        event.set(Field::EventName, text(" "));
        assert_eq!(reason(&mut event), Err(reason::NO_EVENT_NAME));
        let mut event = usable();
        event.set(Field::UserPseudoId, text("(not set)"));
        assert_eq!(reason(&mut event), Err(reason::NO_USER_ID));
        event.offer(Field::UserId, 1, text("u"));
        assert!(reason(&mut event).is_ok());
    }

    #[test]
    fn upper_cases_currencies_and_flags_money() {
        let mut event = usable();
        event.offer(Field::Currency, 1, text("usd"));
        event.offer(Field::PurchaseRevenue, 1, Value::Float(f64::NAN));
        event.param("value".into(), text("1.50"));
        assert_eq!(event.text(Field::Currency), Some("USD"));
        assert_eq!(event.purchase_revenue(), Some(Money::NotANumber));
        assert_eq!(event.value(), Some(Money::Amount(1_500_000_000)));
    }
}
