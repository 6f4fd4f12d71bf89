//! A smoke run of every fuzz target: sound inputs, then mutations of them from a fixed seed. It
//! finds what is shallow and shows that the targets work; `make fuzz` digs.

use tests::fuzz_targets::TARGETS;

/// Mutated inputs for each target.
const ROUNDS: u32 = 1500;

/// xorshift64*: the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn mutate(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => {
                bytes[at] = [0, 0xff, 0x7f, 0x80, 0x9f, 0xbf][random.below(6)]
            }
            2 => bytes.truncate(at),
            3 => bytes.insert(at.min(bytes.len()), random.next() as u8),
            4 => drop(bytes.splice(at..at, [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
            _ => {
                let end = (at + random.below(32)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
        }
    }
    bytes
}

/// Writes every seed into the folder of PROBITY_SEEDS, for `make fuzz`; checks that there are some.
#[test]
fn seeds_are_there() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        let Some(folder) = std::env::var_os("PROBITY_SEEDS") else { continue };
        let folder = std::path::Path::new(&folder).join(target.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (n, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{n}")), seed).expect("written");
        }
    }
}

#[test]
fn no_target_falls_over() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for seed in &seeds {
            (target.run)(seed);
        }
        (target.run)(&[]);
        for round in 0..ROUNDS {
            let seed = &seeds[round as usize % seeds.len()];
            (target.run)(&mutate(&mut random, seed));
        }
    }
    println!("{} targets, {ROUNDS} mutated inputs each", TARGETS.len());
}
