//! Books that are the venue's, or say that they are not.

mod edits;
mod messages;
mod recorded;
mod reference;
mod rules;
mod tape;
