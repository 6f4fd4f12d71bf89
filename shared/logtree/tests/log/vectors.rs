//! The vectors of transparency-dev/merkle, where they are at hand: each is judged as it says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logtree::{verify_consistency, verify_inclusion};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tlog::{Hash, leaf_hash};

const INCLUSION_VECTORS: usize = 98;
const CONSISTENCY_VECTORS: usize = 98;

#[test]
fn inclusion_vectors_are_judged_as_they_say() {
    judge("inclusion", INCLUSION_VECTORS, |vector| {
        let path = hashes(&vector["proof"])?;
        let (leaf, root) = (hash(&vector["leafHash"])?, hash(&vector["root"])?);
        let (index, size) = (number(&vector["leafIdx"]), number(&vector["treeSize"]));
        verify_inclusion(leaf, index, size, &path, root).map_err(|refusal| refusal.to_string())
    });
}

#[test]
fn consistency_vectors_are_judged_as_they_say() {
    judge("consistency", CONSISTENCY_VECTORS, |vector| {
        let path = hashes(&vector["proof"])?;
        let (old_root, new_root) = (hash(&vector["root1"])?, hash(&vector["root2"])?);
        let (old, new) = (number(&vector["size1"]), number(&vector["size2"]));
        verify_consistency(old, new, old_root, new_root, &path)
            .map_err(|refusal| refusal.to_string())
    });
}

fn judge(kind: &str, expected: usize, verify: impl Fn(&Value) -> Result<(), String>) {
    let corpus = "/../../../shared/corpora/rfc9162";
    let folder = PathBuf::from(format!("{}{corpus}", env!("CARGO_MANIFEST_DIR"))).join(kind);
    if !folder.is_dir() {
        println!("ignored: corpus absent");
        return;
    }
    let mut files = Vec::new();
    collect(&folder, &mut files);
    let mut accepted = 0;
    for file in &files {
        let vector: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let refused = vector["wantErr"].as_bool().unwrap();
        let result = verify(&vector);
        assert_eq!(result.is_err(), refused, "{}: {result:?}", file.display());
        accepted += usize::from(result.is_ok());
    }
    println!("{kind} vectors judged: {}, of them accepted: {accepted}", files.len());
    assert_eq!(files.len(), expected);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// A hash of the wrong length cannot reach the crate: the type refuses it. The words "don't care"
/// stand for some root in a few vectors; they become one, equal words the same root.
fn hash(value: &Value) -> Result<Hash, String> {
    let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    if bytes.starts_with(b"don't care") {
        return Ok(leaf_hash(&bytes));
    }
    let length = bytes.len();
    bytes.try_into().map_err(|_| format!("expected a hash of 32 bytes, got {length}"))
}

fn hashes(value: &Value) -> Result<Vec<Hash>, String> {
    value.as_array().map_or(Ok(Vec::new()), |nodes| nodes.iter().map(hash).collect())
}
