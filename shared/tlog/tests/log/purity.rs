//! What the crate's first lines promise about its sources, checked on the sources.

use std::path::Path;

#[test]
fn the_sources_keep_the_house_rules() {
    let forbidden = ["std::time", "std::fs", "std::net", "std::io", "std::env", "rand::", "unsafe"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        assert!(text.starts_with("//! "), "{name} does not say what it is");
        assert!(text.contains("never"), "{name} does not say what it must never do");
        assert!(text.lines().count() < 400, "{name} is too long");
        for (number, line) in text.lines().enumerate() {
            assert!(line.chars().count() <= 100, "{name}:{} is too wide", number + 1);
            for word in forbidden {
                assert!(!line.contains(word), "{name}:{} has {word}", number + 1);
            }
            assert!(!line.contains("unwrap()"), "{name}:{} unwraps", number + 1);
        }
        files += 1;
    }
    assert_eq!(files, 7);
}
