//! Round trips, and frames that must be refused.

use super::*;

fn reports() -> Vec<Report> {
    let rulebook = RulebookInfo { name: "us-core".into(), version: 3, hash: [7; 32], rules: 4 };
    let boot = BootInfo {
        record: vec![1; 90],
        log_size: 9,
        held_from: 3,
        rulebook: Some(rulebook.clone()),
    };
    let (checkpoint, document) = (([1; 16], 9, [2; 32]), vec![3; 4000]);
    let quote = Quote { checkpoint, document, log_signatures: [[6; 64], [7; 64]] };
    vec![
        Report::Status { id: 0, version: 1, boot: None },
        Report::Status { id: 4, version: 1, boot: Some(boot) },
        Report::RulesLoaded { id: 5, rulebook },
        Report::Entry(Entry {
            id: 6,
            index: 8,
            client_ref: vec![9; 32],
            envelope: vec![4; 900],
            salt: [5; 32],
            results: vec![vec![1, 2], vec![]],
            sealed: vec![],
        }),
        Report::Entry(Entry {
            id: 6,
            index: 8,
            client_ref: vec![],
            envelope: vec![4; 900],
            salt: [0; 32],
            results: vec![],
            sealed: vec![7; 1100],
        }),
        Report::SealedRefusal { id: 9, sealed: vec![7; 1100] },
        Report::Quote(quote.clone()),
        Report::Attested { id: 7, quote },
        Report::Refused(Refusal {
            id: 8,
            code: RefusalCode::Protocol,
            field: "transaction.amount".into(),
            detail: "d".into(),
        }),
        Report::Event(Event::QuoteFailed),
        Report::Health { id: 10, health: Health::default() },
        Report::Health { id: 10, health: health() },
    ]
}

fn health() -> Health {
    Health {
        pid1: true,
        kernel_ms: 900,
        serving_ms: 930,
        booted_ms: 1_200,
        first_quote_ms: 1_450,
        uptime_ms: u64::MAX,
        memory_total_bytes: 500 << 20,
        memory_free_bytes: 400 << 20,
        memory_limit_bytes: 440 << 20,
        evaluations: 1_000,
        confinement: Confinement::ALL.to_vec(),
    }
}

fn commands() -> Vec<Command> {
    vec![
        Command::Hello { version: 1 },
        Command::Boot { id: 1, config: vec![1; 200], previous: None },
        Command::Boot { id: 1, config: vec![1; 200], previous: Some(([1; 16], 5, [2; 32])) },
        Command::LoadRules { id: 2, bundle: vec![2; 70_000], freshness: vec![3; 100] },
        Command::Evaluate { id: 3, client_ref: vec![], body: b"{}".to_vec() },
        Command::Attest { id: 4, nonce: vec![8; 16] },
        Command::Ack { below: 77 },
        Command::Resume { from: 12 },
        Command::EvaluateSealed { id: 13, client_ref: vec![1; 64], sealed: vec![6; 1100] },
        Command::Health { id: 14 },
    ]
}

#[test]
fn messages_go_both_ways() {
    for command in commands() {
        assert_eq!(Command::parse(&command.to_bytes()), Ok(command));
    }
    for report in reports() {
        assert_eq!(Report::parse(&report.to_bytes()), Ok(report));
    }
}

/// FNV-1a over every frame above. Whoever changes one gives the protocol its next number.
#[test]
fn frames_change_with_the_version_only() {
    let (commands, reports) = (commands(), reports());
    let frames = commands.iter().map(Command::to_bytes);
    let frames = frames.chain(reports.iter().map(Report::to_bytes));
    let sum = frames.flatten().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!((PROTOCOL_VERSION, format!("{sum:016x}")), (4, "5dd548028049cf4b".into()));
}

#[test]
fn truncated_and_extended_messages_are_refused() {
    let bodies = commands().iter().map(Command::to_bytes).collect::<Vec<_>>();
    for body in bodies {
        for end in 0..body.len().min(400) {
            assert!(Command::parse(&body[..end]).is_err());
        }
        let longer = [&body[..], &[0]].concat();
        assert!(Command::parse(&longer).is_err());
    }
    for body in reports().iter().map(Report::to_bytes) {
        for end in 0..body.len().min(400) {
            assert!(Report::parse(&body[..end]).is_err());
        }
    }
}

#[test]
fn lengths_are_checked_before_anything_else() {
    assert_eq!(body_length([0xff; 4]), Err(WireError::TooLarge { found: 0xffff_ffff }));
    assert_eq!(body_length([0, 0, 1, 0]), Ok(256));
    assert_eq!(frame(b"ab"), Ok(vec![0, 0, 0, 2, b'a', b'b']));
}

#[test]
fn long_details_are_cut_at_a_character() {
    let detail = "é".repeat(2000);
    let refusal = Refusal { id: 1, code: RefusalCode::BadRequest, field: String::new(), detail };
    let Ok(Report::Refused(read)) = Report::parse(&Report::Refused(refusal).to_bytes()) else {
        panic!("a refusal is read as another report");
    };
    assert_eq!(read.detail.len(), 1024);
}

#[test]
fn a_sealed_entry_has_neither_salt_nor_results_in_clear() {
    let entry = |salt: [u8; 32], results: Vec<Vec<u8>>| {
        let (client_ref, envelope, sealed) = (vec![], vec![4; 90], vec![7; 100]);
        let entry = Entry { id: 6, index: 8, client_ref, envelope, salt, results, sealed };
        Report::parse(&Report::Entry(entry).to_bytes())
    };
    assert!(entry([0; 32], vec![]).is_ok());
    assert!(matches!(entry([1; 32], vec![]), Err(WireError::Malformed(_))));
    assert!(matches!(entry([0; 32], vec![vec![1]]), Err(WireError::Malformed(_))));
    let empty = Report::SealedRefusal { id: 9, sealed: vec![] };
    assert!(matches!(Report::parse(&empty.to_bytes()), Err(WireError::Malformed(_))));
}

#[test]
fn confinement_is_a_closed_list() {
    for (number, by) in Confinement::ALL.iter().enumerate() {
        assert_eq!(*by as usize, number);
        let health = Health { confinement: vec![*by], ..health() };
        let report = Report::Health { id: 1, health };
        assert_eq!(Report::parse(&report.to_bytes()).as_ref(), Ok(&report));
    }
    // The report ends in the list's head and its numbers: 15 is none, and sixteen are too many.
    let bytes = Report::Health { id: 1, health: health() }.to_bytes();
    let (head, list) = bytes.split_at(bytes.len() - 16);
    assert_eq!(list, [0x8f, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    let sixteen = [&[0x90][..], &list[1..], &[14]].concat();
    for list in [&[0x81, 15][..], &sixteen] {
        let refused = Report::parse(&[head, list].concat());
        assert!(matches!(refused, Err(WireError::Malformed(_))));
    }
}
