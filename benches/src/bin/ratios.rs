//! Prints what the last `cargo bench` measured as tables of ratios: each peer's median time over ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

/// Our own entry in every group starts with this.
const OURS: &str = "marketprism";

/// Benches of one group, by name, with the nanoseconds of one element.
type Group = BTreeMap<String, f64>;

fn main() -> ExitCode {
    let root = target().join("criterion");
    let groups = read(&root);
    if groups.is_empty() {
        eprintln!(
            "nothing measured yet in {}: run `cargo bench` first",
            root.display()
        );
        return ExitCode::FAILURE;
    }
    for (name, group) in &groups {
        print(name, group);
    }
    ExitCode::SUCCESS
}

/// Where cargo puts what it builds: this program stands in `release/` or `debug/` below it.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("target"))
        .to_owned()
}

fn read(root: &Path) -> BTreeMap<String, Group> {
    let mut groups = BTreeMap::<String, Group>::new();
    for bench in folders(root).iter().flat_map(|group| folders(group)) {
        let (Some(about), Some(estimates)) = (json(&bench, "benchmark"), json(&bench, "estimates"))
        else {
            continue;
        };
        let (Some(group), Some(name)) = (about["group_id"].as_str(), about["function_id"].as_str())
        else {
            continue;
        };
        let elements = about["throughput"]["Elements"].as_f64().unwrap_or(1.0);
        if let Some(median) = estimates["median"]["point_estimate"].as_f64() {
            let group = groups.entry(group.to_owned()).or_default();
            group.insert(name.to_owned(), median / elements);
        }
    }
    groups
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

fn json(bench: &Path, what: &str) -> Option<Value> {
    let text = std::fs::read_to_string(bench.join("new").join(what).with_extension("json")).ok()?;
    serde_json::from_str(&text).ok()
}

fn print(name: &str, group: &Group) {
    let ours = group
        .iter()
        .find(|(name, _)| name.starts_with(OURS))
        .map(|(_, &nanos)| nanos);
    let mut rows: Vec<_> = group.iter().collect();
    rows.sort_by(|a, b| a.1.total_cmp(b.1));
    println!("{name}\n{:<44}{:>12}{:>14}", "", "ns each", "times ours");
    for (name, nanos) in rows {
        let ratio = ours.map_or_else(String::new, |ours| format!("{:.2}", nanos / ours));
        println!("{name:<44}{nanos:>12.1}{ratio:>14}");
    }
    println!();
}
