//! What the README shows is what the program takes.

use std::fs;
use std::path::Path;

use crate::program::{Scratch, run_with, text};

#[test]
fn the_configuration_in_the_readme_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let blocks: String = readme
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.contains("collect:"));
    let scratch = Scratch::new();
    let file = scratch.path("collect.yaml");
    fs::write(&file, blocks).unwrap();
    let output = run_with(&["check", file.to_str().unwrap()], b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
}
