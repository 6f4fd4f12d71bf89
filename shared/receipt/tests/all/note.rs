//! Notes and keys: the examples of the specifications, and one refusal for each rule.

use crate::{Sample, key};
use crypto::Signature;
use receipt::ReceiptError;
use receipt::note::{KeyKind, Note, SignatureLine, TreeHead, VerifierKey};

/// C2SP signed-note, section "Example"; and the example of golang.org/x/mod/sumdb/note.
const EXAMPLES: [(&str, &str); 2] = [
    (
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "This is an example message.\n\n\u{2014} example.com/foo \
         Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfX\
         ppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
    ),
    (
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "If you think cryptography is the answer to your problem,\nthen you don't know what your \
         problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1\
         FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
    ),
];
/// C2SP tlog-cosignature: a checkpoint with a log's and a witness's line.
const COSIGNED: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Z\
    hcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJ\
    sX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn published_examples_are_read_and_verify() {
    for (key, text) in EXAMPLES {
        let parsed = VerifierKey::parse(key).unwrap();
        assert_eq!((parsed.kind(), parsed.to_string()), (KeyKind::Log, key.into()));
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(note.to_text(), text);
        let [line] = note.signatures() else { panic!("one signature") };
        assert_eq!((line.name(), line.key_id()), (parsed.name(), parsed.key_id()));
        let signature = Signature(line.signature().try_into().unwrap());
        assert_eq!(parsed.key().verify_strict(note.text().as_bytes(), &signature), Ok(()));
    }
    let note = Note::parse(COSIGNED.as_bytes()).unwrap();
    assert_eq!(note.to_text(), COSIGNED);
    let head = TreeHead::parse(note.text()).unwrap();
    assert_eq!((head.size, head.to_text().as_str()), (20_852_163, note.text()));
    // u32 key id, then a witness's time: 2023-03-20.
    assert_eq!(note.signatures()[1].signature()[..8], 1_679_315_147_u64.to_be_bytes());
}

#[test]
fn one_checkpoint_one_text() {
    let sample = Sample::new();
    let head = TreeHead::parse(&sample.checkpoint.note_text()).unwrap();
    assert_eq!(head.to_text(), sample.checkpoint.note_text());
    assert_eq!(head.origin, sample.checkpoint.origin());
    assert_eq!((head.size, head.root), (sample.checkpoint.size, sample.checkpoint.root));
    let text = sample.checkpoint.note_text();
    for (from, to) in [
        ("\n5\n", "\n05\n"),
        ("\n5\n", "\n+5\n"),
        ("\n5\n", "\n\n"),
        ("\n5\n", "\n18446744073709551616\n"),
        ("=\n", "\n"),
        ("=\n", "=\n\n"),
        ("=\n", "="),
        ("probity.example", ""),
    ] {
        let changed = match from {
            "probity.example" => text[text.find('\n').unwrap()..].to_owned(),
            from => text.replacen(from, to, 1),
        };
        let refused = TreeHead::parse(&changed).map_err(|error| error.check());
        assert_eq!(refused, Err("P8"), "{changed:?}");
    }
    // An extension line is allowed, is under the signature and is not lost.
    let extended = TreeHead { extensions: "more\n".into(), ..head };
    assert_eq!(extended.to_text(), format!("{text}more\n"));
    assert_eq!(TreeHead::parse(&extended.to_text()), Ok(extended));
    assert!(TreeHead::parse(&format!("{text}more\n\nmore\n")).is_err());
}

