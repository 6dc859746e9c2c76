//! Frame headers (RFC 6455 section 5.2), read and written.

use super::{Role, Violation};

/// The longest header: two bytes, a 64-bit length, a masking key.
pub(crate) const MAX_HEADER: usize = 14;
/// The longest payload of a control frame (RFC 6455 section 5.5).
pub(crate) const MAX_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
const MASKED: u8 = 0x80;

/// What a frame is (RFC 6455 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opcode {
    /// A later frame of a fragmented message.
    Continuation,
    /// The first frame of a text message.
    Text,
    /// The first frame of a binary message.
    Binary,
    /// Close.
    Close,
    /// Ping.
    Ping,
    /// Pong.
    Pong,
}

impl Opcode {
    /// The opcode with this number, unless the number is reserved.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// The opcode's number.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// Whether a frame of this kind is a control frame (RFC 6455 section 5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Whether a frame ends its message: the FIN bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fin {
    More,
    Last,
}

/// Whether a message is compressed: the RSV1 bit of its first frame (RFC 7692 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Deflate,
}

/// A masking key (RFC 6455 section 5.3).
pub(crate) type Key = [u8; 4];

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: Fin,
    pub(crate) coding: Coding,
    pub(crate) opcode: Opcode,
    pub(crate) key: Option<Key>,
    /// Payload bytes.
    pub(crate) len: u64,
}

/// Reads the header at the front of `bytes`, received by `role`, with the number of bytes that
/// it takes; `None` as long as it is incomplete.
///
/// What can be refused is refused by the first byte that shows it, so that a violation is the
/// same one wherever the stream was cut.
#[inline]
pub(crate) fn parse(bytes: &[u8], role: Role) -> Result<Option<(Header, usize)>, Violation> {
    let [first, rest @ ..] = bytes else {
        return Ok(None);
    };
    let (fin, coding, opcode) = parse_first(*first)?;
    let [second, rest @ ..] = rest else {
        return Ok(None);
    };
    check_second(*second, opcode, role)?;
    let Some((len, rest)) = parse_length(second & !MASKED, rest)? else {
        return Ok(None);
    };
    let Some((key, rest)) = parse_key(rest, role) else {
        return Ok(None);
    };
    let header = Header {
        fin,
        coding,
        opcode,
        key,
        len,
    };
    Ok(Some((header, bytes.len() - rest.len())))
}

#[inline]
fn parse_first(first: u8) -> Result<(Fin, Coding, Opcode), Violation> {
    if first & RSV2_RSV3 != 0 {
        return Err(Violation::ReservedBits);
    }
    let opcode = Opcode::from_bits(first & 0xF).ok_or(Violation::ReservedOpcode)?;
    let fin = if first & FIN != 0 {
        Fin::Last
    } else {
        Fin::More
    };
    if opcode.is_control() && fin == Fin::More {
        return Err(Violation::FragmentedControl);
    }
    let coding = if first & RSV1 != 0 {
        Coding::Deflate
    } else {
        Coding::Plain
    };
    Ok((fin, coding, opcode))
}

#[inline]
fn check_second(second: u8, opcode: Opcode, role: Role) -> Result<(), Violation> {
    match (role, second & MASKED != 0) {
        (Role::Client, true) => return Err(Violation::Masked),
        (Role::Server, false) => return Err(Violation::Unmasked),
        (Role::Client, false) | (Role::Server, true) => {}
    }
    if opcode.is_control() && usize::from(second & !MASKED) > MAX_CONTROL {
        return Err(Violation::ControlTooLong);
    }
    Ok(())
}

#[inline]
fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    match (short, rest) {
        (..=125, rest) => Ok(Some((u64::from(short), rest))),
        (126, [a, b, rest @ ..]) => match u16::from_be_bytes([*a, *b]) {
            ..=125 => Err(Violation::NonMinimalLength),
            len => Ok(Some((u64::from(len), rest))),
        },
        (127, [a, ..]) if a & 0x80 != 0 => Err(Violation::OversizedLength),
        (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
            match u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) {
                ..=0xFFFF => Err(Violation::NonMinimalLength),
                len => Ok(Some((len, rest))),
            }
        }
        (126.., _) => Ok(None),
    }
}

