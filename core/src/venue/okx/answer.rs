//! Answers of the REST interface ("OKX API guide", sections Market Data, Public Data and Trading
//! Statistics).

use super::account::Envelope;
use super::{Head, row};
use crate::market::{BookKind, Channel, Content, Scope};
use crate::venue::decode::{DecodeError, Decoded, Problem};
use crate::venue::found::{ControlRow, Found};
use crate::venue::json::{Fail, Kind, Reader, Source, Span, Value};
use crate::venue::query::Query;

/// The members of the envelope of every answer.
const KEYS: [&str; 3] = ["code", "msg", "data"];

/// Reads the answer to a question, or the rows of one without their envelope.
pub(in crate::venue) fn answer(
    query: Query<'_>,
    text: &str,
    found: &mut Found,
) -> Result<Decoded, DecodeError> {
    let channel = query.asked.channel();
    read(query, text, found).map_err(|fail| fail.of_channel(channel))
}

fn read(query: Query<'_>, text: &str, found: &mut Found) -> Result<Decoded, Fail> {
    let mut reader = Reader::new(text);
    match reader.kind()? {
        Kind::Array => {
            let rows = reader;
            reader.skip()?;
            reader.end()?;
            read_rows(query, rows, found)
        }
        Kind::Object => {
            let [code, msg, data] = reader.outline(&KEYS)?;
            reader.end()?;
            let Some(code) = code else {
                return Ok(Decoded::Unknown);
            };
            let code = i64::read(&mut Reader::at(text, code), &mut found.pools);
            match (code.map_err(|fail| fail.named("code"))?, data) {
                (0, Some(data)) => read_rows(query, Reader::at(text, data), found),
                (0, None) => Err(reader.fail(Problem::Missing).named("data")),
                (code, _) => refused(code, msg.map(|msg| Reader::at(text, msg)), found),
            }
        }
        Kind::Text | Kind::Number | Kind::Word => {
            reader.skip()?;
            reader.end()?;
            Ok(Decoded::Unknown)
        }
    }
}

fn refused(code: i64, message: Option<Reader<'_>>, found: &mut Found) -> Result<Decoded, Fail> {
    let message = match message {
        Some(mut reader) => reader
            .text(&mut found.pools)
            .map_err(|fail| fail.named("msg"))?,
        None => Span::default(),
    };
    found.set_control(ControlRow::Refused(None, code, message));
    Ok(Decoded::Control)
}

fn read_rows(query: Query<'_>, mut rows: Reader<'_>, found: &mut Found) -> Result<Decoded, Fail> {
    let channel = query.asked.channel();
    let about = found.pools.keep(query.instrument);
    if channel.scope() == Scope::InstrumentType {
        found.set_subject(about);
    }
    let head = Head {
        channel,
        kind: BookKind::Snapshot,
        instrument: Some(about),
        envelope: Envelope::default(),
    };
    rows.each("data", |reader| row(reader, head, found))?;
    if comes_newest_first(channel) {
        found.put_in_order();
    }
    Ok(found.events(channel))
}

/// Whether the venue lists the newest first; streams have the oldest first.
const fn comes_newest_first(channel: Channel) -> bool {
    matches!(channel.content(), Content::Trades | Content::Ratios)
}
