//! Exact decimals: from text or from a double's shortest text, never by float arithmetic.

use super::schema::MONEY_SCALE;
use super::value::{Value, float_text};

/// A decimal number as written: `digits × 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
}

/// Digits kept of a number; later ones only count as places.
const MAX_DIGITS: u32 = 38;
/// One more than the largest unscaled value of `DECIMAL(38, 9)`.
const LIMIT: u128 = 10u128.pow(38);

impl Decimal {
    /// Reads `-12.50`, `1.6e15`, `.5`; nothing else (no thousands separators, no currency
    /// signs, no NaN). The text must be trimmed.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (number, exponent) = match text.find(['e', 'E']) {
            None => (text, 0i32),
            Some(at) => {
                let exponent = &text[at + 1..];
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                // Anything longer than this is zero or too large either way.
                let size = digits.trim_start_matches('0');
                let size = if size.len() > 6 {
                    999_999
                } else {
                    size.parse().unwrap_or(0)
                };
                (
                    &text[..at],
                    if exponent.starts_with('-') {
                        -size
                    } else {
                        size
                    },
                )
            }
        };
        let (mut digits, mut kept, mut places) = (0u128, 0u32, exponent);
        let (mut point, mut any) = (false, false);
        for byte in number.bytes() {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    if kept < MAX_DIGITS {
                        digits = digits * 10 + u128::from(byte - b'0');
                        kept += u32::from(digits != 0);
                        places -= i32::from(point);
                    } else {
                        places += i32::from(!point);
                    }
                }
                b'.' if !point => point = true,
                _ => return None,
            }
        }
        any.then_some(Decimal {
            negative,
            digits,
            exponent: places,
        })
    }

    /// The number times `10^scale`, rounded half away from zero (BigQuery's rule for
    /// `NUMERIC`); nothing if it does not fit 38 digits.
    pub fn scaled(self, scale: i32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let shift = self.exponent.saturating_add(scale);
        let size = if shift >= 0 {
            let factor = 10u128.checked_pow(shift.unsigned_abs())?;
            self.digits.checked_mul(factor)?
        } else {
            match 10u128.checked_pow(shift.unsigned_abs()) {
                Some(divisor) => {
                    self.digits / divisor + u128::from(self.digits % divisor >= divisor / 2)
                }
                None => 0,
            }
        };
        if size >= LIMIT {
            return None;
        }
        let size = i128::try_from(size).ok()?;
        Some(if self.negative { -size } else { size })
    }

    /// The number times `10^scale`, rounded towards zero.
    pub fn truncated(self, scale: i32) -> Option<i128> {
        let shift = self.exponent.saturating_add(scale);
        if shift >= 0 || self.digits == 0 {
            return self.scaled(scale);
        }
        let size = 10u128
            .checked_pow(shift.unsigned_abs())
            .map_or(0, |by| self.digits / by);
        let size = i128::try_from(size).ok()?;
        Some(if self.negative { -size } else { size })
    }

    /// The number, if it is whole and fits 64 bits.
    pub fn integer(self) -> Option<i64> {
        let whole = self.truncated(0)?;
        // Whole, if nothing was cut off: compare at the number's own scale.
        if self.exponent < 0 && self.digits != 0 {
            let divisor = 10u128.checked_pow(self.exponent.unsigned_abs())?;
            if !self.digits.is_multiple_of(divisor) {
                return None;
            }
        }
        i64::try_from(whole).ok()
    }
}

/// What a money field held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Money {
    /// The amount times 10^9.
    Amount(i128),
    /// Something was there, but no number that `DECIMAL(38, 9)` holds: NaN, infinity, text,
    /// too large.
    NotANumber,
}

impl Money {
    /// Reads a money field; nothing if the field is empty or says null.
    pub fn read(value: Value<'_>) -> Option<Money> {
        let text = match value {
            Value::Null => return None,
            Value::Int(int) => {
                let amount = i128::from(int) * 10i128.pow(MONEY_SCALE.unsigned_abs().into());
                return Some(Money::Amount(amount));
            }
            Value::Float(float) => float_text(float).into(),
            other => other.into_text()?,
        };
        // `nan` is not nothing here: it is a number that went wrong.
        if super::clean::is_null_word(&text) && !text.eq_ignore_ascii_case("nan") {
            return None;
        }
        Some(
            match Decimal::parse(&text).and_then(|d| d.scaled(MONEY_SCALE.into())) {
                Some(amount) => Money::Amount(amount),
                None => Money::NotANumber,
            },
        )
    }

    pub fn amount(self) -> Option<i128> {
        match self {
            Money::Amount(amount) => Some(amount),
            Money::NotANumber => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<Money> {
        Money::read(Value::Text(text.into()))
    }

    #[test]
    fn amounts_are_exact() {
        let nano = 1_000_000_000i128;
        assert_eq!(text("138.0"), Some(Money::Amount(138 * nano)));
        assert_eq!(text("-0.1"), Some(Money::Amount(-nano / 10)));
        assert_eq!(text("+1e2"), Some(Money::Amount(100 * nano)));
        assert_eq!(text("1.5e-3"), Some(Money::Amount(1_500_000)));
        assert_eq!(text("0"), Some(Money::Amount(0)));
        assert_eq!(text("0e999999999"), Some(Money::Amount(0)));
        assert_eq!(
            Money::read(Value::Float(0.1)),
            Some(Money::Amount(nano / 10))
        );
        assert_eq!(Money::read(Value::Int(-3)), Some(Money::Amount(-3 * nano)));
        assert_eq!(text("0.0000000005"), Some(Money::Amount(1)));
        assert_eq!(text("0.0000000004"), Some(Money::Amount(0)));
        assert_eq!(text("1e-999999999"), Some(Money::Amount(0)));
        let largest = "99999999999999999999999999999.999999999";
        assert_eq!(text(largest), Some(Money::Amount(10i128.pow(38) - 1)));
    }

    #[test]
    fn what_is_no_number_is_flagged_and_what_is_nothing_is_not() {
        let wrong = [
            "NaN",
            "inf",
            "-Infinity",
            "abc",
            "12,5",
            "$3",
            "1.2.3",
            "1e",
            "e5",
            "-",
            ".",
            "100000000000000000000000000000",
            "1e30",
            "0x10",
            "1 2",
        ];
        for wrong in wrong {
            assert_eq!(text(wrong), Some(Money::NotANumber), "{wrong}");
        }
        for nothing in ["", " ", "null", "(not set)", "undefined"] {
            assert_eq!(text(nothing), None, "{nothing:?}");
        }
        assert_eq!(Money::read(Value::Float(f64::NAN)), Some(Money::NotANumber));
        assert_eq!(Money::read(Value::Null), None);
    }

    #[test]
    fn integers_may_end_in_point_zero() {
        let int = |text: &str| Decimal::parse(text).and_then(Decimal::integer);
        assert_eq!(int("12"), Some(12));
        assert_eq!(int("12.0"), Some(12));
        assert_eq!(int("1.2e3"), Some(1200));
        assert_eq!(int("12.5"), None);
        assert_eq!(int("9223372036854775808"), None);
        assert_eq!(int("-9223372036854775808"), Some(i64::MIN));
    }
}
