//! The targets of questions over REST, and what they cost.
//!
//! Sources: Binance "Market Data endpoints" (spot), "Market Data" (USD-M, COIN-M); OKX API guide v5,
//! "Order Book Trading", "Trading Statistics".

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most of the many channels are no question to a REST interface"
)]

use alloc::string::String;
use core::fmt::Write;

use super::allowance::Allowance;
use super::query::{Asked, Query};
use super::request::RequestError;
use crate::market::{Channel, Market};

/// What a question costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cost {
    /// What it draws on.
    pub allowance: Allowance,
    /// How much.
    pub weight: u32,
    /// No answer is longer, in bytes.
    pub body_limit: usize,
}

/// Room for 1000 levels a side, or 1000 trades, several times over.
const ROWS: usize = 2 << 20;

/// Room for a few figures.
const FIGURES: usize = 64 << 10;

/// Room for a venue's list of instruments, of which spot's is the longest.
const INSTRUMENTS: usize = 24 << 20;

/// Where the interface of USD-M begins.
const USDM: &str = "/fapi/v1/";

/// How many rows of statistics are asked for: two and a half hours of them.
const STATISTICS: u32 = 30;

/// Appends the path and query of a question, percent-encoded, to `out`.
///
/// A book is asked for with 1000 levels a side, on OKX with 400. Trades come from the first number
/// on, as many as one answer holds; Binance futures serve `trade` by number to holders of keys
/// alone, so it is not offered. Statistics come with the two and a half hours
/// before them. Of instruments comes what the market's list has, of Binance spot what is named if
/// the instrument is names with commas between them, on OKX those of the type.
///
/// # Errors
///
/// If the market does not offer it, or the instrument has no name.
pub fn write_target(
    market: Market,
    query: Query<'_>,
    out: &mut String,
) -> Result<Cost, RequestError> {
    let cost = match market {
        Market::BinanceSpot => spot(query, out),
        Market::BinanceUsdm => futures(USDM, "symbol", query, out),
        Market::BinanceCoinm => futures("/dapi/v1/", "pair", query, out),
        Market::Okx => okx(query, out),
    };
    cost.ok_or_else(|| RequestError::NotOffered(query.asked.channel()))
}

/// Appends the path of a request for the `listenKey` of an account (to get it, or to renew it) to
/// `out`, where the market has such keys ("Start User Data Stream", USD-M and COIN-M).
pub fn write_listen_key(market: Market, out: &mut String) -> Option<Cost> {
    out.push_str(match market {
        Market::BinanceUsdm => "/fapi/v1/listenKey",
        Market::BinanceCoinm => "/dapi/v1/listenKey",
        Market::BinanceSpot | Market::Okx => return None,
    });
    Some(Cost {
        allowance: Allowance::BinanceFutures,
        weight: 1,
        body_limit: FIGURES,
    })
}

fn spot(query: Query<'_>, out: &mut String) -> Option<Cost> {
    let allowance = Allowance::BinanceSpot;
    let (weight, body_limit) = match query.asked {
        Asked::Book(Channel::Depth(_)) => {
            target(out, "/api/v3/depth", "symbol", query.instrument);
            out.push_str("&limit=1000");
            (50, ROWS)
        }
        Asked::Trades { channel, from, to } => {
            let (path, weight) = match channel {
                Channel::AggTrade => ("/api/v3/aggTrades", 4),
                Channel::Trade => ("/api/v3/historicalTrades", 25),
                _ => return None,
            };
            target(out, path, "symbol", query.instrument);
            by_number(out, from, to);
            (weight, ROWS)
        }
        Asked::Poll(Channel::ExchangeInfo) => {
            out.push_str("/api/v3/exchangeInfo?showPermissionSets=false");
            symbols(out, query.instrument);
            (20, INSTRUMENTS)
        }
        Asked::Book(_) | Asked::Poll(_) => return None,
    };
    Some(Cost {
        allowance,
        weight,
        body_limit,
    })
}

