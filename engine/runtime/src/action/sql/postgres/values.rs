//! Values on their way into Postgres and out of it.
//!
//! Bound values go as text, so that the server gives them the type that it works out for their place. Columns come
//! in the binary form of their type; one whose form is not known here is an error that says what to write instead.

use bytes::BytesMut;
use piton_core::time::{Millis, Timestamp};
use piton_core::value::Value;
use std::error::Error;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};

/// Milliseconds from 1970 to 2000, where Postgres counts from.
const EPOCH: i64 = 946_684_800_000;

/// A value to be bound.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match text(self.0, ty) {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

/// A value as the server reads it; `None` for null.
fn text(value: &Value, ty: &Type) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Duration(length) if *ty == Type::INTERVAL => {
            format!("PT{}.{:03}S", length.0 / 1000, length.0 % 1000)
        }
        Value::Duration(length) => length.to_string(),
        Value::Timestamp(instant) => instant.to_string(),
        Value::List(items) => match ty.kind() {
            Kind::Array(element) => array(items, element),
            _ => value.to_json().to_string(),
        },
        Value::Map(_) => value.to_json().to_string(),
        // References were resolved before; a name is all there is to show of one that was not.
        Value::Secret(name) => name.clone(),
    })
}

fn array(items: &[Value], element: &Type) -> String {
    let items = items.iter().map(|item| match item {
        Value::List(items) => array(items, element),
        item => match text(item, element) {
            None => "NULL".to_owned(),
            Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        },
    });
    format!("{{{}}}", items.collect::<Vec<_>>().join(","))
}

/// What a column holds.
pub(super) struct Column(pub Value);