#[test]
fn a_logs_signature_is_over_the_whole_text() {
    let sample = Sample::new();
    let note = sample.note();
    let own = receipt::log::log_key(sample.checkpoint.boot_id, sample.signer);
    assert_eq!(VerifierKey::parse(&own.to_string()), Ok(own.clone()));
    assert!(note.verify_log(&own).is_ok());
    let judged = |text: &str, key: &VerifierKey| {
        Note::parse(text.as_bytes()).unwrap().verify_log(key).map_err(|error| error.check())
    };
    let text = note.to_text();
    let changed = text.replacen("\n5\n", "\n6\n", 1);
    assert_eq!(judged(&changed, &own), Err("P8"));
    assert_eq!(judged(&text.replacen("=\n\n", "=\nmore\n\n", 1), &own), Err("P8"));
    // Another log's name, another log's key, and the same key as a witness.
    let other = VerifierKey::new("other.example", KeyKind::Log, sample.signer).unwrap();
    assert!(matches!(note.verify_log(&other), Err(ReceiptError::Origin { .. })));
    let stranger = receipt::log::log_key([0xb0; 16], key(9).verifying_key());
    assert!(matches!(note.verify_log(&stranger), Err(ReceiptError::Unsigned { .. })));
    let witness = VerifierKey::new(own.name(), KeyKind::Witness, sample.signer).unwrap();
    assert!(matches!(note.verify_log(&witness), Err(ReceiptError::Unsigned { .. })));
    // A second line under the key that does not verify spoils the first.
    let line = note.signatures()[0].to_string();
    let forged = format!("{text}{}\n", forge(&line));
    assert_eq!(judged(&forged, &own), Err("P8"));
    // A line of a stranger does not.
    let stranger = format!("{text}\u{2014} somebody.example AAAAAAAA\n");
    assert!(judged(&stranger, &own).is_ok());
}

/// The same line with another last byte of the signature.
fn forge(line: &str) -> String {
    let at = line.len() - 4;
    let other = if line.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &line[..at], &line[at + 1..])
}

#[test]
fn each_rule_of_notes_refuses() {
    let line = "\u{2014} a.example AAAAAAAA\n";
    let sound = format!("text\n\n{line}");
    assert!(Note::parse(sound.as_bytes()).is_ok());
    for wrong in [
        String::new(),
        "text\n".into(),
        "text\n\n".into(),
        format!("text\n{line}"),
        sound.trim_end().into(),
        format!("{sound}\n"),
        sound.replace('\u{2014}', "-"),
        sound.replace("a.example", "a+example"),
        sound.replace("a.example", ""),
        sound.replace("a.example", "a\u{a0}b"),
        sound.replace("a.example", &"a".repeat(256)),
        sound.replace("AAAAAAAA", "AAAAAA=="),
        sound.replace("AAAAAAAA", "AAAAAAA"),
        sound.replace("AAAAAAAA", "AAAAAAB="),
        sound.replace("text", "te\rxt"),
        sound.replace("text", "te\u{0}xt"),
        format!("text\n\n{}", line.repeat(65)),
        format!("{}\n\n{line}", "x".repeat(65_536)),
    ] {
        let refused = Note::parse(wrong.as_bytes()).map_err(|error| error.check());
        assert_eq!(refused, Err("P8"), "{:?}", &wrong[..wrong.len().min(80)]);
    }
    assert!(Note::parse(format!("text\n\n{}", line.repeat(64)).as_bytes()).is_ok());
    assert!(Note::parse(b"te\xff\n\n").is_err());
    // Empty lines of the text's own are the text's.
    let note = Note::parse(format!("a\n\nb\n\n{line}").as_bytes()).unwrap();
    assert_eq!(note.text(), "a\n\nb\n");
}

#[test]
fn each_rule_of_verifier_keys_refuses() {
    let sound = EXAMPLES[0].0;
    for wrong in [
        String::new(),
        "name".into(),
        "name+530d903a".into(),
        sound.replace("530d903a", "530d903b"),
        sound.replace("530d903a", "530D903A"),
        sound.replace("example.com/foo", "example.com/fo"),
        sound.replace("example.com/foo", ""),
        sound.replace("+Aeky", "+Beky"),
        sound.replace("+Aeky", "+Aekz"),
        sound.replace("U2k", "U2kAAAA"),
        sound.replace("U2k", "U2l"),
        format!("{}{sound}", "x".repeat(600)),
    ] {
        let refused = VerifierKey::parse(&wrong).map_err(|error| error.check());
        assert_eq!(refused, Err("P20"), "{wrong}");
    }
    assert!(SignatureLine::parse("\u{2014} a AAAAAAAA").is_ok());
    assert!(SignatureLine::parse("\u{2014} a AAAAAAAA\n").is_err());
}
