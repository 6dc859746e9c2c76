//! TLS over a socket that does not block.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use marketprism_core::ReceiveBuffer;
use marketprism_core::connection::Fault;
use marketprism_shell::{Tls, fault, tls_fault};
use rustls::{ClientConnection, IoState};

use crate::stream::{Taken, retried};

/// The size of the loop's one buffer of records as they come from the kernel.
pub(crate) const WIRE: usize = 32 * 1024;

/// What one read may make of them: a record that has been waiting for its end comes on top, and
/// it holds up to 16 KiB (RFC 8446 section 5.2).
pub(crate) const PLAIN: usize = WIRE + 16 * 1024;

/// A client's end of TLS, and the stream below.
///
/// What it holds is bounded: of what comes, a record that has not come to its end; of what goes,
/// one write of at most 64 KiB (rustls' limit), because nothing more is encrypted until that is
/// gone. Dropping it closes the stream without a word: WebSocket has a close handshake of its own.
#[derive(Debug)]
pub(crate) struct Secure<S> {
    stream: S,
    tls: ClientConnection,
    incoming: Incoming,
}

/// What is left to be expected of the far end.
#[derive(Debug)]
enum Incoming {
    Open,
    /// It has said goodbye (close_notify).
    Ended,
    /// It has said something that nothing can follow.
    Broken(io::Error),
}

impl<S: Read + Write> Secure<S> {
    /// Over a connected stream; nothing is said yet.
    ///
    /// # Errors
    ///
    /// [`Fault::Tls`] if the host is neither a name nor an address.
    pub(crate) fn new(stream: S, tls: &Tls, host: &str) -> Result<Self, Fault> {
        let config = Arc::clone(tls.config());
        let tls = ClientConnection::new(config, Tls::server_name(host)?);
        Ok(Self {
            stream,
            tls: tls.map_err(|error| tls_fault(&error))?,
            incoming: Incoming::Open,
        })
    }

    /// Goes on with the handshake as far as it goes without waiting; whether it is complete.
    ///
    /// # Errors
    ///
    /// Why there will be none.
    pub(crate) fn handshake(&mut self) -> Result<bool, Fault> {
        loop {
            let flushed = self.flush().map_err(|error| fault(&error))?;
            if !self.tls.is_handshaking() {
                return Ok(flushed);
            }
            let read = retried(|| self.tls.read_tls(&mut self.stream));
            match read.map_err(|error| fault(&error))? {
                None => return Ok(false),
                // The far end hung up in the middle of the handshake.
                Some(0) => return Err(Fault::Tls),
                Some(_) => self.process().map_err(|error| fault(&error))?,
            };
        }
    }

    /// Takes what the stream has, at most `wire` full of it, and decrypts it into `rx`.
    ///
    /// Nothing stays behind in here but a record without its end: the kernel will not tell again
    /// of what it has handed over.
    pub(crate) fn read(&mut self, wire: &mut [u8], rx: &mut ReceiveBuffer) -> io::Result<Taken> {
        // What came with the end of the handshake.
        self.drain(rx);
        if !rx.is_empty() {
            return Ok(Taken::Bytes(rx.filled().len()));
        }
        match std::mem::replace(&mut self.incoming, Incoming::Ended) {
            Incoming::Open => self.incoming = Incoming::Open,
            Incoming::Ended => return Ok(Taken::End),
            Incoming::Broken(error) => return Err(error),
        }
        Ok(match retried(|| self.stream.read(wire))? {
            None => Taken::Nothing,
            // Without close_notify too.
            Some(0) => Taken::End,
            Some(count) => {
                self.take_in(wire.get(..count).unwrap_or_default(), rx);
                Taken::Bytes(count)
            }
        })
    }

    fn take_in(&mut self, mut records: &[u8], rx: &mut ReceiveBuffer) {
        while !records.is_empty() && matches!(self.incoming, Incoming::Open) {
            let read = self.tls.read_tls(&mut records);
            match read.and_then(|_| self.process()) {
                Ok(state) if state.peer_has_closed() => self.incoming = Incoming::Ended,
                Ok(_) => {}
                Err(error) => self.incoming = Incoming::Broken(error),
            }
            self.drain(rx);
        }
    }

    fn process(&mut self) -> io::Result<IoState> {
        self.tls.process_new_packets().map_err(|error| {
            // The alert that says why, if there is room for it: nobody waits for it.
            let _best_effort = self.flush();
            io::Error::new(ErrorKind::InvalidData, error)
        })
    }

