//! Every way to cut a stream: what comes out must not depend on it.

use std::fmt::Debug;

/// The longest stream that is cut everywhere twice; longer ones would take too long.
const LONGEST: usize = 400;

/// Runs a stream whole, byte by byte, and cut at every one and every two places, and returns what
/// came out, which is the same each time. `run` gets the chunks in order.
pub(crate) fn same_however_cut<T: Eq + Debug>(stream: &[u8], run: impl Fn(&[&[u8]]) -> T) -> T {
    assert!(stream.len() <= LONGEST, "too long to be cut everywhere");
    let whole = run(&[stream]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(run(&bytes), whole, "byte by byte");
    for first in 0..=stream.len() {
        let (head, rest) = stream.split_at(first);
        assert_eq!(run(&[head, rest]), whole, "cut at {first}");
        for second in 1..rest.len() {
            let (middle, tail) = rest.split_at(second);
            let at = first + second;
            assert_eq!(run(&[head, middle, tail]), whole, "cut at {first} and {at}");
        }
    }
    whole
}
