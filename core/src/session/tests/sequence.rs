//! Tables of the sequence rules, on messages as the venues send them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::market::{Channel, Market, Speed};
use crate::session::Missing;
use crate::session::sequence::{Disorder, GapCause, Rule, Sequence, Verdict};
use crate::venue::Decoder;

const DUPLICATE: Verdict = Verdict::OutOfOrder(Disorder::Duplicate);
const STALE: Verdict = Verdict::OutOfOrder(Disorder::Stale);
const OVERLAP: Verdict = Verdict::OutOfOrder(Disorder::Overlap);
const RESET: Verdict = Verdict::OutOfOrder(Disorder::Reset);
const FOLLOWS: Verdict = Verdict::Follows;

const fn gap(from: i64, to: i64, cause: GapCause) -> Verdict {
    Verdict::Gap(Some(Missing { from, to }), cause)
}

const fn missing(from: i64, to: i64) -> Verdict {
    gap(from, to, GapCause::Missing)
}

/// One stream of a market.
struct Run {
    decoder: Decoder,
    sequence: Sequence,
}

impl Run {
    fn new(market: Market, channel: Channel) -> Self {
        Self {
            decoder: Decoder::new(market),
            sequence: Sequence::new(Rule::of(market, channel)),
        }
    }

    fn hear(&mut self, text: &str) -> Verdict {
        self.decoder.decode(text).unwrap();
        let event = self.decoder.event(text, 0).unwrap();
        self.sequence.observe(&event)
    }

    #[track_caller]
    fn expect(&mut self, table: impl IntoIterator<Item = (String, Verdict)>) {
        for (text, verdict) in table {
            assert_eq!(self.hear(&text), verdict, "{text}");
        }
    }
}

fn trade(id: i64) -> String {
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1,"s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true,"M":true}}}}"#
    )
}

fn aggregate(id: i64, first: i64, last: i64) -> String {
    format!(
        r#"{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":1,"s":"BTCUSDT","a":{id},"p":"1","q":"1","f":{first},"l":{last},"T":1,"m":true}}}}"#
    )
}

fn spot_depth(first: i64, last: i64) -> String {
    format!(
        r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":{first},"u":{last},"b":[],"a":[]}}}}"#
    )
}

fn usdm_depth(first: i64, last: i64, previous: i64) -> String {
    format!(
        r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":{first},"u":{last},"pu":{previous},"b":[],"a":[]}}}}"#
    )
}

fn book_ticker(update: i64) -> String {
    format!(
        r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{update},"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}}}"#
    )
}

fn partial_depth(update: i64) -> String {
    format!(
        r#"{{"stream":"btcusdt@depth5","data":{{"lastUpdateId":{update},"bids":[["1","1"]],"asks":[["2","1"]]}}}}"#
    )
}

fn okx_trade(id: i64, count: i64) -> String {
    format!(
        r#"{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{{"instId":"BTC-USDT","tradeId":"{id}","px":"1","sz":"1","side":"buy","ts":"1","count":"{count}","source":"0","seqId":5}}]}}"#
    )
}

fn okx_book(action: &str, previous: i64, sequence: i64) -> String {
    format!(
        r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"{action}","data":[{{"asks":[],"bids":[],"ts":"1","checksum":0,"prevSeqId":{previous},"seqId":{sequence}}}]}}"#
    )
}

fn okx_bbo(sequence: i64, time: i64) -> String {
    format!(
        r#"{{"arg":{{"channel":"bbo-tbt","instId":"BTC-USDT"}},"data":[{{"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"ts":"{time}","seqId":{sequence}}}]}}"#
    )
}

fn okx_ticker() -> String {
    String::from(
        r#"{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"1","lastSz":"1","askPx":"1","askSz":"1","bidPx":"1","bidSz":"1","open24h":"1","high24h":"1","low24h":"1","volCcy24h":"1","vol24h":"1","sodUtc0":"1","sodUtc8":"1","ts":"1"}]}"#,
    )
}

