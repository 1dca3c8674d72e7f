//! The days, one after the other: whose visits begin, what they leave for the next day, and
//! in what order the rows arrive.

use super::Tables;
use super::device::Device;
use super::dice::{Dice, mix};
use super::late;
use super::plan::{MICROS_PER_DAY, Plan};
use super::row::{Name, Row, Visit};
use super::visit::Teller;
use super::zipf::Zipf;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
/// Two visits of a device are further apart than GA4's session timeout.
const APART: i64 = 31 * 60 * SECOND;

/// How visits spread over the hours, UTC.
const HOURS: [u64; 24] = [
    20, 8, 5, 3, 3, 5, 10, 20, 30, 38, 40, 42, 45, 40, 40, 42, 45, 52, 62, 75, 82, 78, 70, 60,
];

/// Rows that a visit gives on average, in hundredths.
const ROWS_PER_VISIT: u64 = 505;

/// The rows of a file, with the order in which they arrived.
#[derive(Default)]
pub struct Day {
    rows: Vec<Row>,
    /// Arrival and index.
    order: Vec<(i64, u32)>,
}

impl Day {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.order
            .iter()
            .map(|(_, index)| &self.rows[*index as usize])
    }

    pub fn push(&mut self, arrives: i64, row: Row) {
        self.order.push((arrives, self.rows.len() as u32));
        self.rows.push(row);
    }

    pub fn sort(&mut self) {
        self.order.sort_unstable();
    }
}

/// What goes on from day to day.
pub struct World<'a> {
    tables: &'a Tables,
    plan: Plan,
    ranks: Zipf,
    /// Of the devices that come again: their visits so far, and when the last one ended, in
    /// seconds since the first day.
    visits: Vec<u16>,
    ends: Vec<u32>,
    /// The number of the next device that comes once only.
    next_device: u32,
    orders: u32,
    /// Rows for the next day's file.
    carried: Day,
    /// A few rows of one day that arrive long after it.
    pub late: Day,
}

impl<'a> World<'a> {
    pub fn new(tables: &'a Tables, plan: Plan) -> Self {
        // So that, with those that come once, there is a device to every 12 events.
        let devices = (plan.events / 1000 * 227).clamp(1000, 1 << 30) as u32;
        Self {
            tables,
            plan,
            ranks: Zipf::new(devices, f64::from(devices) / 5000.0),
            visits: vec![0; devices as usize],
            ends: vec![0; devices as usize],
            next_device: devices.next_multiple_of(2),
            orders: 0,
            carried: Day::default(),
            late: Day::default(),
        }
    }

    /// The rows of the next day's file, `plan.rows(index)` of them.
    pub fn day(&mut self, index: u32) -> Day {
        let mut dice = Dice::new(self.plan.seed, u64::from(index) << 40);
        let mut day = std::mem::take(&mut self.carried);
        let quota = self.plan.rows(index) as usize;
        let start = self.plan.start(index);
        let mut told = Vec::new();
        while day.len() < quota {
            // Too few at first, so that what is cut off at the end does not fall on the evening.
            let missing = (quota - day.len()) as u64;
            let count = missing * 97 / ROWS_PER_VISIT + 1;
            let mut starts: Vec<i64> = (0..count).map(|_| start + time(&mut dice)).collect();
            starts.sort_unstable();
            for at in starts {
                self.visit(index, at, &mut dice, &mut told);
                for row in told.drain(..) {
                    self.arrive(row, &mut day, (start, quota), &mut dice);
                }
            }
        }
        if index == self.plan.late_day() {
            self.late = self.late_rows(&day, index);
        }
        day.sort();
        day
    }

