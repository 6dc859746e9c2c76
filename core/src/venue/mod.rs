//! What differs from venue to venue, as data and pure functions: endpoints and limits
//! ([`Profile`]), requests ([`encode`]), logins ([`OkxLogin`]), messages ([`Decoder`]).
//!
//! Nothing here knows a socket, a clock or a session.

mod account;
mod allowance;
mod binance;
mod control;
mod decode;
mod found;
mod json;
mod login;
mod okx;
mod profile;
mod query;
mod request;
mod target;

pub use allowance::{Allowance, Site};
pub use control::{Control, Reason, Rejection, RequestId, Subject};
pub use decode::{DecodeError, Decoded, Decoder, Problem};
pub use login::{BinanceLogin, Challenge, OkxLogin, Unsigned};
pub use profile::{Ping, Profile, Quota, Retry, Route, RouteName};
pub use query::{Asked, Query};
pub use request::{Operation, RequestError, Subscription, encode, stream_name};
pub use target::{Cost, write_listen_key, write_target};