#[test]
fn numbers_of_trades_are_consecutive() {
    for market in [Market::BinanceSpot, Market::BinanceUsdm] {
        Run::new(market, Channel::Trade).expect([
            (trade(10), FOLLOWS),
            (trade(11), FOLLOWS),
            (trade(13), missing(12, 12)),
            (trade(14), FOLLOWS),
            (trade(20), missing(15, 19)),
            (trade(20), DUPLICATE),
            (trade(12), STALE),
            (trade(21), FOLLOWS),
        ]);
    }
}

#[test]
fn numbers_of_aggregates_are_consecutive_and_those_of_their_fills_are_not() {
    Run::new(Market::BinanceUsdm, Channel::AggTrade).expect([
        (aggregate(10, 100, 105), FOLLOWS),
        (aggregate(11, 110, 110), FOLLOWS),
        (aggregate(13, 111, 111), missing(12, 12)),
        (aggregate(13, 111, 111), DUPLICATE),
    ]);
}

#[test]
fn spot_changes_begin_where_the_one_before_ended() {
    Run::new(Market::BinanceSpot, Channel::Depth(Speed::Ms100)).expect([
        (spot_depth(100, 105), FOLLOWS),
        (spot_depth(106, 106), FOLLOWS),
        (spot_depth(108, 110), missing(107, 107)),
        (spot_depth(108, 110), DUPLICATE),
        (spot_depth(100, 105), STALE),
        (spot_depth(110, 112), OVERLAP),
        (spot_depth(113, 113), FOLLOWS),
    ]);
}

#[test]
fn usdm_changes_name_the_one_before() {
    Run::new(Market::BinanceUsdm, Channel::Depth(Speed::Ms100)).expect([
        (usdm_depth(90, 100, 89), FOLLOWS),
        (usdm_depth(101, 110, 100), FOLLOWS),
        (usdm_depth(115, 120, 110), FOLLOWS),
        (usdm_depth(131, 140, 130), missing(121, 130)),
        (usdm_depth(131, 140, 130), DUPLICATE),
        (usdm_depth(115, 120, 110), STALE),
        (usdm_depth(135, 150, 133), OVERLAP),
        (usdm_depth(151, 160, 150), FOLLOWS),
    ]);
}

#[test]
fn numbers_of_whole_messages_only_rise() {
    Run::new(Market::BinanceSpot, Channel::BookTicker).expect([
        (book_ticker(10), FOLLOWS),
        (book_ticker(15), FOLLOWS),
        (book_ticker(15), DUPLICATE),
        (book_ticker(14), STALE),
        (book_ticker(16), FOLLOWS),
    ]);
    let channel = "depth5".parse().unwrap();
    Run::new(Market::BinanceSpot, channel).expect([
        (partial_depth(10), FOLLOWS),
        (partial_depth(10), FOLLOWS),
        (partial_depth(19), FOLLOWS),
        (partial_depth(18), STALE),
    ]);
}

#[test]
fn okx_trades_count_their_fills() {
    Run::new(Market::Okx, Channel::Trades).expect([
        (okx_trade(100, 3), FOLLOWS),
        (okx_trade(101, 1), FOLLOWS),
        (okx_trade(105, 4), FOLLOWS),
        (okx_trade(110, 2), missing(106, 108)),
        (okx_trade(110, 2), DUPLICATE),
        (okx_trade(108, 1), STALE),
        (okx_trade(112, 3), OVERLAP),
    ]);
}

#[test]
fn okx_books_follow_the_documented_example() {
    Run::new(Market::Okx, Channel::Books).expect([
        (okx_book("snapshot", -1, 10), FOLLOWS),
        (okx_book("update", 10, 15), FOLLOWS),
        (okx_book("update", 15, 15), FOLLOWS),
        (okx_book("update", 15, 3), RESET),
        (okx_book("update", 3, 5), FOLLOWS),
    ]);
}