    /// Puts a row into the file of its day, and some twice.
    fn arrive(&mut self, row: Row, day: &mut Day, limits: (i64, usize), dice: &mut Dice) {
        let (start, quota) = limits;
        let delay = if dice.permille(10) { 60 } else { 2 };
        let arrives = row.at + dice.below(delay * SECOND as u64) as i64;
        let is_today = row.at < start + MICROS_PER_DAY;
        if day.len() >= quota {
            return;
        }
        if is_today {
            day.push(arrives, row);
        } else {
            self.carried.push(arrives, row);
        }
        if dice.permille(20) {
            let again = arrives + dice.below(HOUR as u64) as i64;
            if !is_today {
                self.carried.push(again, row);
            } else if dice.permille(200) {
                self.carried.push(again + MICROS_PER_DAY, row);
            } else if day.len() < quota {
                day.push(again, row);
            }
        }
    }

    fn visit(&mut self, index: u32, at: i64, dice: &mut Dice, told: &mut Vec<Row>) {
        let Some((device, nth)) = self.visitor(at, dice) else {
            return;
        };
        self.tell(index, at, (device, nth), dice, told);
        if let (Some(end), Some(last)) = (self.ends.get_mut(device as usize), told.last()) {
            *end = ((last.at - self.plan.start(0)) / SECOND) as u32 + 1;
        }
    }

    /// A device that comes once, or one that comes again and is not there at the moment; and
    /// the how-manieth visit it is.
    fn visitor(&mut self, at: i64, dice: &mut Dice) -> Option<(u32, u32)> {
        if dice.permille(200) {
            self.next_device += 1;
            return Some((self.next_device - 1, 1));
        }
        let since = at - self.plan.start(0) - APART;
        for _ in 0..20 {
            let device = self.ranks.draw(dice);
            let visits = &mut self.visits[device as usize];
            let is_away = i64::from(self.ends[device as usize]) * SECOND < since;
            if *visits == 0 || (is_away && *visits < u16::MAX) {
                *visits += 1;
                return Some((device, u32::from(*visits)));
            }
        }
        None
    }

    fn tell(
        &mut self,
        index: u32,
        at: i64,
        (id, nth): (u32, u32),
        dice: &mut Dice,
        told: &mut Vec<Row>,
    ) {
        let device = Device::new(self.plan.seed, id);
        let number = device.visits_before + nth;
        let mut first_dice = Dice::new(self.plan.seed, u64::from(id) << 32 | 1);
        let first = self.tables.sources.draw(&mut first_dice);
        let arrival = if number == 1 {
            first
        } else {
            self.tables.sources.draw(dice)
        };
        let login = device.login(self.plan.seed, nth);
        let visit = Visit {
            device: id,
            account: login.as_ref().map_or(0, |login| login.account),
            session: at / SECOND,
            number,
            arrival,
            first_tag: first.tag,
            has_session_id: !dice.permille(8),
            has_source_params: dice.permille(if arrival.tag == 0 { 100 } else { 600 }),
            is_collected: index >= self.plan.days / 3,
        };
        Teller::new(self.tables, dice, &mut self.orders, told, visit, at).tell(&device, login);
    }

    /// New events of visits of the day, and a visit of a new device with a purchase.
    fn late_rows(&mut self, day: &Day, index: u32) -> Day {
        let mut dice = Dice::new(self.plan.seed, u64::MAX);
        let start = self.plan.start(index);
        let mut late = late::more(day, start..start + MICROS_PER_DAY - HOUR);
        let mut told = Vec::new();
        let id = self.next_device;
        self.next_device += 1;
        let at = start + 12 * HOUR + (mix(self.plan.seed) % 1000) as i64;
        while !told.iter().any(|row: &Row| row.name == Name::Purchase) {
            told.clear();
            self.tell(index, at, (id, 1), &mut dice, &mut told);
        }
        for row in told {
            late.push(row.at, row);
        }
        late.sort();
        late
    }
}

/// Microseconds into a day.
fn time(dice: &mut Dice) -> i64 {
    let mut left = dice.below(HOURS.iter().sum());
    let mut hour = 0;
    while left >= HOURS[hour] {
        left -= HOURS[hour];
        hour += 1;
    }
    hour as i64 * HOUR + dice.below(HOUR as u64) as i64
}
