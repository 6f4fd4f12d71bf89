//! The device held against AWS's own description of the NSM, against our verifier, and against
//! guests that mean harm.

mod commands;
mod connections;
mod documents;
mod rings;

use crate::{Identity, Module, Setup};
use aws_nitro_enclaves_nsm_api::api::{Request, Response};

/// Registers of an image that nobody built.
fn identity() -> Identity {
    Identity { image: [[0x10; 48], [0x11; 48], [0x12; 48]], signer: None, role: None }
}

fn module() -> Module {
    Module::new(Setup::new(identity()))
}

fn ask(module: &mut Module, request: &Request) -> Response {
    let bytes = serde_cbor::to_vec(request).unwrap();
    let answer = module.answer(&bytes, usize::MAX);
    serde_cbor::from_slice(&answer.bytes).unwrap()
}

/// Numbers that look random and are the same on every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