#[test]
fn okx_books_with_a_hole_are_mended_by_a_snapshot() {
    let mut run = Run::new(Market::Okx, Channel::Books);
    run.expect([
        (okx_book("snapshot", -1, 10), FOLLOWS),
        (okx_book("update", 14, 20), missing(11, 14)),
        (okx_book("update", 20, 25), FOLLOWS),
        (okx_book("update", 20, 25), DUPLICATE),
        (okx_book("update", 14, 20), STALE),
    ]);
    run.sequence.interrupt(GapCause::Resubscription);
    run.expect([
        (
            okx_book("snapshot", -1, 40),
            gap(26, 39, GapCause::Resubscription),
        ),
        (okx_book("update", 40, 41), FOLLOWS),
        (okx_book("snapshot", -1, 41), FOLLOWS),
        (okx_book("snapshot", -1, 7), RESET),
        (okx_book("update", 7, 8), FOLLOWS),
    ]);
}

#[test]
fn best_quotes_of_okx_are_reset_where_the_time_goes_on() {
    Run::new(Market::Okx, Channel::BboTbt).expect([
        (okx_bbo(100, 1000), FOLLOWS),
        (okx_bbo(105, 1010), FOLLOWS),
        (okx_bbo(105, 1010), DUPLICATE),
        (okx_bbo(100, 1000), STALE),
        (okx_bbo(3, 1020), RESET),
        (okx_bbo(4, 1030), FOLLOWS),
    ]);
}

/// What `after` says when a connection was lost between it and `before`.
#[track_caller]
fn after_reconnecting(market: Market, channel: &str, before: &str, after: &str, verdict: Verdict) {
    let mut run = Run::new(market, channel.parse().expect("a channel"));
    run.sequence.interrupt(GapCause::Connection);
    assert_eq!(run.hear(before), FOLLOWS);
    run.sequence.interrupt(GapCause::Connection);
    run.sequence.interrupt(GapCause::Resubscription);
    assert_eq!(run.hear(after), verdict, "{after}");
}

const fn lost(from: i64, to: i64) -> Verdict {
    gap(from, to, GapCause::Connection)
}

#[test]
fn what_a_lost_connection_cost_is_told_by_the_first_message_of_binance() {
    let spot = |channel, before: String, after: String, verdict| {
        after_reconnecting(Market::BinanceSpot, channel, &before, &after, verdict);
    };
    spot("trade", trade(10), trade(15), lost(11, 14));
    spot("trade", trade(10), trade(11), FOLLOWS);
    spot("depth", spot_depth(1, 10), spot_depth(15, 20), lost(11, 14));
    spot("depth", spot_depth(1, 10), spot_depth(9, 20), FOLLOWS);
    spot("bookTicker", book_ticker(10), book_ticker(13), lost(11, 12));
    spot("bookTicker", book_ticker(10), book_ticker(11), FOLLOWS);
    spot("bookTicker", book_ticker(10), book_ticker(10), DUPLICATE);
    let usdm = |before: String, after: String, verdict| {
        after_reconnecting(Market::BinanceUsdm, "depth", &before, &after, verdict);
    };
    usdm(usdm_depth(1, 9, 0), usdm_depth(15, 20, 13), lost(10, 13));
    usdm(usdm_depth(1, 9, 0), usdm_depth(8, 20, 7), FOLLOWS);
}

#[test]
fn what_a_lost_connection_cost_is_told_by_the_first_message_of_okx() {
    let okx = |channel, before: String, after: String, verdict| {
        after_reconnecting(Market::Okx, channel, &before, &after, verdict);
    };
    okx("trades", okx_trade(10, 1), okx_trade(20, 5), lost(11, 15));
    let snapshot = |sequence| okx_book("snapshot", -1, sequence);
    okx("books", snapshot(9), snapshot(12), lost(10, 11));
    okx("books", snapshot(9), okx_book("update", 9, 12), FOLLOWS);
    let somehow = Verdict::Gap(None, GapCause::Connection);
    okx("tickers", okx_ticker(), okx_ticker(), somehow);
}

