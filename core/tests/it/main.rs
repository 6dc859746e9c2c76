//! The tests of the core from outside, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::too_many_lines, reason = "tables of cases are long")]

mod binance_answers;
mod binance_events;
mod books;
mod changed_bytes;
mod connection_wire;
mod connection_year;
mod exactness;
mod exchange;
mod fleet;
mod fleet_fetches;
mod lists;
mod mutated;
mod okx_answers;
mod okx_events;
mod poller;
mod recorded_answers;
mod recordings;
mod reference;
mod reference_binance;
mod reference_okx;
mod session_backfill;
mod session_books;
mod session_fetches;
mod session_login;
mod session_okx;
mod session_plan;
mod session_random;
mod session_sequence;
mod session_subscriptions;
mod session_world;
mod shown;
mod shown_account;
mod sim;
mod support;
mod tap;
mod venue_control;
mod venue_decode;
mod venue_events;
mod ws_decode;
mod ws_deflate;
mod ws_handshake;
mod ws_round_trip;
mod ws_server;
mod ws_transmit;
