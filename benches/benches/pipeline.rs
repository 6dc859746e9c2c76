//! The whole way: from chunks as a socket gives them to typed trades, book updates and book tops with exact
//! decimals, beside every composition of a framing peer with a JSON peer.

use std::hint::black_box;

use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use marketprism_benches::clock::Processor;
use marketprism_benches::decoders::{Decoding, Flexon, SerdeJson, SimdJson, SonicRs};
use marketprism_benches::models::Digest;
use marketprism_benches::peers::{Boomnet, FastWebSockets, Framing, TokioWebSockets, Tungstenite};
use marketprism_benches::session::Whole;
use marketprism_benches::traffic::Traffic;
use marketprism_benches::{decoders, peers};

const MESSAGES: usize = 1_000;

fn pipeline(criterion: &mut Criterion<Processor>) {
    let traffic = Traffic::mixed(MESSAGES, 1);
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    pair::<peers::MarketPrism, decoders::MarketPrism>(&mut group, &traffic);
    whole_session(&mut group, &traffic);
    with_each_decoder::<Boomnet>(&mut group, &traffic);
    with_each_decoder::<FastWebSockets>(&mut group, &traffic);
    with_each_decoder::<TokioWebSockets>(&mut group, &traffic);
    with_each_decoder::<Tungstenite>(&mut group, &traffic);
    group.finish();
}

/// Ours with all that stands around the decoder: heartbeat, quotas, subscriptions, the order of each stream, and a
/// book whose changes are held for a snapshot that never comes. A session is opened anew for each pass, because numbers
/// that come twice would be out of order.
fn whole_session(group: &mut BenchmarkGroup<'_, Processor>, traffic: &Traffic) {
    group.bench_function("a whole session of marketprism", |bencher| {
        bencher.iter_batched_ref(
            || Whole::open(traffic.feed()),
            |session| {
                session.drain(MESSAGES as u64, &mut |event| {
                    black_box(event);
                });
            },
            BatchSize::PerIteration,
        );
    });
}

fn with_each_decoder<F: Framing>(group: &mut BenchmarkGroup<'_, Processor>, traffic: &Traffic) {
    pair::<F, Flexon>(group, traffic);
    pair::<F, SonicRs>(group, traffic);
    pair::<F, SimdJson>(group, traffic);
    pair::<F, SerdeJson>(group, traffic);
}

fn pair<F: Framing, D: Decoding>(group: &mut BenchmarkGroup<'_, Processor>, traffic: &Traffic) {
    let mut client = F::over(traffic.feed());
    let mut decoder = D::default();
    group.bench_function(format!("{} + {}", F::NAME, D::NAME), |bencher| {
        bencher.iter(|| {
            let mut digest = Digest::default();
            client.drain(MESSAGES, &mut |text| {
                decoder.decode(text, |message| digest.message(&message));
            });
            black_box(digest)
        });
    });
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(Processor);
    targets = pipeline
);
criterion_main!(benches);
