//! Rows as flat CSV.

use std::io::{self, Write};

use super::cells::{Cells, shortest};

pub const HEADER: &str = "event_date,event_timestamp,event_name,user_id,user_pseudo_id,\
    stream_id,platform,ga_session_id,ga_session_number,batch_page_id,batch_ordering_id,\
    batch_event_index,page_location,page_referrer,page_title,source,medium,campaign,\
    engagement_time_msec,collected_traffic_source.manual_source,\
    collected_traffic_source.manual_medium,collected_traffic_source.manual_campaign_name,\
    collected_traffic_source.gclid,traffic_source.source,traffic_source.medium,\
    traffic_source.name,device.category,device.operating_system,device.web_info.browser,\
    device.language,geo.country,geo.region,geo.city,value,currency,purchase_revenue,\
    transaction_id,items\n";

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

pub struct FlatWriter<W> {
    out: W,
    line: Line,
}

impl<W: Write> FlatWriter<W> {
    pub fn new(out: W) -> Self {
        let mut line = Line(Vec::with_capacity(BUFFER + (1 << 16)));
        line.raw(HEADER);
        Self { out, line }
    }

    pub fn write(&mut self, cells: &Cells<'_>) -> io::Result<()> {
        put(&mut self.line, cells);
        if self.line.0.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.line.0)?;
        self.line.0.clear();
        Ok(())
    }
}

fn put(line: &mut Line, cells: &Cells<'_>) {
    line.raw(&cells.date);
    line.comma().number(cells.at.unsigned_abs());
    line.comma().raw(cells.name);
    line.comma();
    if let Some(user_id) = cells.user_id {
        line.raw("u").number(user_id);
    }
    line.comma()
        .number(cells.pseudo_id.0)
        .raw(".")
        .number(cells.pseudo_id.1);
    line.comma().number(cells.stream_id.unsigned_abs());
    line.raw(",WEB,");
    if let Some(session_id) = cells.session_id {
        line.number(session_id.unsigned_abs());
        line.comma().number(cells.session_number.unsigned_abs());
    } else {
        line.comma();
    }
    match cells.batch {
        Some(batch) => {
            line.comma().number(batch.page_id.unsigned_abs());
            line.comma().number(batch.ordering_id.into());
            line.comma().number(batch.event_index.into());
        }
        None => {
            line.raw(",,,");
        }
    }
    line.comma().raw(&cells.location);
    line.comma().raw(&cells.referrer);
    line.comma().text(cells.title);
    line.tag(cells.params);
    line.comma();
    if let Some(engagement_ms) = cells.engagement_ms {
        line.number(engagement_ms.unsigned_abs());
    }
    line.tag(cells.collected);
    line.comma().raw(&cells.gclid);
    line.tag(Some(cells.first));
    let (category, system, browser) = cells.class;
    let (country, region, city, language) = cells.place;
    for text in [category, system, browser, language, country, region, city] {
        line.comma().raw(text);
    }
    line.comma();
    if let Some(cents) = cells.cents {
        line.money(cents);
    }
    line.comma().raw(cells.currency);
    if cells.transaction.is_empty() {
        line.raw(",,,\n");
        return;
    }
    line.comma().money(cells.cents.unwrap_or_default());
    line.comma().raw(&cells.transaction);
    line.comma().text(&items(cells)).raw("\n");
}

/// The items as JSON.
fn items(cells: &Cells<'_>) -> String {
    let items = cells.items().map(|(page, product, quantity)| {
        format!(
            "{{\"item_id\":\"SKU{page:05}\",\"item_name\":\"{}\",\"price\":{},\"quantity\":{}}}",
            product.title.replace('"', "\\\""),
            shortest(product.cents),
            quantity
        )
    });
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// Bytes of lines.
struct Line(Vec<u8>);

impl Line {
    fn comma(&mut self) -> &mut Self {
        self.0.push(b',');
        self
    }

    /// A text that needs no quotes.
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A text in quotes where it needs them.
    fn text(&mut self, text: &str) -> &mut Self {
        // Without a way out early, so that many bytes are looked at at once.
        let is_special = |found, byte| found | (byte == b',') | (byte == b'"');
        if !text.bytes().fold(false, is_special) {
            return self.raw(text);
        }
        let mut quotes = "\"";
        for part in text.split('"') {
            self.raw(quotes).raw(part);
            quotes = "\"\"";
        }
        self.raw("\"")
    }

    /// A comma and a text, three times.
    fn tag(&mut self, tag: Option<&super::arrivals::Tag>) -> &mut Self {
        match tag {
            Some(tag) => {
                self.comma().raw(&tag.source).comma().raw(&tag.medium);
                self.comma().text(&tag.campaign)
            }
            None => self.raw(",,,"),
        }
    }

    fn money(&mut self, cents: u32) -> &mut Self {
        self.number(u64::from(cents / 100)).raw(".");
        self.0.push(b'0' + (cents / 10 % 10) as u8);
        self.0.push(b'0' + (cents % 10) as u8);
        self
    }

    /// Two digits at a time.
    fn number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0; 20];
        let mut first = digits.len();
        while number >= 10 {
            first -= 2;
            digits[first..first + 2].copy_from_slice(&PAIRS[(number % 100) as usize]);
            number /= 100;
        }
        if number > 0 || first == digits.len() {
            first -= 1;
            digits[first] = b'0' + number as u8;
        }
        self.0.extend_from_slice(&digits[first..]);
        self
    }
}

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};