#[test]
fn an_interruption_is_told_once() {
    let mut run = Run::new(Market::Okx, Channel::Tickers);
    run.expect([(okx_ticker(), FOLLOWS), (okx_ticker(), FOLLOWS)]);
    run.sequence.interrupt(GapCause::Resubscription);
    let told = Verdict::Gap(None, GapCause::Resubscription);
    run.expect([(okx_ticker(), told), (okx_ticker(), FOLLOWS)]);
}

#[test]
fn what_is_said_again_after_an_interruption_does_not_hide_its_cost() {
    let mut run = Run::new(Market::Okx, Channel::Trades);
    run.expect([(okx_trade(10, 1), FOLLOWS)]);
    run.sequence.interrupt(GapCause::Connection);
    run.expect([
        (okx_trade(10, 1), DUPLICATE),
        (okx_trade(15, 1), gap(11, 14, GapCause::Connection)),
    ]);
}

#[test]
fn so_many_stale_numbers_in_a_row_are_a_new_count() {
    let mut run = Run::new(Market::BinanceSpot, Channel::Trade);
    run.expect([(trade(1_000_000), FOLLOWS)]);
    let verdicts: Vec<_> = (1..=40).map(|id| run.hear(&trade(id))).collect();
    assert_eq!(
        verdicts.iter().filter(|&&verdict| verdict == STALE).count(),
        32
    );
    assert_eq!(
        verdicts.iter().position(|&verdict| verdict == RESET),
        Some(32)
    );
    assert!(verdicts[33..].iter().all(|&verdict| verdict == FOLLOWS));
}

#[test]
fn the_ends_of_the_range_of_numbers_do_no_harm() {
    Run::new(Market::BinanceSpot, Channel::Trade).expect([
        (trade(0), FOLLOWS),
        (trade(i64::MAX), missing(1, i64::MAX - 1)),
        (trade(i64::MAX), DUPLICATE),
        (trade(0), STALE),
    ]);
}

#[test]
fn what_was_missed_since_somebody_else_stopped_is_told_before_the_first_message() {
    let restart = |from, to| gap(from, to, GapCause::Restart);
    let resumed = |market, channel, last| {
        let mut run = Run::new(market, channel);
        run.sequence.resume(last, None);
        run
    };
    let spot = Market::BinanceSpot;
    for (text, verdict) in [
        (trade(11), FOLLOWS),
        (trade(15), restart(11, 14)),
        (trade(10), DUPLICATE),
    ] {
        let mut run = resumed(spot, Channel::Trade, Some(10));
        run.expect([(text, verdict)]);
    }
    resumed(spot, Channel::BookTicker, Some(10)).expect([
        (book_ticker(15), restart(11, 14)),
        (book_ticker(20), FOLLOWS),
    ]);
    let mut books = resumed(Market::Okx, Channel::Books, Some(10));
    books.expect([
        (okx_book("snapshot", -1, 20), restart(11, 19)),
        (okx_book("update", 20, 22), FOLLOWS),
    ]);
    // Where it is not known how far that was, something may be missing.
    let unknown = Verdict::Gap(None, GapCause::Restart);
    resumed(spot, Channel::Trade, None).expect([(trade(10), unknown), (trade(11), FOLLOWS)]);
    resumed(Market::Okx, Channel::Tickers, None)
        .expect([(okx_ticker(), unknown), (okx_ticker(), FOLLOWS)]);
    // What a lost connection adds to it is missed for the same reason.
    let mut run = resumed(spot, Channel::Trade, Some(10));
    run.sequence.interrupt(GapCause::Connection);
    run.expect([(trade(15), restart(11, 14))]);
}
