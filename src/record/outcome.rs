//! What comes out of a session, as bytes under its digest.

use marketprism_core::Time;
use marketprism_core::book::{self, Break};
use marketprism_core::connection::{Action, Cause, Epoch, Fault, Phase, Refusal, Status, Timer};
use marketprism_core::market::{
    Balance, BalanceFigures, Body, Book, BookKind, Candle, Contract, ContractStyle, Counted,
    Decimal, Event as MarketEvent, Fill, FillFigures, Funding, IndexPrice, Instrument,
    InstrumentType, Interval, Level, Liquidation, Liquidity, MarginMode, MarkPrice, OpenInterest,
    Order, OrderFigures, OrderState, Page, Position, PositionFigures, PositionSide, PriceLimit,
    Ratio, Side, Ticker, Trade, Wide,
};
use marketprism_core::rest::{Credential, FetchId, Method, Request};
use marketprism_core::session::{
    BookState, Change, Disorder, Event, Gap, GapCause, Heard, KeyChange, Missing, Notice,
    Undecoded, Unfillable, VenueError,
};
use marketprism_core::venue::{DecodeError, Problem, Reason, Rejection};
use marketprism_core::ws::Violation;
use marketprism_core::ws::handshake::HandshakeError;

use super::wire::{Bytes, Flaw, Put, Take, codes, put_fields, put_names};

put_fields! {
    Heard<'_> { received, event }
    MarketEvent<'_> { market, channel, instrument, subject, exchange_time, sent_time, body }
    Trade<'_> {
        id, first_id, last_id, price, quantity, quantity_without_rpi, aggressor, execution, source,
        sequence,
    }
    Book<'_> { kind, first, last, previous, checksum, bids, asks }
    Level { price, quantity, orders }
    Ticker {
        window, instrument_type, last, last_quantity, ask_price, ask_quantity, bid_price,
        bid_quantity, open, high, low, before, open_utc0, open_utc8, change, change_percent,
        average, volume, volume_currency, open_time, close_time, first_id, last_id, trades,
    }
    Candle {
        interval, open_time, close_time, open, high, low, close, volume, volume_currency,
        volume_quote, taker_buy_volume, taker_buy_volume_currency, trades, first_id, last_id,
        closed,
    }
    MarkPrice { mark, average, index, settlement }
    IndexPrice { price, open_24h, high_24h, low_24h, open_utc0, open_utc8 }
    Funding {
        rate, time, next_time, next_rate, min_rate, max_rate, interest_rate, premium,
        impact_value, settled_rate, settled,
    }
    PriceLimit { highest_buy, lowest_sell, enabled }
    OpenInterest { quantity, base, usd }
    Liquidation {
        side, price, average_price, quantity, last_filled, filled, loss,
    }
    Ratio { of, ratio, long, short }
    Instrument {
        kind, state, pair, base, quote, settle, price_step, quantity_step, least_quantity,
        contract, listed, expires,
    }
    Contract { value, multiplier, currency, style }
    Order<'_> { id, client_id, parent_id, kind, time_in_force, state_word, execution, reason, figures }
    OrderFigures {
        side, state, conditional, position_side, margin_mode, reduce_only, price, stop_price,
        average_price, quantity, filled, filled_quote, created,
    }
    Fill<'_> { id, order_id, client_id, fee_currency, figures }
    FillFigures {
        side, liquidity, position_side, price, quantity, quote_quantity, fee, realised_profit,
        count,
    }
    Balance<'_> { currency, reason, figures }
    BalanceFigures {
        page, total, available, locked, cross, change, locked_change, equity, equity_usd,
        available_equity, ordered, unrealised_profit, liability, interest, margin_ratio,
    }
    Page { number, last }
    Position<'_> { id, currency, reason, figures }
    PositionFigures {
        page, side, quantity, margin_mode, entry_price, break_even_price, mark_price,
        liquidation_price, leverage, margin, initial_margin, maintenance_margin, margin_ratio,
        unrealised_profit, realised_profit, fee, funding, trade_id, deleveraging, created,
    }
    Gap<'_> { stream, missing, cause, since }
    Missing { from, to }
    Break { missing, cause }
    VenueError { rejection, message }
    Rejection { code, reason }
    DecodeError { channel, offset, field, problem }
}

