//! What is not data: acknowledgements, refusals, notices.

use super::Argument;
use crate::venue::decode::{Decoded, Problem};
use crate::venue::found::{ControlRow, Found, Name, SubjectRow};
use crate::venue::json::{Fail, Pools, Reader, Value};

/// The notice that this connection is about to be closed.
const UPGRADE_NOTICE: u32 = 64008;

/// A message with an `event`: where its members stand.
pub(super) struct Notice<'a> {
    pub(super) text: &'a str,
    pub(super) arg: Option<usize>,
    pub(super) id: Option<usize>,
    pub(super) code: Option<usize>,
    pub(super) msg: Option<usize>,
    pub(super) channel: Option<usize>,
    pub(super) count: Option<usize>,
}

/// What an `event` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Subscribe,
    Unsubscribe,
    Error,
    Notice,
    Login,
    ConnectionCount,
    ConnectionRefused,
    Unknown,
}

impl Notice<'_> {
    pub(super) fn read(&self, place: usize, found: &mut Found) -> Result<Decoded, Fail> {
        let pools = &mut found.pools;
        let event = Reader::at(self.text, place).one_of(pools, |word| Some(Event::named(word)));
        let row = match event.map_err(|fail| fail.named("event"))? {
            Event::Subscribe => ControlRow::Subscribed(self.id(pools)?, self.subject(pools)?),
            Event::Unsubscribe => ControlRow::Unsubscribed(self.id(pools)?, self.subject(pools)?),
            Event::Error => ControlRow::Refused(
                self.id(pools)?,
                self.member("code", self.code, pools)?,
                self.member("msg", self.msg, pools)?,
            ),
            Event::Notice => self.notice(pools)?,
            Event::Login => ControlRow::LoggedIn,
            Event::ConnectionCount => ControlRow::ConnectionCount(
                self.member("channel", self.channel, pools)?,
                self.number("connCount", self.count, pools)?,
            ),
            Event::ConnectionRefused => ControlRow::ConnectionRefused(
                self.member("channel", self.channel, pools)?,
                self.number("connCount", self.count, pools)?,
            ),
            Event::Unknown => {
                let name = Reader::at(self.text, place).text(pools)?;
                found.set_kind(Name::Printed(name));
                return Ok(Decoded::Unknown);
            }
        };
        found.set_control(row);
        Ok(Decoded::Control)
    }

    fn notice(&self, pools: &mut Pools) -> Result<ControlRow, Fail> {
        let code = self.number("code", self.code, pools)?;
        if code == UPGRADE_NOTICE {
            return Ok(ControlRow::Shutdown(None));
        }
        Ok(ControlRow::Notice(
            code,
            self.member("msg", self.msg, pools)?,
        ))
    }

    fn subject(&self, pools: &mut Pools) -> Result<SubjectRow, Fail> {
        let argument: Argument = self.member("arg", self.arg, pools)?;
        Ok(SubjectRow {
            channel: argument.channel,
            instrument: argument.about().unwrap_or_default(),
        })
    }

    fn id(&self, pools: &mut Pools) -> Result<Option<u64>, Fail> {
        match self.id {
            Some(place) => Reader::at(self.text, place)
                .request_id(pools)
                .map_err(|fail| fail.named("id")),
            None => Ok(None),
        }
    }

    fn number(
        &self,
        key: &'static str,
        place: Option<usize>,
        pools: &mut Pools,
    ) -> Result<u32, Fail> {
        let number: i64 = self.member(key, place, pools)?;
        let failed = Reader::at(self.text, place.unwrap_or_default()).fail(Problem::Overflow);
        u32::try_from(number).map_err(|_| failed.named(key))
    }

    fn member<T: Value>(
        &self,
        key: &'static str,
        place: Option<usize>,
        pools: &mut Pools,
    ) -> Result<T, Fail> {
        let mut reader = Reader::at(self.text, place.unwrap_or_default());
        if place.is_none() {
            return Err(reader.fail(Problem::Missing).named(key));
        }
        T::read(&mut reader, pools).map_err(|fail| fail.named(key))
    }
}

impl Event {
    fn named(word: &str) -> Self {
        match word {
            "subscribe" => Self::Subscribe,
            "unsubscribe" => Self::Unsubscribe,
            "error" => Self::Error,
            "notice" => Self::Notice,
            "login" => Self::Login,
            "channel-conn-count" => Self::ConnectionCount,
            "channel-conn-count-error" => Self::ConnectionRefused,
            _ => Self::Unknown,
        }
    }
}
