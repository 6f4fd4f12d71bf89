//! The table of the image in README.md is what the tree and the built image give.

use std::fmt::Write as _;

/// Largest image, in bytes.
const EIF_BYTES_MAX: u64 = 20 << 20;

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn readme() -> String {
    std::fs::read_to_string(tests::root().join("README.md")).expect("README")
}

#[test]
fn lines_and_crates_in_the_readme_are_those_of_the_tree() {
    let mut row = String::from("| our own trusted lines |");
    let parts = super::tidy::trusted_lines();
    for (index, (part, lines)) in parts.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(row, "{comma} {part} {}", grouped(*lines as u64)).expect("a string");
    }
    row.push_str(" |");
    assert!(readme().contains(&row), "README.md should say\n{row}");
    let row = format!("| packages of others, linked | {} |", super::tcb::external().len());
    assert!(readme().contains(&row), "README.md should say\n{row}");
}

/// The sizes that `eif/build` wrote, where it ran with the inputs that `eif/inputs.lock` names;
/// other compilers give other sizes.
#[test]
fn sizes_in_the_readme_are_those_of_the_image() {
    let Some(folder) = std::env::var_os("PROBITY_IMAGE").map(std::path::PathBuf::from) else {
        return eprintln!("ignored: PROBITY_IMAGE is not set; `make test-image` sets it");
    };
    let sizes = std::fs::read_to_string(folder.join("sizes.txt")).expect("sizes.txt");
    let measured = std::fs::read_to_string(tests::root().join("eif/measurements.json"));
    let measured = measured.expect("measurements.json");
    let mut rows = Vec::new();
    let mut frozen = false;
    for line in sizes.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [name, bytes, _, _, digest] = words[..] else { panic!("{line}") };
        let bytes: u64 = bytes.parse().expect("bytes");
        if name == "probity.eif" {
            assert!(bytes < EIF_BYTES_MAX, "{bytes} bytes");
            frozen = measured.contains(digest);
        }
        if name != "probity-debug.eif" && name != "app.cpio" {
            rows.push(format!("| `{name}` | {} bytes |", grouped(bytes)));
        }
    }
    if !frozen {
        return eprintln!("ignored: this image is of other inputs than eif/measurements.json");
    }
    for row in rows {
        assert!(readme().contains(&row), "README.md should say\n{row}");
    }
}
