//! Blocks: the frame of a log. Each has its length, its checksum and its number.

use std::io::{self, Read};

use twox_hash::XxHash3_64;
use zstd::bulk::{Compressor, Decompressor};

use super::error::LogError;
use super::wire::Flaw;

/// The first bytes of a log: one that is no text, and line ends that a transfer as text would
/// change.
const MAGIC: [u8; 8] = *b"\x89MPLOG\r\n";

/// The version of everything behind the magic.
pub(super) const VERSION: u16 = 2;

/// The longest block before compression: it holds at least one answer over REST, and a venue's list
/// of instruments is long.
pub(super) const RAW_MAX: usize = 64 << 20;

/// The longest block after compression, which may make a little more of what cannot be made less.
const STORED_MAX: usize = RAW_MAX + (64 << 10);

/// Fast, and three quarters of what the slow levels save.
const LEVEL: i32 = 3;

/// The length of a log's beginning: magic, version, two bytes of nothing, checksum.
const BEGINNING: usize = 16;

/// The length of a block's head: kind, length, length stored, checksum of what is stored,
/// checksum of the head.
const HEAD: usize = 21;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the sessions were made of. The first block, and the only one of its kind.
    Fleet,
    /// What they were given.
    Entries,
    /// How the recording ended. The last block.
    End,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Fleet => 1,
            Self::Entries => 2,
            Self::End => 3,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Fleet),
            2 => Some(Self::Entries),
            3 => Some(Self::End),
            _ => None,
        }
    }
}

/// The beginning of a log.
pub(super) fn beginning() -> Vec<u8> {
    let mut bytes = Vec::from(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    let check = check32(0, &bytes);
    bytes.extend_from_slice(&check);
    bytes
}

/// XXH3-64 with the block's number as its seed: a block that stands in another's place is found.
fn check(number: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(number, bytes)
}

/// The lower half of it.
pub(super) fn check32(number: u64, bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = check(number, bytes).to_le_bytes();
    [a, b, c, d]
}

/// Makes blocks.
pub(super) struct Packer {
    compressor: Compressor<'static>,
    number: u64,
}

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            compressor: Compressor::new(LEVEL)?,
            number: 0,
        })
    }

    /// The next block, head and all.
    pub(super) fn pack(&mut self, kind: Kind, raw: &[u8]) -> io::Result<Vec<u8>> {
        let stored = self.compressor.compress(raw)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
        let mut block = vec![kind.code()];
        block.extend_from_slice(&length(raw)?.to_le_bytes());
        block.extend_from_slice(&length(&stored)?.to_le_bytes());
        block.extend_from_slice(&check(self.number, &stored).to_le_bytes());
        let checked = check32(self.number, &block);
        block.extend_from_slice(&checked);
        block.extend_from_slice(&stored);
        self.number += 1;
        Ok(block)
    }
}

/// A block that has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    /// Where it begins.
    pub(super) offset: u64,
    pub(super) raw: &'a [u8],
}

/// What comes next in a log.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Block(Block<'a>),
    /// The file ends between two blocks.
    Nothing,
    /// The file ends within a block, of which there are so many bytes.
    Torn(u64),
}

/// Reads blocks, one at a time, into memory that one block bounds.
pub(super) struct Blocks<R> {
    input: R,
    offset: u64,
    number: u64,
    decompressor: Decompressor<'static>,
    stored: Vec<u8>,
    raw: Vec<u8>,
}

/// The head of a block.
struct Head {
    kind: Kind,
    raw: usize,
    stored: usize,
    check: u64,
}

impl<R: Read> Blocks<R> {
    /// Reads the beginning of a log.
    pub(super) fn open(mut input: R) -> Result<Self, LogError> {
        let mut bytes = Vec::new();
        let read = input
            .by_ref()
            .take(BEGINNING as u64)
            .read_to_end(&mut bytes);
        read.map_err(LogError::Io)?;
        check_beginning(&bytes)?;
        Ok(Self {
            input,
            offset: BEGINNING as u64,
            number: 0,
            decompressor: Decompressor::new().map_err(LogError::Io)?,
            stored: Vec::new(),
            raw: Vec::new(),
        })
    }

