//! Which transitions of the machine the scenarios meet, held against the core's own table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::place::{Place, TABLE};

/// A stimulus that was met somewhere, and where it led.
pub(crate) type Met = BTreeSet<(Place, &'static str, Place)>;

/// One pair of a place and a stimulus that does something there.
struct Cell {
    stimulus: &'static str,
    from: Place,
    /// Where it leads; where it stands, if it acts without leading elsewhere.
    to: Place,
}

/// Every cell of the core's table but those in which nothing happens.
fn cells() -> Vec<Cell> {
    let mut rows = TABLE.lines().map(str::split_whitespace);
    let columns: Vec<Place> = rows
        .next()
        .into_iter()
        .flatten()
        .filter_map(Place::named)
        .collect();
    assert_eq!(columns, Place::ALL, "the columns of the table");
    let mut cells = Vec::new();
    for mut row in rows {
        let stimulus = row.next().unwrap_or_default();
        for (&from, cell) in columns.iter().zip(row) {
            match cell {
                "." => {}
                "o" => cells.push(Cell {
                    stimulus,
                    from,
                    to: from,
                }),
                to => cells.push(Cell {
                    stimulus,
                    from,
                    to: Place::named(to).expect("a column"),
                }),
            }
        }
    }
    cells
}

/// The transitions that were not met, and the table of all with those that were marked.
pub(crate) fn coverage(met: &Met) -> (Vec<String>, String) {
    let (mut missing, mut known) = (Vec::new(), 0);
    for Cell { stimulus, from, to } in cells() {
        known += 1;
        if !met.contains(&(from, stimulus, to)) {
            missing.push(format!("{} {stimulus} -> {}", from.name(), to.name()));
        }
    }
    let mut text = table(met);
    let found = known - missing.len();
    writeln!(text, "{found} of {known} transitions are met").unwrap_or_default();
    (missing, text)
}

/// The core's table, each cell that was met in brackets.
fn table(met: &Met) -> String {
    let mut text = String::new();
    for (index, line) in TABLE.lines().enumerate() {
        let mut words = line.split_whitespace();
        let name = if index == 0 {
            ""
        } else {
            words.next().unwrap_or_default()
        };
        write!(text, "{name:<11}").unwrap_or_default();
        for (place, cell) in Place::ALL.into_iter().zip(words) {
            let was = met
                .iter()
                .any(|&(from, stimulus, _)| from == place && stimulus == name);
            let cell = if was {
                format!("[{cell}]")
            } else {
                format!(" {cell} ")
            };
            write!(text, "{cell:<5}").unwrap_or_default();
        }
        text.push('\n');
    }
    text
}