#[inline]
fn parse_key(rest: &[u8], role: Role) -> Option<(Option<Key>, &[u8])> {
    match role {
        Role::Client => Some((None, rest)),
        Role::Server => rest
            .split_first_chunk()
            .map(|(key, rest)| (Some(*key), rest)),
    }
}

/// Appends the bytes of a header.
pub(crate) fn write(header: Header, out: &mut alloc::vec::Vec<u8>) {
    let Header {
        fin,
        coding,
        opcode,
        key,
        len,
    } = header;
    let fin = if fin == Fin::Last { FIN } else { 0 };
    let rsv1 = if coding == Coding::Deflate { RSV1 } else { 0 };
    let masked = if key.is_some() { MASKED } else { 0 };
    out.push(fin | rsv1 | opcode.bits());
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ ..=125), _) => out.push(masked | short),
        (_, Ok(medium)) => {
            out.push(masked | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(masked | 127);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    out.extend_from_slice(key.as_ref().map_or(&[], |key| key.as_slice()));
}

/// The bytes that a frame with `len` bytes of payload takes when sent by `role`.
pub(crate) const fn size(len: usize, role: Role) -> usize {
    let length = match len {
        ..=125 => 0,
        126..=0xFFFF => 2,
        _ => 8,
    };
    let key = match role {
        Role::Client => 4,
        Role::Server => 0,
    };
    len.saturating_add(2 + length + key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const fn header(opcode: Opcode, key: Option<Key>, len: u64) -> Header {
        Header {
            fin: Fin::Last,
            coding: Coding::Plain,
            opcode,
            key,
            len,
        }
    }

    #[test]
    fn a_written_header_reads_back_and_no_prefix_of_it_does() {
        let keys = [(Role::Client, None), (Role::Server, Some([1, 2, 3, 4]))];
        for (role, key) in keys {
            for len in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, u64::MAX >> 1] {
                let written = header(Opcode::Binary, key, len);
                let mut bytes = Vec::new();
                write(written, &mut bytes);
                assert_eq!(parse(&bytes, role), Ok(Some((written, bytes.len()))));
                for cut in 0..bytes.len() {
                    assert_eq!(parse(&bytes[..cut], role), Ok(None));
                }
            }
        }
    }

    #[test]
    fn the_size_of_a_frame_is_what_is_written() {
        for (role, key) in [(Role::Server, None), (Role::Client, Some([0; 4]))] {
            for len in [0_usize, 125, 126, 0xFFFF, 0x1_0000] {
                let mut bytes = Vec::new();
                write(header(Opcode::Text, key, len as u64), &mut bytes);
                assert_eq!(size(len, role), bytes.len() + len);
            }
        }
    }

    #[test]
    fn each_way_to_break_a_header_has_its_own_name() {
        let table: &[(&[u8], Violation)] = &[
            (&[0x91], Violation::ReservedBits),
            (&[0xA1], Violation::ReservedBits),
            (&[0x83], Violation::ReservedOpcode),
            (&[0x8F], Violation::ReservedOpcode),
            (&[0x08], Violation::FragmentedControl),
            (&[0x09, 0], Violation::FragmentedControl),
            (&[0x89, 126], Violation::ControlTooLong),
            (&[0x81, 0x80], Violation::Masked),
            (&[0x81, 126, 0, 125], Violation::NonMinimalLength),
            (
                &[0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
                Violation::NonMinimalLength,
            ),
            (&[0x81, 127, 0x80], Violation::OversizedLength),
        ];
        for (bytes, violation) in table {
            assert_eq!(parse(bytes, Role::Client), Err(*violation), "{bytes:02x?}");
        }
        assert_eq!(parse(&[0x81, 1], Role::Server), Err(Violation::Unmasked));
    }

    #[test]
    fn opcodes_are_those_of_the_rfc() {
        for bits in 0..=u8::MAX {
            let opcode = Opcode::from_bits(bits);
            assert_eq!(opcode.is_some(), matches!(bits, 0..=2 | 8..=10), "{bits}");
            assert!(opcode.is_none_or(|opcode| opcode.bits() == bits));
        }
    }
}