impl<'a> FromSql<'a> for Column {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        column(ty, raw)
            .map(Column)
            .ok_or_else(|| "its form is not known".into())
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Column(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn column(ty: &Type, raw: &[u8]) -> Option<Value> {
    Some(match *ty {
        Type::BOOL => Value::Bool(*raw.first()? != 0),
        Type::INT2 => Value::Int(i16::from_be_bytes(raw.try_into().ok()?).into()),
        Type::INT4 => Value::Int(i32::from_be_bytes(raw.try_into().ok()?).into()),
        Type::INT8 => Value::Int(i64::from_be_bytes(raw.try_into().ok()?)),
        Type::OID | Type::XID | Type::CID => {
            Value::Int(u32::from_be_bytes(raw.try_into().ok()?).into())
        }
        Type::XID8 => Value::Int(i64::from_be_bytes(raw.try_into().ok()?)),
        // By its digits: the nearest double of a short float has many more.
        Type::FLOAT4 => {
            let number = f32::from_be_bytes(raw.try_into().ok()?);
            float(number.to_string().parse().ok()?)
        }
        Type::FLOAT8 => float(f64::from_be_bytes(raw.try_into().ok()?)),
        Type::NUMERIC => numeric(raw)?,
        Type::JSON => json(raw)?,
        Type::JSONB => json(raw.get(1..)?)?,
        Type::TIMESTAMPTZ => match i64::from_be_bytes(raw.try_into().ok()?) {
            i64::MAX => Value::String("infinity".to_owned()),
            i64::MIN => Value::String("-infinity".to_owned()),
            micros => Value::Timestamp(instant(micros)),
        },
        Type::TIMESTAMP => Value::String(match i64::from_be_bytes(raw.try_into().ok()?) {
            i64::MAX => "infinity".to_owned(),
            i64::MIN => "-infinity".to_owned(),
            micros => local(micros),
        }),
        Type::TIME => Value::String(clock(i64::from_be_bytes(raw.try_into().ok()?))),
        Type::DATE => Value::String(match i32::from_be_bytes(raw.try_into().ok()?) {
            i32::MAX => "infinity".to_owned(),
            i32::MIN => "-infinity".to_owned(),
            days => day(days.into()),
        }),
        Type::INTERVAL => interval(raw)?,
        Type::UUID => Value::String(uuid::Uuid::from_slice(raw).ok()?.to_string()),
        Type::BYTEA => {
            let digits: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            Value::String(format!("\\x{digits}"))
        }
        Type::CHAR => Value::String(char::from(*raw.first()?).to_string()),
        Type::PG_LSN => {
            let place = u64::from_be_bytes(raw.try_into().ok()?);
            Value::String(format!("{:X}/{:X}", place >> 32, place & 0xffff_ffff))
        }
        Type::INET | Type::CIDR => network(raw)?,
        Type::VOID => Value::Null,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => {
            string(raw)
        }
        _ => match ty.kind() {
            Kind::Array(element) => elements(element, raw)?,
            Kind::Domain(inner) => column(inner, raw)?,
            Kind::Enum(_) => string(raw),
            // Its binary form is its text.
            Kind::Simple if ty.name() == "citext" => string(raw),
            _ => return None,
        },
    })
}

fn string(raw: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(raw).into_owned())
}

/// What no value can be (an infinity, not a number) is text.
fn float(number: f64) -> Value {
    if number.is_finite() {
        Value::Float(number)
    } else {
        let name = match number {
            number if number.is_nan() => "NaN",
            number if number > 0.0 => "Infinity",
            _ => "-Infinity",
        };
        Value::String(name.to_owned())
    }
}

/// JSON as values of the language.
fn json(raw: &[u8]) -> Option<Value> {
    serde_json::from_slice::<serde_json::Value>(raw)
        .ok()
        .map(|json| Value::from_json(&json))
}

fn instant(micros: i64) -> Timestamp {
    Timestamp(micros.div_euclid(1000).saturating_add(EPOCH))
}

/// A time that no zone was said of, from microseconds since 2000.
fn local(micros: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    format!(
        "{} {}",
        day(micros.div_euclid(DAY)),
        clock(micros.rem_euclid(DAY))
    )
}

/// A day, from days since 2000.
fn day(days: i64) -> String {
    let midnight = Timestamp(days.saturating_mul(86_400_000).saturating_add(EPOCH));
    let text = midnight.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// A time of day, or hours beyond it, from microseconds.
fn clock(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = format!("{hour:02}:{minute:02}:{second:02}");
    match fraction {
        0 => text,
        fraction => format!("{text}.{fraction:06}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// A length of time, if it has no months, whose length nobody knows, and is not negative; else text.
fn interval(raw: &[u8]) -> Option<Value> {
    let micros = i64::from_be_bytes(raw.get(..8)?.try_into().ok()?);
    let days = i32::from_be_bytes(raw.get(8..12)?.try_into().ok()?);
    let months = i32::from_be_bytes(raw.get(12..16)?.try_into().ok()?);
    let whole = i64::from(days)
        .checked_mul(86_400_000_000)
        .and_then(|days| days.checked_add(micros))
        .and_then(|micros| u64::try_from(micros).ok());
    Some(match whole {
        Some(micros) if months == 0 => Value::Duration(Millis(micros / 1000)),
        _ => Value::String(calendar(months, days, micros)),
    })
}

/// A length of time as the server writes it: `1 year 2 mons -3 days +04:05:06`.
fn calendar(months: i32, days: i32, micros: i64) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut negative = false;
    for (number, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if number != 0 {
            let plus = if negative && number > 0 { "+" } else { "" };
            let many = if number == 1 { "" } else { "s" };
            parts.push(format!("{plus}{number} {unit}{many}"));
            negative = number < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = match micros < 0 {
            true => "-",
            false if negative => "+",
            false => "",
        };
        let micros = i64::try_from(micros.unsigned_abs()).unwrap_or(i64::MAX);
        parts.push(format!("{sign}{}", clock(micros)));
    }
    parts.join(" ")
}

/// A decimal number: groups of four digits, the place of the first, a sign, and how many digits are after the point.
fn numeric(raw: &[u8]) -> Option<Value> {
    let word = |at: usize| {
        raw.get(at * 2..at * 2 + 2)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u16::from_be_bytes)
    };
    let (groups, sign, scale) = (word(0)?, word(2)?, word(3)?);
    let weight = i32::from(i16::from_be_bytes(raw.get(2..4)?.try_into().ok()?));
    let mut text = match sign {
        0x0000 => String::new(),
        0x4000 => "-".to_owned(),
        0xC000 => return Some(Value::String("NaN".to_owned())),
        0xD000 => return Some(Value::String("Infinity".to_owned())),
        0xF000 => return Some(Value::String("-Infinity".to_owned())),
        _ => return None,
    };
    let group = |place: i32| -> Option<u16> {
        match usize::try_from(weight - place) {
            Ok(at) if at < usize::from(groups) => word(4 + at),
            _ => Some(0),
        }
    };
    let mut whole = String::new();
    for place in (0..=weight.max(0)).rev() {
        whole.push_str(&format!("{:04}", group(place)?));
    }
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    let mut fraction = String::new();
    for place in 1..=i32::from(scale).div_euclid(4) + 1 {
        fraction.push_str(&format!("{:04}", group(-place)?));
    }
    fraction.truncate(usize::from(scale));
    Some(number(&text, &fraction))
}

/// A whole number where that is exact; else the nearest float if it says the same in as many digits; else text.
fn number(whole: &str, fraction: &str) -> Value {
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    if is_whole && let Ok(number) = whole.parse() {
        return Value::Int(number);
    }
    let exact = format!("{whole}.{fraction}");
    let digits = exact
        .trim_start_matches(['-', '0', '.'])
        .trim_end_matches('0')
        .bytes()
        .filter(u8::is_ascii_digit)
        .count();
    match exact.parse::<f64>() {
        Ok(number) if digits <= 15 && number.is_finite() => Value::Float(number),
        _ if is_whole => Value::String(whole.to_owned()),
        _ => Value::String(exact),
    }
}

/// An address: the family, the length of its mask, whether it is a network, how many bytes, and these.
fn network(raw: &[u8]) -> Option<Value> {
    let mask = *raw.get(1)?;
    let bytes = raw.get(4..)?;
    let address: std::net::IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
        16 => <[u8; 16]>::try_from(bytes).ok()?.into(),
        _ => return None,
    };
    let whole = usize::from(mask) == bytes.len() * 8 && *raw.get(2)? == 0;
    Some(Value::String(if whole {
        address.to_string()
    } else {
        format!("{address}/{mask}")
    }))
}

/// An array: its dimensions, whether it has nulls, the type, each dimension's length and first place, the elements.
fn elements(element: &Type, raw: &[u8]) -> Option<Value> {
    let mut rest = raw;
    let dimensions = take(&mut rest)?;
    let _has_nulls = take(&mut rest)?;
    let _type = take(&mut rest)?;
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        // No dimension has more elements than there are bytes.
        let length = usize::try_from(take(&mut rest)?).ok()?;
        lengths.push(Some(length).filter(|length| *length <= raw.len())?);
        let _first = take(&mut rest)?;
    }
    if lengths.is_empty() || lengths.contains(&0) {
        return Some(Value::List(Vec::new()));
    }
    dimension(element, &lengths, &mut rest)
}

fn dimension(element: &Type, lengths: &[usize], rest: &mut &[u8]) -> Option<Value> {
    let Some((length, inner)) = lengths.split_first() else {
        let length = take(rest)?;
        let Ok(length) = usize::try_from(length) else {
            return Some(Value::Null);
        };
        let (own, after) = rest.split_at_checked(length)?;
        *rest = after;
        return column(element, own);
    };
    let mut items = Vec::new();
    for _ in 0..*length {
        items.push(dimension(element, inner, rest)?);
    }
    Some(Value::List(items))
}

fn take(rest: &mut &[u8]) -> Option<i32> {
    let (own, after) = rest.split_at_checked(4)?;
    *rest = after;
    own.try_into().ok().map(i32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_exact_or_become_text() {
        assert_eq!(number("12", ""), Value::Int(12));
        assert_eq!(number("-12", "00"), Value::Int(-12));
        assert_eq!(number("0", "25"), Value::Float(0.25));
        assert_eq!(
            number("12345678901234567890", ""),
            Value::String("12345678901234567890".to_owned())
        );
        assert_eq!(
            number("1", "2345678901234567"),
            Value::String("1.2345678901234567".to_owned())
        );
    }

    #[test]
    fn lists_are_bound_as_arrays_or_json() {
        let list = Value::List(vec![Value::String("a\"b\\".to_owned()), Value::Null]);
        assert_eq!(
            text(&list, &Type::TEXT_ARRAY).as_deref(),
            Some(r#"{"a\"b\\",NULL}"#)
        );
        assert_eq!(
            text(&list, &Type::JSON).as_deref(),
            Some(r#"["a\"b\\",null]"#)
        );
        let length = Value::Duration(Millis(90_500));
        assert_eq!(text(&length, &Type::INTERVAL).as_deref(), Some("PT90.500S"));
    }

    #[test]
    fn nonsense_is_none_and_no_panic() {
        for ty in [
            Type::INT4,
            Type::NUMERIC,
            Type::TEXT_ARRAY,
            Type::INET,
            Type::INTERVAL,
            Type::JSONB,
        ] {
            assert_eq!(column(&ty, &[]), None, "{ty}");
            let _ = column(&ty, &[0xff; 24]);
        }
    }
}
