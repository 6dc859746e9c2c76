//! Keeping a book: the changes of recorded sessions and of synthetic ones, and after each message
//! the best five levels of each side, beside `BTreeMap` and one sorted vector. One element is
//! one changed level.

use std::hint::black_box;

use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use marketprism_benches::books::{Flat, Keeper, MarketPrism, Story, Tree, recorded, synthetic};
use marketprism_benches::clock::Processor;
use marketprism_core::market::Side;

const TOP: usize = 5;

fn book(criterion: &mut Criterion<Processor>) {
    let patterns = [
        (20, true),
        (1_000, true),
        (1_000, false),
        (5_000, true),
        (5_000, false),
    ];
    let stories = patterns
        .into_iter()
        .map(|(depth, near)| synthetic(depth, near));
    for story in stories.chain(recorded()) {
        let mut group = criterion.benchmark_group(story.name.as_str());
        let levels = story.changes.iter().map(|message| message.levels()).sum();
        group.throughput(Throughput::Elements(levels));
        let expected = play(&mut begin::<Tree>(&story), &story);
        one::<MarketPrism>(&mut group, &story, expected);
        one::<Tree>(&mut group, &story, expected);
        one::<Flat>(&mut group, &story, expected);
        group.finish();
    }
}

fn one<K: Keeper>(group: &mut BenchmarkGroup<'_, Processor>, story: &Story, expected: u64) {
    let found = play(&mut begin::<K>(story), story);
    assert_eq!(found, expected, "{} keeps another book", K::NAME);
    group.bench_function(K::NAME, |bencher| {
        bencher.iter_batched_ref(
            || begin::<K>(story),
            |keeper| black_box(play(keeper, story)),
            BatchSize::LargeInput,
        );
    });
}

fn begin<K: Keeper>(story: &Story) -> K {
    let mut keeper = K::default();
    keeper.apply(&story.start.as_book());
    keeper
}

/// Applies everything, and sums up what was at the top in between.
fn play<K: Keeper>(keeper: &mut K, story: &Story) -> u64 {
    let mut sum = 0_u64;
    for message in &story.changes {
        keeper.apply(&message.as_book());
        for side in [Side::Buy, Side::Sell] {
            keeper.top(side, TOP, |level| {
                let (price, quantity) = (level.price.mantissa(), level.quantity.mantissa());
                sum = sum
                    .wrapping_mul(31)
                    .wrapping_add((price ^ quantity).cast_unsigned());
            });
        }
    }
    sum
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(Processor);
    targets = book
);
criterion_main!(benches);
