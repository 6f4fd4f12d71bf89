//! The checks of TPM 2.0 evidence. The numbers are fixed, also of those that another part of the
//! system makes: registering a key is the registrar's.

use super::Entry;

const REGISTER: &str = "register the machine's keys again, over an authenticated channel";
const BYTES: &str = "this is not what a TPM writes; ask the sender for the untouched structures";
const LOG: &str = "send the log exactly as the firmware wrote it (binary_bios_measurements)";
const KEY: &str = "make a new attestation key: restricted, signing, fixed to its TPM, RSA of 2048 \
                   bits or more, or P-256, or P-384, without SHA-1";

pub(super) const CHECKS: [Entry; 34] = [
    ("T1", "endorsement certificate leads to a vendor's root", REGISTER),
    ("T2", "endorsement key has the TCG's default template", REGISTER),
    ("T3", "endorsement key of an agent does not change", REGISTER),
    ("T4", "attestation key is well-formed and its name follows", KEY),
    ("T5", "attestation key is restricted, signing, fixed to its TPM", KEY),
    ("T6", "attestation key's size and scheme", KEY),
    ("T7", "attestation key was created in the TPM", REGISTER),
    (
        "T8",
        "attestation key is trusted for a reason outside the evidence",
        "pin the key's name in the policy, or name the root of its certificate and give the \
         whole chain; a key that arrives with the quote proves nothing",
    ),
    ("T9", "credential is bound to the attestation key's name", REGISTER),
    ("T10", "activation secret is random, used once, and expires", REGISTER),
    ("T11", "activation answer is compared in constant time", REGISTER),
    ("T12", "registration is authenticated and stored", REGISTER),
    ("T13", "sizes, and nothing after the structures", BYTES),
    ("T14", "magic is TPM_GENERATED_VALUE", "a TPM did not write this; do not trust it"),
    ("T15", "the structure is a quote", "ask the TPM for a quote (TPM2_Quote), nothing else"),
    (
        "T16",
        "qualified signer is the expected one",
        "the quote is by a key in another hierarchy or under another parent: register it again",
    ),
    (
        "T17",
        "extraData is the expected binding",
        "the quote speaks for other data: ask for a new one over your own fresh nonce",
    ),
    (
        "T18",
        "quote signature, by an algorithm of the key's scheme",
        "the quote was altered, or signed by another key, or with SHA-1: ask for it again, with \
         a key that signs with SHA-256 or better",
    ),
    (
        "T19",
        "one bank, SHA-256 or SHA-384, and every register the policy reads is selected",
        "quote one bank, sha256 or sha384, and all registers that the policy names",
    ),
    ("T20", "no bank and no register twice, selection of three bytes", BYTES),
    (
        "T21",
        "values given are the ones signed",
        "read the registers again and quote them in the same step: one changed in between, or \
         somebody altered the values",
    ),
    (
        "T22",
        "clock is safe and counters do not run back",
        "after a stop that was not orderly the clock can stay unsafe for a while (up to some 70 \
         minutes): ask again later, or shut the machine down in order and start it again; if the \
         counters ran back, the TPM was cleared or replaced, or the quote is a replayed one",
    ),
    (
        "T23",
        "firmware version",
        "update the TPM's firmware, or add its version to the policy after reading its advisories",
    ),
    (
        "T24",
        "registers have the reference values",
        "compare the registers with those of the boot you expect; after an update add the new \
         values to the policy once you have reproduced them, and those of a new worker with \
         `probity policy add worker`",
    ),
    (
        "T25",
        "event log replays to the quoted registers",
        "read the log again after boot has ended and send all of it; if it still differs, \
         somebody altered the log or extended a register without logging it; a register that \
         the running system extends is left out of the quote, or its value fixed in the policy; \
         a runtime log's register must be one that nothing else extends (shim takes PCR14)",
    ),
    ("T26", "event log is crypto-agile and its sizes are bounded", LOG),
    (
        "T27",
        "only hashed fields decide, and event types are known",
        "leave the register out of the policy, or have the event's type reviewed and added",
    ),
    (
        "T28",
        "signature lists are read with their header",
        "the list of keys in the log is malformed: do not trust anything it names",
    ),
    (
        "T29",
        "separators, locality and secure-boot variables",
        "the firmware's log breaks the TCG's order, or shows a debugger: do not conclude anything \
         from its registers",
    ),
    (
        "T30",
        "boot services have ended",
        "read the log after the operating system has started; on firmware that does not log the \
         end of boot services leave PCR5 out of the quote",
    ),
    (
        "T31",
        "kernel's log replays to PCR10",
        "give binary_runtime_measurements, read after the quote was made, of a kernel from 5.8 on \
         (older ones pad SHA-1), without a restart of the machine in between",
    ),
    (
        "T32",
        "kernel's log entries follow from their templates",
        "use the template ima-ng or ima-sig, and send the log exactly as the kernel wrote it",
    ),
    (
        "T33",
        "kernel's log may be ahead of the quote",
        "read the log after the quote was made: it is too short for it",
    ),
    (
        "T34",
        "policy for files is signed and versioned",
        "look at the file: if it belongs to the machine, add its line to the list and sign a new \
         version of the policy with the list's hash; if it does not, treat the machine as taken",
    ),
];
