//! The whole message of each mistake that newcomers make. A source stands at the margin of
//! `front_errors.txt`, its message indented below it.

use super::front_support::refusal;

#[test]
fn each_mistake_is_told_so_that_it_can_be_mended() {
    let mut lines = include_str!("front_errors.txt").lines().filter(|line| !line.is_empty());
    let (mut count, mut problems) = (0, Vec::new());
    while let Some(source) = lines.next() {
        let expected = lines.next().and_then(|line| line.strip_prefix("    "));
        let found = refusal(source);
        count += 1;
        if Some(found.as_str()) != expected {
            problems.push(format!("{source}\n    {found}\n"));
        }
    }
    assert!(problems.is_empty(), "these differ:\n{}", problems.join("\n"));
    assert!(count > 120, "{count} mistakes");
}
