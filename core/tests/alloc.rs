//! No allocation per message after warm-up: a test, not a claim. It counts every allocation of
//! its thread, so it has a binary of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use allocation_counter::measure;
use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::deflate::{Agreement, Context, Side};
use marketprism_core::ws::{Decoder, Item, Limits, Message, Role, TransmitQueue};

const MESSAGES: usize = 200;

/// Both ends of a connection, and what one sends.
struct Pair {
    queue: TransmitQueue,
    decoder: Decoder,
    rx: ReceiveBuffer,
    send: fn(&mut TransmitQueue, &str),
}

impl Pair {
    fn new(
        from: Role,
        deflate: Option<Agreement>,
        buffer: usize,
        send: fn(&mut TransmitQueue, &str),
    ) -> Self {
        let (mut queue, to) = match from {
            Role::Client => (TransmitQueue::client(1 << 20, [1; 32]), Role::Server),
            Role::Server => (TransmitQueue::server(1 << 20), Role::Client),
        };
        queue.compress(deflate);
        Self {
            queue,
            decoder: Decoder::new(to, Limits::DEFAULT, deflate),
            rx: ReceiveBuffer::with_capacity(buffer),
            send,
        }
    }

    /// Sends each message and receives it, and returns how many items arrived.
    fn turn(&mut self, messages: &[String]) -> usize {
        let mut items = 0;
        for message in messages {
            (self.send)(&mut self.queue, message);
            while !self.queue.bytes().is_empty() {
                items += self.carry();
            }
        }
        items
    }

    /// Moves as much as the receive buffer holds.
    fn carry(&mut self) -> usize {
        let bytes = self.queue.bytes();
        let spare = self.rx.spare();
        let count = bytes.len().min(spare.len());
        spare[..count].copy_from_slice(&bytes[..count]);
        self.rx.commit(count);
        self.queue.written(count);
        let mut items = 0;
        while let Some(item) = self.decoder.next(&mut self.rx).unwrap() {
            items += 1;
            if let Item::Ping(payload) = item {
                assert_eq!(payload, b"?");
            }
        }
        items
    }
}

/// Messages of 100 to 4000 bytes, the largest first, so that one round warms everything up.
fn messages() -> Vec<String> {
    let level = |n: usize| {
        format!(
            r#"["{}.{:02}","{}"],"#,
            91_000 + n * 7 % 400,
            n % 100,
            n * 13
        )
    };
    let message = |n: usize| (n..n + 4 + (MESSAGES - n)).map(level).collect();
    (0..MESSAGES).map(message).collect()
}

#[test]
fn neither_sending_nor_receiving_allocates_per_message_after_warm_up() {
    let deflate = |context| {
        let side = Side {
            context,
            ..Side::DEFAULT
        };
        Some(Agreement {
            ours: side,
            theirs: side,
        })
    };
    let text: fn(&mut TransmitQueue, &str) = |queue, text| queue.text(text).unwrap();
    let binary: fn(&mut TransmitQueue, &str) = |queue, text| queue.binary(text.as_bytes()).unwrap();
    let fragmented: fn(&mut TransmitQueue, &str) = |queue, text| {
        queue
            .fragmented(Message::Text(text), [10, 0, 700, 33])
            .unwrap();
    };
    let with_pings: fn(&mut TransmitQueue, &str) = |queue, text| {
        queue.text(text).unwrap();
        queue.ping(b"?").unwrap();
        queue.replace_pong(b"!").unwrap();
    };
    let table = [
        ("text", None, text, 1),
        ("binary", None, binary, 1),
        ("fragmented", None, fragmented, 1),
        ("with control frames", None, with_pings, 3),
        (
            "compressed, context kept",
            deflate(Context::Takeover),
            text,
            1,
        ),
        (
            "compressed, context fresh",
            deflate(Context::Fresh),
            text,
            1,
        ),
        (
            "compressed and fragmented",
            deflate(Context::Takeover),
            fragmented,
            1,
        ),
    ];
    let messages = messages();
    for (name, deflate, send, items) in table {
        for role in [Role::Client, Role::Server] {
            // A buffer for several messages, and one that none fits into.
            for buffer in [1 << 16, 50] {
                let mut pair = Pair::new(role, deflate, buffer, send);
                let mut arrived = 0;
                let warm_up = measure(|| arrived = pair.turn(&messages));
                assert_eq!(arrived, items * MESSAGES, "{name}");
                assert_ne!(warm_up.count_total, 0, "nothing is counted");
                let info = measure(|| arrived = pair.turn(&messages));
                assert_eq!(arrived, items * MESSAGES, "{name}");
                assert_eq!(
                    info.count_total, 0,
                    "{name}, sent by a {role:?}, buffer {buffer}"
                );
            }
        }
    }
}
