//! House rules that neither the compiler nor clippy knows.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Without the unit tests at its end.
const FILE_LINES_MAX: usize = 620;

/// Every text file of the repository, with its path from the root.
fn files(extensions: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", "corpus", "artifacts"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if extensions.iter().any(|extension| name.ends_with(extension)) {
                found.push((from_root(&path), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

fn from_root(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    path.strip_prefix(root)
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// A file without the unit tests at its end.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap()
}

fn nothing(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Lines of these files in which `wrong` finds something.
fn lines(extensions: &[&str], wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, text) in files(extensions) {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| wrong(line)) {
            findings.push(format!("{path}:{}: {}", number + 1, line.trim()));
        }
    }
    findings
}

/// Tests are tables, and those may be long.
#[test]
fn no_source_file_is_too_long_to_be_read_at_once() {
    let findings: Vec<_> = files(&[".rs"])
        .iter()
        .filter(|(path, _)| path.contains("src/"))
        .map(|(path, text)| (path, code(text).lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines, {FILE_LINES_MAX} at the most"))
        .collect();
    nothing(&findings);
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    // Put together here, or this file would be the first finding.
    let roots = ["home", "root", "work", "Users"].map(|folder| format!("/{folder}/"));
    nothing(&lines(
        &[".rs", ".md", ".toml", ".sh", ".yaml", ".yml", ".py", ".js"],
        |line| {
            roots.iter().any(|root| {
                line.match_indices(root.as_str()).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._}])-".contains(c))
                })
            })
        },
    ));
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let marks = ["to", "un", "d", "FIX", "XX", "TO"]
        .into_iter()
        .zip(["do!(", "implemented!(", "bg!(", "ME", "X", "DO:"])
        .map(|(front, back)| [front, back].concat());
    let marks: Vec<String> = marks.collect();
    nothing(&lines(&[".rs", ".sh"], |line| {
        marks.iter().any(|mark| line.contains(mark))
    }));
}

#[test]
fn no_lint_is_silenced_without_a_reason_that_the_compiler_checks() {
    let allow = ["#[al", "low("].concat();
    nothing(&lines(&[".rs"], |line| {
        line.trim_start().starts_with(&allow)
    }));
}

/// `no_std` proves that core cannot name `std`, unless somebody brings it back by hand.
#[test]
fn core_does_not_bring_std_back() {
    for (path, text) in files(&[".rs"])
        .iter()
        .filter(|(path, _)| path.starts_with("core/src/"))
    {
        let text = text.replace("#[cfg(test)]\nextern crate std;", "");
        assert!(!code(&text).contains("extern crate std"), "{path}");
    }
}

#[test]
fn every_source_file_is_part_of_its_crate() {
    let sources = files(&[".rs"]);
    let declared: BTreeSet<&str> = sources
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| {
            line.trim()
                .strip_suffix(';')?
                .rsplit_once("mod ")
                .map(|(_, name)| name)
        })
        .collect();
    let findings: Vec<_> = sources
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.contains("src/") && !path.contains("/bin/"))
        .filter(|path| {
            let path = Path::new(path.as_str());
            let stem = path.file_stem().unwrap().to_string_lossy();
            let name = match &*stem {
                "mod" => path
                    .parent()
                    .unwrap()
                    .file_name()
                    .unwrap()
                    .to_string_lossy(),
                "lib" | "main" => return false,
                _ => stem,
            };
            !declared.contains(&*name)
        })
        .map(|path| format!("{path}: no `mod` names it"))
        .collect();
    nothing(&findings);
}

/// Folder, and the modules that its files must not name.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "core/src/ws/",
        &[
            "connection",
            "market",
            "venue",
            "session",
            "plan",
            "fleet",
            "machine",
        ],
    ),
    (
        "core/src/book/",
        &[
            "ws",
            "connection",
            "venue",
            "session",
            "plan",
            "fleet",
            "machine",
        ],
    ),
    (
        "core/src/market/",
        &[
            "ws",
            "book",
            "connection",
            "venue",
            "session",
            "plan",
            "fleet",
            "machine",
        ],
    ),
    (
        "core/src/connection/",
        &["market", "book", "venue", "session", "plan", "fleet"],
    ),
    (
        "core/src/venue/",
        &["ws", "book", "session", "fleet", "machine"],
    ),
    ("core/src/session/", &["fleet", "ledger"]),
    ("core/src/ledger/", &["plan", "fleet", "machine"]),
    ("shell-common/src/", &["market", "venue", "session", "plan"]),
    ("shell-tests/src/", &["market", "venue", "session", "plan"]),
    ("shell-tokio/src/", &["market", "venue", "session", "plan"]),
    ("shell-mio/src/", &["market", "venue", "session", "plan"]),
];

#[test]
fn dependence_points_one_way() {
    let mut findings = Vec::new();
    for (path, text) in files(&[".rs"]) {
        let Some((_, forbidden)) = LAYERS.iter().find(|(folder, _)| path.starts_with(folder))
        else {
            continue;
        };
        for module in *forbidden {
            let names = [
                format!("crate::{module}::"),
                format!("marketprism_core::{module}::"),
            ];
            if names.iter().any(|name| code(&text).contains(name)) {
                findings.push(format!("{path} names {module}"));
            }
        }
    }
    nothing(&findings);
}

fn architecture() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap()
}

/// What stands between back-ticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_invariant_names_tests_that_exist() {
    let text = architecture();
    let sources = files(&[".rs", ".sh"]);
    let invariants: Vec<&str> = text
        .split("**Architecture invariant")
        .skip(1)
        .map(|part| part.split("\n\n").next().unwrap())
        .collect();
    assert!(
        invariants.len() >= 8,
        "only {} invariants",
        invariants.len()
    );
    let mut findings = Vec::new();
    for invariant in invariants {
        let title = invariant.lines().next().unwrap();
        let Some((_, shown)) = invariant.split_once("*Shown by*") else {
            findings.push(format!("{title}: no word of what shows it"));
            continue;
        };
        for name in quoted(shown) {
            let functions = ["(", "<"].map(|end| format!("fn {name}{end}"));
            let known = sources.iter().any(|(path, source)| {
                path == name || functions.iter().any(|function| source.contains(function))
            });
            if !known {
                findings.push(format!("{title}: {name} does not exist"));
            }
        }
    }
    nothing(&findings);
}

#[test]
fn the_code_map_is_true_to_the_tree() {
    let text = architecture();
    let map = text
        .split("## Code map")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let findings: Vec<_> = quoted(map)
        .filter(|name| name.contains('/') && !name.contains(' '))
        .filter(|name| !root.join(name).exists())
        .collect();
    assert!(
        findings.is_empty(),
        "the code map names what is not there: {findings:?}"
    );
}

#[test]
fn every_dependency_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let section = manifest.split("[workspace.dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let text = architecture();
    let findings: Vec<_> = section
        .lines()
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .filter(|name| !name.starts_with("marketprism-"))
        .filter(|name| !text.contains(&format!("| `{name}` |")))
        .collect();
    assert!(
        findings.is_empty(),
        "no reason in ARCHITECTURE.md for {findings:?}"
    );
}