impl Put for Request<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        let Request {
            method,
            endpoint,
            path_and_query,
            timeout,
            body_limit,
            credential,
        } = self;
        (endpoint, (path_and_query, (timeout, body_limit))).put(out);
        (method, credential).put(out);
    }
}

put_names! {
    Side, InstrumentType, ContractStyle, Counted, OrderState, Liquidity, PositionSide, MarginMode,
    Disorder, GapCause, Unfillable, Problem, Reason, Phase, Timer,
    book::Cause, book::Refusal,
}

codes! {
    Method { Get = 0, Post = 1, Put = 2 }
    Credential { ListenKey = 0 }
    Fault {
        Resolve = 0, Refused = 1, Reset = 2, Unreachable = 3, TimedOut = 4, Certificate = 5,
        Tls = 6, Other = 7,
    }
    Violation {
        ReservedBits = 0, ReservedOpcode = 1, FragmentedControl = 2, ControlTooLong = 3,
        UnexpectedContinuation = 4, ExpectedContinuation = 5, Masked = 6, Unmasked = 7,
        NonMinimalLength = 8, OversizedLength = 9, MessageTooBig = 10, TooManyFragments = 11,
        InvalidUtf8 = 12, CloseLength = 13, CloseCode = 14, CloseReason = 15, Deflate = 16,
    }
    HandshakeError {
        TooLong = 0, TooManyFields = 1, Syntax = 2, HttpVersion = 3, Method = 4, Host = 5,
        Body = 6, Upgrade = 7, Connection = 8, Key = 9, Version = 10, Accept = 11, Protocol = 12,
        Extension = 13,
    }
}

impl Put for Time {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_nanos().put(out);
    }
}

impl Put for Epoch {
    fn put(&self, out: &mut Vec<u8>) {
        self.number().put(out);
    }
}

impl Put for FetchId {
    fn put(&self, out: &mut Vec<u8>) {
        self.number().put(out);
    }
}

impl Put for Action {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Dial(epoch) => (0_u8, epoch).put(out),
            Self::Drop(epoch) => (1_u8, epoch).put(out),
            Self::Sign(epoch) => (2_u8, epoch).put(out),
            Self::Fetch(id) => (3_u8, id).put(out),
        }
    }
}

impl Put for Event<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Market(event) => (0_u8, event).put(out),
            Self::OutOfOrder {
                event,
                disorder,
                last,
            } => (1_u8, (event, (disorder, last))).put(out),
            Self::Status(status) => (2_u8, status).put(out),
            Self::Subscription { stream, change } => (3_u8, (stream, change)).put(out),
            Self::Gap(gap) => (4_u8, gap).put(out),
            Self::Notice(notice) => (5_u8, notice).put(out),
            Self::Undecoded(undecoded) => (6_u8, undecoded).put(out),
            Self::Book { stream, state } => (7_u8, (stream, state)).put(out),
            Self::Backfilled(event) => (8_u8, event).put(out),
            Self::Filled { stream, missing } => (9_u8, (stream, missing)).put(out),
            Self::Unfillable {
                stream,
                missing,
                why,
            } => (10_u8, (stream, (missing, why))).put(out),
            Self::Key(change) => (11_u8, change).put(out),
        }
    }
}