/// `of` is what the statistics call what they are about.
fn futures(base: &str, of: &str, query: Query<'_>, out: &mut String) -> Option<Cost> {
    let (path, weight, body_limit) = match query.asked {
        Asked::Book(Channel::Depth(_)) => ("depth", 20, ROWS),
        // COIN-M documents no such book.
        Asked::Book(Channel::RpiDepth(_)) if base == USDM => ("rpiDepth", 20, ROWS),
        Asked::Trades {
            channel: Channel::AggTrade,
            ..
        } => ("aggTrades", 20, ROWS),
        Asked::Poll(Channel::OpenInterest) => ("openInterest", 1, FIGURES),
        Asked::Poll(Channel::ExchangeInfo) => ("exchangeInfo", 1, INSTRUMENTS),
        Asked::Poll(channel) => return statistics(channel, of, query, out),
        Asked::Book(_) | Asked::Trades { .. } => return None,
    };
    out.push_str(base);
    if query.asked == Asked::Poll(Channel::ExchangeInfo) {
        out.push_str(path);
    } else {
        target(out, path, "symbol", query.instrument);
    }
    match query.asked {
        Asked::Trades { from, to, .. } => by_number(out, from, to),
        Asked::Book(_) => out.push_str("&limit=1000"),
        Asked::Poll(_) => {}
    }
    Some(Cost {
        allowance: Allowance::BinanceFutures,
        weight,
        body_limit,
    })
}

fn statistics(channel: Channel, of: &str, query: Query<'_>, out: &mut String) -> Option<Cost> {
    let path = match channel {
        Channel::TopPositionRatio => "/futures/data/topLongShortPositionRatio",
        Channel::TopAccountRatio => "/futures/data/topLongShortAccountRatio",
        Channel::AccountRatio => "/futures/data/globalLongShortAccountRatio",
        _ => return None,
    };
    target(out, path, of, query.instrument);
    five_minutes(out);
    Some(Cost {
        allowance: Allowance::BinanceStatistics,
        weight: 1,
        body_limit: FIGURES,
    })
}

fn okx(query: Query<'_>, out: &mut String) -> Option<Cost> {
    let (allowance, body_limit) = match query.asked {
        Asked::Book(Channel::Books | Channel::Books50L2Tbt | Channel::BooksL2Tbt) => {
            target(out, "/api/v5/market/books", "instId", query.instrument);
            out.push_str("&sz=400");
            (Allowance::OkxBooks, ROWS)
        }
        Asked::Trades { channel, from, to } => {
            if !matches!(channel, Channel::Trades | Channel::TradesAll) {
                return None;
            }
            let path = "/api/v5/market/history-trades";
            target(out, path, "instId", query.instrument);
            // Pages go backwards from a number that is not part of them.
            let behind = to.min(from.saturating_add(99)).saturating_add(1);
            write(out, format_args!("&type=1&after={behind}&limit=100"));
            (Allowance::OkxTrades, ROWS)
        }
        Asked::Poll(Channel::Instruments) => {
            let path = "/api/v5/public/instruments";
            target(out, path, "instType", query.instrument);
            (Allowance::OkxInstruments, INSTRUMENTS)
        }
        Asked::Poll(channel) => {
            let name = match channel {
                Channel::OkxAccountRatio => "long-short-account-ratio-contract",
                Channel::OkxTopAccountRatio => "long-short-account-ratio-contract-top-trader",
                Channel::OkxTopPositionRatio => "long-short-position-ratio-contract-top-trader",
                _ => return None,
            };
            out.push_str("/api/v5/rubik/stat/contracts/");
            target(out, name, "instId", query.instrument);
            five_minutes(out);
            (Allowance::OkxStatistics, FIGURES)
        }
        Asked::Book(_) => return None,
    };
    Some(Cost {
        allowance,
        weight: 1,
        body_limit,
    })
}

/// The trades from one number on, up to the other or to the end of the page.
fn by_number(out: &mut String, from: i64, to: i64) {
    let count = to.saturating_sub(from).saturating_add(1).clamp(1, 1000);
    write(out, format_args!("&fromId={from}&limit={count}"));
}

fn five_minutes(out: &mut String) {
    write(out, format_args!("&period=5m&limit={STATISTICS}"));
}

/// Spot's list of instruments can be asked for by names, between which there are commas.
fn symbols(out: &mut String, names: &str) {
    if names.is_empty() {
        return;
    }
    out.push_str("&symbols=%5B");
    for (place, name) in names.split(',').enumerate() {
        out.push_str(if place == 0 { "%22" } else { "%2C%22" });
        encode(out, name);
        out.push_str("%22");
    }
    out.push_str("%5D");
}

