//! Decoding alone: from the text of a message to typed values with exact decimals, for a trade of about
//! 200 bytes and for a book update of 50 levels, beside the JSON peers.
//!
//! Two baselines bound the peers from below: sonic-rs with its numbers left as text, which is not
//! the task, and serde_json, which everybody knows.

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use marketprism_benches::clock::Processor;
use marketprism_benches::decoders::{
    Decoding, Flexon, MarketPrism, SerdeJson, SimdJson, SonicRs, SonicRsText,
};
use marketprism_benches::models::Digest;
use marketprism_benches::peers::Text;
use marketprism_benches::traffic::Market;

const MESSAGES: usize = 1_000;
const LEVELS: u64 = 50;

fn decode(criterion: &mut Criterion<Processor>) {
    let mut market = Market::new(1);
    let trades: Vec<String> = (0..MESSAGES).map(|_| market.trade()).collect();
    all(criterion.benchmark_group("decode aggTrade"), &trades);
    let depths: Vec<String> = (0..MESSAGES).map(|_| market.depth(LEVELS)).collect();
    all(
        criterion.benchmark_group("decode depth of 50 levels"),
        &depths,
    );
    let tops: Vec<String> = (0..MESSAGES).map(|_| market.top()).collect();
    all(criterion.benchmark_group("decode bookTicker"), &tops);
}

fn all(mut group: BenchmarkGroup<'_, Processor>, messages: &[String]) {
    group.throughput(Throughput::Elements(MESSAGES as u64));
    let expected = digest(&mut SerdeJson, messages);
    one::<MarketPrism>(&mut group, messages, Some(expected));
    one::<SonicRs>(&mut group, messages, Some(expected));
    one::<SonicRsText>(&mut group, messages, None);
    one::<Flexon>(&mut group, messages, Some(expected));
    one::<SimdJson>(&mut group, messages, Some(expected));
    one::<SerdeJson>(&mut group, messages, Some(expected));
    group.finish();
}

fn one<D: Decoding>(
    group: &mut BenchmarkGroup<'_, Processor>,
    messages: &[String],
    expected: Option<Digest>,
) {
    let mut decoder = D::default();
    let found = digest(&mut decoder, messages);
    assert!(
        expected.is_none_or(|expected| expected == found),
        "{} reads something else",
        D::NAME
    );
    group.bench_function(D::NAME, |bencher| {
        bencher.iter(|| black_box(digest(&mut decoder, messages)));
    });
}

fn digest<D: Decoding>(decoder: &mut D, messages: &[String]) -> Digest {
    let mut digest = Digest::default();
    for message in messages {
        decoder.decode(Text::Str(black_box(message)), |message| {
            digest.message(&message);
        });
    }
    digest
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(Processor);
    targets = decode
);
criterion_main!(benches);
