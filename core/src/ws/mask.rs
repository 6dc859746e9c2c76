//! Masking (RFC 6455 section 5.3), a word at a time.

use super::frame::Key;

/// Masks or unmasks `bytes`, which stand `offset` bytes into their frame's payload.
pub(crate) fn apply(bytes: &mut [u8], key: Key, offset: usize) {
    let [a, b, c, d] = rotated(key, offset);
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= mask;
    }
}

/// The key as seen from `offset` bytes into the payload.
fn rotated(mut key: Key, offset: usize) -> Key {
    key.rotate_left(offset % size_of::<Key>());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn masking_is_that_of_the_rfc_at_every_length_and_offset() {
        let key = [0x12, 0x34, 0x56, 0x78];
        for len in 0..70 {
            let plain: Vec<u8> = (0..len).collect();
            let expected: Vec<u8> = plain
                .iter()
                .zip(key.iter().cycle())
                .map(|(b, k)| b ^ k)
                .collect();
            for cut in 0..=plain.len() {
                let mut masked = plain.clone();
                let (head, tail) = masked.split_at_mut(cut);
                apply(head, key, 0);
                apply(tail, key, cut);
                assert_eq!(masked, expected, "{len} bytes cut at {cut}");
            }
        }
    }
}