fn target(out: &mut String, path: &str, key: &str, value: &str) {
    write(out, format_args!("{path}?{key}="));
    encode(out, value);
}

fn encode(out: &mut String, value: &str) {
    for byte in value.bytes() {
        // RFC 3986 section 2.3: what is not reserved stands for itself.
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => write(out, format_args!("%{byte:02X}")),
        }
    }
}

fn write(out: &mut String, arguments: core::fmt::Arguments<'_>) {
    // A string takes whatever it is given.
    out.write_fmt(arguments).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Speed;
    use alloc::string::ToString;

    fn written(
        market: Market,
        asked: Asked,
        instrument: &str,
    ) -> Result<(String, Allowance, u32), RequestError> {
        let mut target = String::from("/base");
        let cost = write_target(market, Query { asked, instrument }, &mut target)?;
        let target = target.strip_prefix("/base").unwrap_or_default();
        Ok((target.to_string(), cost.allowance, cost.weight))
    }

    const fn trades(channel: Channel, from: i64, to: i64) -> Asked {
        Asked::Trades { channel, from, to }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases is long")]
    fn every_question_has_its_target_and_its_price() {
        use Allowance as A;
        use Channel as C;
        use Market::{BinanceCoinm as Coinm, BinanceSpot as Spot, BinanceUsdm as Usdm, Okx};
        let depth = Asked::Book(C::Depth(Speed::Ms100));
        let table = [
            (
                Spot,
                depth,
                "/api/v3/depth?symbol=X&limit=1000",
                A::BinanceSpot,
                50,
            ),
            (
                Usdm,
                depth,
                "/fapi/v1/depth?symbol=X&limit=1000",
                A::BinanceFutures,
                20,
            ),
            (
                Coinm,
                depth,
                "/dapi/v1/depth?symbol=X&limit=1000",
                A::BinanceFutures,
                20,
            ),
            (
                Usdm,
                Asked::Book(C::RpiDepth(Speed::Ms500)),
                "/fapi/v1/rpiDepth?symbol=X&limit=1000",
                A::BinanceFutures,
                20,
            ),
            (
                Okx,
                Asked::Book(C::Books),
                "/api/v5/market/books?instId=X&sz=400",
                A::OkxBooks,
                1,
            ),
            (
                Spot,
                trades(C::AggTrade, 5, 9),
                "/api/v3/aggTrades?symbol=X&fromId=5&limit=5",
                A::BinanceSpot,
                4,
            ),
            (
                Spot,
                trades(C::Trade, 5, 9_999),
                "/api/v3/historicalTrades?symbol=X&fromId=5&limit=1000",
                A::BinanceSpot,
                25,
            ),
            (
                Usdm,
                trades(C::AggTrade, 5, 5),
                "/fapi/v1/aggTrades?symbol=X&fromId=5&limit=1",
                A::BinanceFutures,
                20,
            ),
            (
                Coinm,
                trades(C::AggTrade, 5, 9_999),
                "/dapi/v1/aggTrades?symbol=X&fromId=5&limit=1000",
                A::BinanceFutures,
                20,
            ),
            (
                Okx,
                trades(C::Trades, 5, 9),
                "/api/v5/market/history-trades?instId=X&type=1&after=10&limit=100",
                A::OkxTrades,
                1,
            ),
            (
                Okx,
                trades(C::TradesAll, 5, 999),
                "/api/v5/market/history-trades?instId=X&type=1&after=105&limit=100",
                A::OkxTrades,
                1,
            ),
            (
                Spot,
                Asked::Poll(C::ExchangeInfo),
                "/api/v3/exchangeInfo?showPermissionSets=false&symbols=%5B%22X%22%5D",
                A::BinanceSpot,
                20,
            ),
            (
                Okx,
                Asked::Poll(C::Instruments),
                "/api/v5/public/instruments?instType=X",
                A::OkxInstruments,
                1,
            ),
            (
                Usdm,
                Asked::Poll(C::ExchangeInfo),
                "/fapi/v1/exchangeInfo",
                A::BinanceFutures,
                1,
            ),
            (
                Coinm,
                Asked::Poll(C::ExchangeInfo),
                "/dapi/v1/exchangeInfo",
                A::BinanceFutures,
                1,
            ),
            (
                Usdm,
                Asked::Poll(C::OpenInterest),
                "/fapi/v1/openInterest?symbol=X",
                A::BinanceFutures,
                1,
            ),
            (
                Usdm,
                Asked::Poll(C::TopPositionRatio),
                "/futures/data/topLongShortPositionRatio?symbol=X&period=5m&limit=30",
                A::BinanceStatistics,
                1,
            ),
            (
                Usdm,
                Asked::Poll(C::TopAccountRatio),
                "/futures/data/topLongShortAccountRatio?symbol=X&period=5m&limit=30",
                A::BinanceStatistics,
                1,
            ),
            (
                Coinm,
                Asked::Poll(C::AccountRatio),
                "/futures/data/globalLongShortAccountRatio?pair=X&period=5m&limit=30",
                A::BinanceStatistics,
                1,
            ),
            (
                Okx,
                Asked::Poll(C::OkxAccountRatio),
                "/api/v5/rubik/stat/contracts/long-short-account-ratio-contract?instId=X&period=5m&limit=30",
                A::OkxStatistics,
                1,
            ),
        ];
        for (market, asked, target, allowance, weight) in table {
            let expected = Ok((target.to_string(), allowance, weight));
            assert_eq!(written(market, asked, "X"), expected);
            assert!(
                weight <= allowance.pace().count,
                "it would never be given leave"
            );
        }
    }

    #[test]
    fn every_polled_channel_can_be_asked_for_and_nothing_that_is_not_offered() {
        for market in Market::ALL {
            for channel in Channel::all() {
                let asked = written(market, Asked::Poll(channel), "X");
                let is_list = channel == Channel::Instruments && market == Market::Okx;
                let is_offered = market.polls(channel) || is_list;
                assert_eq!(asked.is_ok(), is_offered, "{market} {channel}");
            }
        }
        let depth = Channel::Depth(Speed::Ms100);
        let refused = written(Market::Okx, Asked::Book(depth), "X");
        assert_eq!(refused, Err(RequestError::NotOffered(depth)));
        let retail = Channel::RpiDepth(Speed::Ms500);
        let refused = written(Market::BinanceCoinm, Asked::Book(retail), "X");
        assert_eq!(refused, Err(RequestError::NotOffered(retail)));
        for market in [Market::BinanceUsdm, Market::BinanceCoinm] {
            let refused = written(market, trades(Channel::Trade, 5, 9), "X");
            assert_eq!(refused, Err(RequestError::NotOffered(Channel::Trade)));
        }
    }

    #[test]
    fn names_in_any_script_are_encoded_and_nothing_can_be_added_to_a_query() {
        let depth = Asked::Book(Channel::Depth(Speed::Ms100));
        let (target, ..) = written(Market::BinanceUsdm, depth, "币安人生USDT").unwrap();
        let name = "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT";
        assert_eq!(
            target,
            alloc::format!("/fapi/v1/depth?symbol={name}&limit=1000")
        );
        let (target, ..) = written(Market::BinanceUsdm, depth, "A&limit=1 \r\n#%").unwrap();
        assert!(target.starts_with("/fapi/v1/depth?symbol=A%26limit%3D1%20%0D%0A%23%25&"));
    }

    #[test]
    fn a_list_is_asked_for_whole_or_by_names() {
        let list = Asked::Poll(Channel::ExchangeInfo);
        let (whole, ..) = written(Market::BinanceSpot, list, "").unwrap();
        assert_eq!(whole, "/api/v3/exchangeInfo?showPermissionSets=false");
        let (named, ..) = written(Market::BinanceSpot, list, "A,币").unwrap();
        let names = named.strip_prefix(&whole).unwrap();
        assert_eq!(names, "&symbols=%5B%22A%22%2C%22%E5%B8%81%22%5D");
    }

    #[test]
    fn no_range_of_numbers_overflows() {
        for (from, to) in [
            (i64::MIN, i64::MAX),
            (i64::MAX, i64::MIN),
            (i64::MAX, i64::MAX),
        ] {
            for market in Market::ALL {
                for channel in [Channel::Trade, Channel::AggTrade, Channel::Trades] {
                    drop(written(market, trades(channel, from, to), "X"));
                }
            }
        }
    }
}
