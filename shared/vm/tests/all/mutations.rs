//! Bytes that were cut or changed: refused, or run to some result; never a panic.

use crate::support::{Numbers, any_record, load_with, run, shipped};

const MUTANTS: usize = 2000;
const FUEL: u64 = 20_000;

#[test]
fn a_module_cut_anywhere_is_refused() {
    let whole = shipped("us.travel-rule");
    assert!(load_with(whole.clone(), FUEL).is_ok());
    let record = any_record();
    for length in 0..whole.len() {
        // A cut between sections can leave a module: then only the custom section is gone.
        if let Ok(program) = load_with(whole[..length].to_vec(), FUEL) {
            assert_eq!(run(&program, &record).results.len(), 1, "{length}");
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let record = any_record();
    let whole: Vec<_> = crate::support::PACK.iter().map(|id| shipped(id)).collect();
    let mut loaded = 0;
    for mutant in 0..MUTANTS {
        let mut wasm = whole[mutant % whole.len()].clone();
        for _ in 0..=numbers.below(4) {
            let place = numbers.below(wasm.len());
            wasm[place] = match numbers.below(3) {
                0 => wasm[place] ^ 1 << numbers.below(8),
                1 => numbers.of(&[0, 1, 0x7f, 0x80, 0xff]),
                _ => numbers.next() as u8,
            };
        }
        if let Ok(program) = load_with(wasm, FUEL) {
            loaded += 1;
            let run = run(&program, &record);
            assert!(run.traces[0].fuel <= FUEL);
        }
    }
    // The test means something only when both ways are taken.
    assert!((100..MUTANTS - 100).contains(&loaded), "{loaded}");
}
