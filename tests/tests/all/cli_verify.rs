//! The verifier's command line as its users meet it: the real binary over files. What it says of a
//! proof, under whose policy, as an attestation result, and of many proofs at once.

mod batch;
mod desk;
mod ear;
mod life;
mod policy;
mod receipts;
mod tpm;
mod tree;