    fn drain(&mut self, rx: &mut ReceiveBuffer) {
        // That nothing is left is an error to rustls.
        while let Ok(count @ 1..) = self.tls.reader().read(rx.spare()) {
            rx.commit(count);
        }
    }

    /// Encrypts and sends; `None` if there is no room, or nothing to write. What is encrypted
    /// and waits for room goes out first, also when there is nothing to write.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        if !self.flush()? || bytes.is_empty() {
            return Ok(None);
        }
        let count = self.tls.writer().write(bytes)?;
        self.flush()?;
        Ok(Some(count))
    }

    /// Sends what is encrypted; whether all of it is gone.
    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match retried(|| self.tls.write_tls(&mut self.stream))? {
                None => return Ok(false),
                Some(0) => return Err(ErrorKind::WriteZero.into()),
                Some(_) => {}
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marketprism_shell_tests::trust::Authority;
    use proptest::prelude::*;
    use rustls::ServerConnection;
    use rustls::version::{TLS12, TLS13};
    use std::collections::VecDeque;
    use std::sync::LazyLock;

    static AUTHORITIES: LazyLock<[Authority; 2]> =
        LazyLock::new(|| [&TLS12, &TLS13].map(|version| Authority::speaking("far", &[version])));

    /// What one call does; when there is none left, it does all it is asked for.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Limit(usize),
        Wait,
        Signal,
    }

    /// A client's stream, held by the hand of the test.
    #[derive(Debug, Default)]
    struct Line {
        incoming: VecDeque<u8>,
        outgoing: Vec<u8>,
        reads: VecDeque<Step>,
        writes: VecDeque<Step>,
    }

    fn step(steps: &mut VecDeque<Step>) -> io::Result<usize> {
        match steps.pop_front() {
            Some(Step::Limit(limit)) => Ok(limit),
            Some(Step::Wait) => Err(ErrorKind::WouldBlock.into()),
            Some(Step::Signal) => Err(ErrorKind::Interrupted.into()),
            None => Ok(usize::MAX),
        }
    }

    impl Read for Line {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let limit = step(&mut self.reads)?.min(buf.len());
            if self.incoming.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.incoming.read(&mut buf[..limit])
        }
    }

    impl Write for Line {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let limit = step(&mut self.writes)?.min(buf.len());
            self.outgoing.write(&buf[..limit])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Both ends, and what the loop lends to ours.
    struct Talk {
        near: Secure<Line>,
        far: ServerConnection,
        /// What the far end has heard.
        arrived: Vec<u8>,
        wire: Vec<u8>,
        rx: ReceiveBuffer,
    }

    impl Talk {
        fn new(version: usize, line: Line) -> Self {
            let Authority { tls, server } = &AUTHORITIES[version];
            Self {
                near: Secure::new(line, tls, "far").unwrap(),
                far: ServerConnection::new(Arc::new(server.clone())).unwrap(),
                arrived: Vec::new(),
                wire: vec![0; WIRE],
                rx: ReceiveBuffer::with_capacity(PLAIN),
            }
        }

        /// One whose handshake is over.
        fn begun(version: usize, line: Line) -> Self {
            let mut talk = Self::new(version, line);
            while !talk.near.handshake().unwrap() {
                talk.carry();
            }
            talk.carry();
            talk
        }

        /// Takes to each end what the other one has sent.
        fn carry(&mut self) {
            let line = &mut self.near.stream;
            let mut sent = &line.outgoing[..];
            while !sent.is_empty() {
                self.far.read_tls(&mut sent).unwrap();
                self.far.process_new_packets().unwrap();
                // Fails when all of it has been taken.
                drop(self.far.reader().read_to_end(&mut self.arrived));
            }
            line.outgoing.clear();
            while self.far.wants_write() {
                self.far.write_tls(&mut line.incoming).unwrap();
            }
        }

        /// Says something at the far end, in records of this size.
        fn say(&mut self, bytes: &[u8], record: usize) {
            for part in bytes.chunks(record) {
                self.far.writer().write_all(part).unwrap();
                while self.far.wants_write() {
                    let incoming = &mut self.near.stream.incoming;
                    self.far.write_tls(incoming).unwrap();
                }
            }
        }

        /// Reads once, and adds what was said to this.
        fn hear(&mut self, heard: &mut Vec<u8>) -> io::Result<Taken> {
            let taken = self.near.read(&mut self.wire, &mut self.rx);
            heard.extend_from_slice(self.rx.filled());
            self.rx.clear();
            taken
        }
    }

    fn steps() -> impl Strategy<Value = VecDeque<Step>> {
        let step = prop_oneof![
            6 => (1..700usize).prop_map(Step::Limit),
            2 => Just(Step::Wait),
            1 => Just(Step::Signal),
        ];
        prop::collection::vec_deque(step, 0..60)
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..=255).cycle().take(count).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn however_a_stream_is_cut_both_ends_hear_the_same(
            version in 0..2usize,
            reads in steps(),
            writes in steps(),
            record in 1..5_000usize,
            incoming in 0..150_000usize,
            outgoing in 0..150_000usize,
        ) {
            let mut talk = Talk::begun(version, Line { reads, writes, ..Line::default() });
            let (incoming, outgoing) = (bytes(incoming), bytes(outgoing));
            let (mut heard, mut written) = (Vec::new(), 0);
            talk.say(&incoming, record);
            while heard.len() < incoming.len() || talk.arrived.len() < outgoing.len() {
                talk.hear(&mut heard).unwrap();
                written += talk.near.write(&outgoing[written..]).unwrap().unwrap_or(0);
                talk.carry();
            }
            prop_assert!(heard == incoming);
            prop_assert!(talk.arrived == outgoing);
        }

        #[test]
        fn what_was_whole_ahead_of_a_record_that_was_corrupted_is_heard_first(
            version in 0..2usize,
            reads in steps(),
            spoilt in 0..30_000usize,
        ) {
            const RECORD: usize = 1_000;
            let mut talk = Talk::begun(version, Line::default());
            talk.near.stream.reads = reads;
            let said = bytes(RECORD * 40);
            let before = talk.near.stream.incoming.len();
            talk.say(&said, RECORD);
            let incoming = &mut talk.near.stream.incoming;
            let (each, at) = ((incoming.len() - before) / 40, before + spoilt);
            incoming[at] ^= 1;
            let mut heard = Vec::new();
            let error = loop {
                match talk.hear(&mut heard) {
                    Ok(Taken::Bytes(_)) => {}
                    Ok(Taken::Nothing) if !talk.near.stream.reads.is_empty() => {}
                    // A length longer than all that follows, or a bit that means nothing.
                    Ok(Taken::Nothing) => return Ok(()),
                    Ok(Taken::End) => unreachable!("nobody has ended it"),
                    Err(error) => break error,
                }
            };
            prop_assert_eq!(fault(&error), Fault::Tls);
            prop_assert!(heard == said[..spoilt / each * RECORD]);
        }
    }

    #[test]
    fn one_read_hands_over_all_that_it_took_and_leaves_nothing_behind() {
        let mut talk = Talk::begun(1, Line::default());
        while talk.hear(&mut Vec::new()).unwrap() != Taken::Nothing {}
        let said = bytes(WIRE - 4_000);
        talk.say(&said, 1_500);
        let mut heard = Vec::new();
        talk.hear(&mut heard).unwrap();
        assert!(heard == said && talk.near.stream.incoming.is_empty());
        assert_eq!(talk.hear(&mut heard).unwrap(), Taken::Nothing);
    }

    #[test]
    fn nothing_more_is_taken_while_what_was_taken_finds_no_room() {
        let mut talk = Talk::begun(1, Line::default());
        talk.near.stream.writes = vec![Step::Wait; 1_000].into();
        let long = bytes(1 << 20);
        let taken = talk.near.write(&long).unwrap().unwrap();
        assert!(taken > 0 && taken <= 64 * 1024);
        for _ in 0..900 {
            assert_eq!(talk.near.write(&long[taken..]).unwrap(), None);
        }
        talk.near.stream.writes.clear();
        assert_eq!(talk.near.write(b"").unwrap(), None);
        talk.carry();
        assert!(talk.arrived == long[..taken]);
    }

    #[test]
    fn a_goodbye_is_the_end_and_what_follows_it_is_not_heard() {
        let mut talk = Talk::begun(1, Line::default());
        talk.say(b"last words", 100);
        talk.far.send_close_notify();
        talk.carry();
        talk.near.stream.incoming.extend([0xff; 100]);
        let mut heard = Vec::new();
        while talk.hear(&mut heard).unwrap() != Taken::End {}
        assert_eq!(heard, b"last words");
    }
}
