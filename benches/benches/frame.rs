//! Framing in memory: how long it takes from chunks as a socket gives them to messages checked to be
//! UTF-8, beside the peers, and beside a mere copy of the bytes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use marketprism_benches::clock::Processor;
use marketprism_benches::peers::{
    Boomnet, FastWebSockets, Framing, MarketPrism, Text, TokioWebSockets, Tungstenite,
};
use marketprism_benches::traffic::{CHUNK, Traffic};

const MESSAGES: usize = 1_000;

fn frame(criterion: &mut Criterion<Processor>) {
    let traffic = Traffic::mixed(MESSAGES, 1);
    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(MESSAGES as u64));

    let mut feed = traffic.feed();
    let mut room = vec![0; CHUNK];
    group.bench_function("copy only", |bencher| {
        bencher.iter(|| {
            let mut left = traffic.wire.len();
            while left > 0 {
                left -= feed.fill(&mut room);
                black_box(&room);
            }
        });
    });
    one::<MarketPrism>(&mut group, &traffic);
    one::<Boomnet>(&mut group, &traffic);
    one::<FastWebSockets>(&mut group, &traffic);
    one::<TokioWebSockets>(&mut group, &traffic);
    one::<Tungstenite>(&mut group, &traffic);
    group.finish();
}

type Group<'a> = criterion::BenchmarkGroup<'a, Processor>;

fn one<F: Framing>(group: &mut Group<'_>, traffic: &Traffic) {
    assert_eq!(
        read::<F>(traffic),
        traffic.messages,
        "{} reads something else",
        F::NAME
    );
    let mut client = F::over(traffic.feed());
    group.bench_function(F::NAME, |bencher| {
        bencher.iter(|| {
            client.drain(MESSAGES, &mut |text| match text {
                Text::Str(text) => {
                    black_box(text);
                }
                Text::Bytes(bytes) => {
                    black_box(bytes);
                }
            });
        });
    });
}

/// The whole traffic as this peer reads it.
fn read<F: Framing>(traffic: &Traffic) -> Vec<String> {
    let mut out = Vec::new();
    F::over(traffic.feed()).drain(MESSAGES, &mut |text| {
        out.push(match text {
            Text::Str(text) => text.to_owned(),
            Text::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        });
    });
    out
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(Processor);
    targets = frame
);
criterion_main!(benches);
