//! Tests of the whole through its public doors: the built program, and the twin.
#![cfg(test)]

mod account;
mod accounts;
mod arguments;
mod books;
mod collect;
mod decode;
mod decode_books;
mod demo;
mod judge;
mod ledger;
mod listing;
mod program;
mod readme;
mod record;
mod recordings;
mod restart;
mod twin;
mod two_lines;
