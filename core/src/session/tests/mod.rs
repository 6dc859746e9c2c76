//! Tests of the parts that are not public.

mod explore;
mod key;
mod sequence;