    /// The next block.
    pub(super) fn next(&mut self) -> Result<Next<'_>, LogError> {
        let offset = self.offset;
        let damaged = |flaw| LogError::Damaged { offset, flaw };
        if self.read(HEAD)? < HEAD {
            return Ok(match self.stored.len() {
                0 => Next::Nothing,
                cut => Next::Torn(cut as u64),
            });
        }
        let head = Head::read(self.number, &self.stored).map_err(damaged)?;
        let body = self.read(head.stored)?;
        if body < head.stored {
            return Ok(Next::Torn((HEAD + body) as u64));
        }
        self.unpack(&head).map_err(damaged)?;
        self.offset += (HEAD + head.stored) as u64;
        self.number += 1;
        let raw = &self.raw;
        Ok(Next::Block(Block {
            kind: head.kind,
            offset,
            raw,
        }))
    }

    /// Whether the file ends here.
    pub(super) fn is_over(&mut self) -> Result<bool, LogError> {
        self.read(1).map(|count| count == 0)
    }

    /// Reads so many bytes, or fewer at the end of the file.
    fn read(&mut self, count: usize) -> Result<usize, LogError> {
        self.stored.clear();
        let bounded = self.input.by_ref().take(count as u64);
        let read = { bounded }.read_to_end(&mut self.stored);
        read.map_err(LogError::Io)
    }

    fn unpack(&mut self, head: &Head) -> Result<(), Flaw> {
        if check(self.number, &self.stored) != head.check {
            return Err(Flaw("does not have the bytes that its checksum is of"));
        }
        self.raw.clear();
        self.raw.reserve_exact(head.raw);
        let unpacked = self
            .decompressor
            .decompress_to_buffer(&self.stored, &mut self.raw);
        match unpacked {
            Ok(count) if count == head.raw => Ok(()),
            Ok(_) | Err(_) => Err(Flaw("does not unpack to the length that it claims")),
        }
    }
}

fn check_beginning(bytes: &[u8]) -> Result<(), LogError> {
    let expected = beginning();
    let (magic, rest) = bytes.split_at(bytes.len().min(MAGIC.len()));
    if !MAGIC.starts_with(magic) || bytes.is_empty() {
        return Err(LogError::NoLog);
    }
    if bytes.len() < BEGINNING {
        return Err(LogError::Short);
    }
    if bytes == expected {
        return Ok(());
    }
    match rest {
        [low, high, ..] if bytes.ends_with(&check32(0, bytes.get(..12).unwrap_or_default())) => {
            Err(LogError::Version(u16::from_le_bytes([*low, *high])))
        }
        _ => Err(LogError::Damaged {
            offset: 0,
            flaw: Flaw("does not have the bytes that its checksum is of"),
        }),
    }
}

impl Head {
    fn read(number: u64, bytes: &[u8]) -> Result<Self, Flaw> {
        let wrong = Flaw("does not have the bytes that its checksum is of");
        let (head, checked) = bytes.split_last_chunk::<4>().ok_or(wrong)?;
        if check32(number, head) != *checked {
            return Err(wrong);
        }
        let mut head = super::wire::Bytes::new(head);
        let [code] = head.array()?;
        let (raw, stored) = (head.array()?, head.array()?);
        let head = Self {
            kind: Kind::of(code).ok_or(Flaw("is of an unknown kind"))?,
            raw: length(raw, RAW_MAX)?,
            stored: length(stored, STORED_MAX)?,
            check: u64::from_le_bytes(head.array()?),
        };
        Ok(head)
    }
}

fn length(bytes: [u8; 4], max: usize) -> Result<usize, Flaw> {
    let length = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    match length > max {
        true => Err(Flaw("claims to be longer than any block")),
        false => Ok(length),
    }
}