impl Put for Body<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Trade(trade) => (0_u8, trade).put(out),
            Self::Book(book) => (1_u8, book).put(out),
            Self::Ticker(ticker) => (2_u8, ticker).put(out),
            Self::Candle(candle) => (3_u8, candle).put(out),
            Self::MarkPrice(price) => (4_u8, price).put(out),
            Self::IndexPrice(price) => (5_u8, price).put(out),
            Self::Funding(funding) => (6_u8, funding).put(out),
            Self::PriceLimit(limit) => (7_u8, limit).put(out),
            Self::OpenInterest(interest) => (8_u8, interest).put(out),
            Self::Liquidation(liquidation) => (9_u8, liquidation).put(out),
            Self::Ratio(ratio) => (10_u8, ratio).put(out),
            Self::Instrument(instrument) => (11_u8, instrument).put(out),
            Self::Order(order) => (12_u8, order).put(out),
            Self::Fill(fill) => (13_u8, fill).put(out),
            Self::Balance(balance) => (14_u8, balance).put(out),
            Self::Position(position) => (15_u8, position).put(out),
        }
    }
}

impl Put for Interval {
    fn put(&self, out: &mut Vec<u8>) {
        self.label().put(out);
    }
}

impl Put for BookKind {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Snapshot => out.push(0),
            Self::Delta => out.push(1),
            Self::Top(levels) => (2_u8, levels).put(out),
        }
    }
}

impl Put for Decimal {
    fn put(&self, out: &mut Vec<u8>) {
        (self.mantissa(), self.scale()).put(out);
    }
}

impl Put for Wide {
    fn put(&self, out: &mut Vec<u8>) {
        (self.mantissa(), self.scale()).put(out);
    }
}

impl Put for Status {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Dialing { epoch, attempt } => (0_u8, (epoch, attempt)).put(out),
            Self::Open { epoch } => (1_u8, epoch).put(out),
            Self::Down { epoch, cause } => (2_u8, (epoch, cause)).put(out),
            Self::Waiting { until } => (3_u8, until).put(out),
            Self::Stopped => out.push(4),
        }
    }
}

impl Put for Cause {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Fault(fault) => (0_u8, fault).put(out),
            Self::Eof => out.push(1),
            Self::Lost(timer) => (2_u8, timer).put(out),
            Self::Refused(refusal) => (3_u8, refusal).put(out),
            Self::Violation(violation) => (4_u8, violation).put(out),
            Self::Peer(code) => (5_u8, code).put(out),
            Self::Renewed => out.push(6),
            Self::Stopped => out.push(7),
            Self::Unsigned => out.push(8),
        }
    }
}

impl Put for Refusal {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Status(status, after) => (0_u8, (status, after)).put(out),
            Self::Handshake(error) => (1_u8, error).put(out),
        }
    }
}

impl Put for Change<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        self.name().put(out);
        match self {
            Self::Requested { attempt } => attempt.put(out),
            Self::Refused(error) => error.put(out),
            Self::Confirmed
            | Self::Live
            | Self::Silent
            | Self::Renewing
            | Self::Mute
            | Self::Unlisted => {}
        }
    }
}

impl Put for BookState {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Waiting => out.push(0),
            Self::Synchronised { last } => (1_u8, last).put(out),
            Self::Crossed { last } => (2_u8, last).put(out),
            Self::Refused(refusal) => (3_u8, refusal).put(out),
            Self::Broken(broken) => (4_u8, broken).put(out),
        }
    }
}

impl Put for KeyChange {
    fn put(&self, out: &mut Vec<u8>) {
        self.name().put(out);
        match self {
            Self::NotObtained(rejection) | Self::NotRenewed(rejection) => rejection.put(out),
            Self::Obtained | Self::Renewed | Self::Ended => {}
        }
    }
}

impl Put for Notice {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Shutdown { sent_time } => (0_u8, sent_time).put(out),
            Self::Other { code } => (1_u8, code).put(out),
            Self::Error(rejection) => (2_u8, rejection).put(out),
            Self::AccountEnded { sent_time } => (3_u8, sent_time).put(out),
        }
    }
}

impl Put for Undecoded<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Malformed(error) => (0_u8, error).put(out),
            Self::Unhandled(name) => (1_u8, name).put(out),
            Self::Unknown(name) => (2_u8, name).put(out),
            Self::Stray(event) => (3_u8, event).put(out),
            Self::Binary => out.push(4),
        }
    }
}
