//! Cases of the kernel's log: T31, T32, T34. Where a log is hostile in what it says rather than in
//! what it hides, the quote is over the very PCR10 that it leads to.

use super::{Builder, Draft, hex};
use crate::corpus::Expected;
use crate::tpm::{
    AkKey, KernelEntry, Selection, alg, good_log, kernel_field, kernel_log, kernel_register, sha256,
};

pub(super) fn cases(build: &mut Builder<'_>) {
    accepted(build);
    replay(build);
    entries(build);
    files(build);
}

/// What a sound machine's kernel measured.
fn measured() -> Vec<KernelEntry> {
    let registers = good_log().registers();
    let values: Vec<u8> = (0..=9).flat_map(|index| registers[&index]).collect();
    vec![
        KernelEntry::file("boot_aggregate", &values),
        KernelEntry::file("/usr/bin/probity-worker", b"worker"),
        KernelEntry::file("/usr/lib/libc.so.6", b"library"),
    ]
}

/// The list of the two files.
fn list() -> Vec<u8> {
    let line = |path: &str, content: &[u8]| format!("{}  {path}\n", hex(&sha256(&[content])));
    let older = line("/usr/lib/libc.so.6", b"older library");
    let files =
        [line("/usr/bin/probity-worker", b"worker"), line("/usr/lib/libc.so.6", b"library")];
    format!("{older}{}", files.concat()).into_bytes()
}

/// A quote over the PCR10 that `honest` leads to; `shown` is the log that comes.
fn draft(honest: &[KernelEntry], shown: Vec<u8>) -> Draft {
    let mut draft = Draft::new(AkKey::P256("ak"), &good_log());
    let value = kernel_register(honest).to_vec();
    let after = draft.quote.pcrs.iter().position(|(index, _)| *index > 10);
    draft.quote.pcrs.insert(after.unwrap_or(draft.quote.pcrs.len()), (10, value));
    let signed: Vec<u8> = draft.quote.pcrs.iter().map(|(index, _)| *index as u8).collect();
    draft.quote.selections = vec![Selection::of(alg::SHA256, signed)];
    draft.kernel_log = Some(shown);
    draft.file_list = Some(list());
    draft
}

fn accepted(build: &mut Builder<'_>) {
    let accept = Expected::Accept;
    let all = measured();
    let mut with_log = draft(&all, kernel_log(&all));
    with_log.log = Some(good_log().to_bytes());
    build.add("good-kernel-log-beside-event-log", accept, with_log);
    build.add("good-kernel-log", accept, draft(&all, kernel_log(&all)));
    let mut ahead = all.clone();
    ahead.push(KernelEntry::file("/tmp/afterwards", b"nobody signed this"));
    build.add("good-kernel-log-ahead", accept, draft(&all, kernel_log(&ahead)));
    let signed = KernelEntry {
        template: "ima-sig",
        data: [all[1].data.clone(), kernel_field(&[3, 2, 4])].concat(),
        ..all[1].clone()
    };
    let signed = [all[0].clone(), signed, all[2].clone()];
    build.add("good-kernel-log-signatures", accept, draft(&signed, kernel_log(&signed)));
    let mut changing = all.clone();
    changing.push(KernelEntry::violation("/var/log/lastlog"));
    let mut violation = draft(&changing, kernel_log(&changing));
    violation.file_list = None;
    build.add("good-kernel-log-violation-no-list", accept, violation);
}

/// A log that differs from the one that was measured.
fn shown(
    build: &mut Builder<'_>,
    name: &str,
    check: &'static str,
    change: impl FnOnce(&mut Vec<KernelEntry>),
) {
    let mut entries = measured();
    change(&mut entries);
    build.add(name, Expected::Refuse(check), draft(&measured(), kernel_log(&entries)));
}

/// A log that is what was measured.
fn told(
    build: &mut Builder<'_>,
    name: &str,
    check: &'static str,
    change: impl FnOnce(&mut Vec<KernelEntry>),
) {
    let mut entries = measured();
    change(&mut entries);
    build.add(name, Expected::Refuse(check), draft(&entries, kernel_log(&entries)));
}

fn replay(build: &mut Builder<'_>) {
    let mut missing = draft(&measured(), vec![]);
    missing.kernel_log = None;
    build.add("kernel-log-missing", Expected::Refuse("T31"), missing);
    shown(build, "kernel-entry-left-out", "T31", |entries| drop(entries.remove(1)));
    shown(build, "kernel-log-too-short", "T31", |entries| drop(entries.pop()));
    shown(build, "kernel-entries-swapped", "T31", |entries| entries.swap(1, 2));
    shown(build, "kernel-file-changed", "T31", |entries| {
        entries[1] = KernelEntry::file("/usr/bin/probity-worker", b"another");
    });
    shown(build, "kernel-entry-called-violation", "T31", |entries| {
        entries[1].template_digest = Some([0; 20]);
    });
    let mut unsigned = draft(&measured(), kernel_log(&measured()));
    unsigned.quote.pcrs.retain(|(index, _)| *index != 10);
    let selected: Vec<u8> = unsigned.quote.pcrs.iter().map(|(index, _)| *index as u8).collect();
    unsigned.quote.selections = vec![Selection::of(alg::SHA256, selected)];
    build.add("kernel-register-not-selected", Expected::Refuse("T19"), unsigned);
}

fn entries(build: &mut Builder<'_>) {
    shown(build, "kernel-template-digest-wrong", "T32", |entries| {
        entries[1].template_digest = Some([1; 20]);
    });
    told(build, "kernel-template-unknown", "T32", |entries| entries[1].template = "ima-buf");
    told(build, "kernel-other-register", "T32", |entries| entries[1].pcr = 11);
    told(build, "kernel-data-trailing", "T32", |entries| entries[1].data.push(0));
    told(build, "kernel-data-cut", "T32", |entries| {
        entries[1].data.pop();
    });
    told(build, "kernel-without-boot-aggregate", "T32", |entries| drop(entries.remove(0)));
    told(build, "kernel-other-boot-aggregate", "T32", |entries| {
        entries[0] = KernelEntry::file("boot_aggregate", b"another boot");
    });
    told(build, "kernel-field-without-end", "T32", |entries| {
        entries[1].data[0..4].copy_from_slice(&u32::MAX.to_le_bytes());
    });
    told(build, "kernel-digest-31-bytes", "T32", |entries| {
        let hashed = [b"sha256:\0", &[1; 31][..]].concat();
        entries[1].data = [kernel_field(&hashed), kernel_field(b"/usr/bin/true\0")].concat();
    });
    let paths: [(&str, &str); 6] = [
        ("kernel-path-escapes", "/usr/bin/../../tmp/worker"),
        ("kernel-path-dot", "/usr/./bin/probity-worker"),
        ("kernel-path-empty-part", "/usr//bin/probity-worker"),
        ("kernel-path-relative", "usr/bin/probity-worker"),
        ("kernel-path-control-character", "/usr/bin/probity\n-worker"),
        ("kernel-path-empty", ""),
    ];
    for (name, path) in paths {
        told(build, name, "T32", |entries| entries[1] = KernelEntry::file(path, b"worker"));
    }
    let cut = {
        let whole = kernel_log(&measured());
        draft(&measured(), whole[..whole.len() - 1].to_vec())
    };
    build.add("kernel-log-cut", Expected::Refuse("T32"), cut);
}

fn files(build: &mut Builder<'_>) {
    told(build, "kernel-file-unlisted", "T34", |entries| {
        entries.push(KernelEntry::file("/tmp/tool", b"tool"));
    });
    told(build, "kernel-file-other-content", "T34", |entries| {
        entries[1] = KernelEntry::file("/usr/bin/probity-worker", b"patched");
    });
    told(build, "kernel-file-swapped-path", "T34", |entries| {
        entries[1] = KernelEntry::file("/usr/bin/probity-worker", b"library");
    });
    told(build, "kernel-file-changing", "T34", |entries| {
        entries.push(KernelEntry::violation("/usr/bin/probity-worker"));
    });
    told(build, "kernel-second-boot-aggregate", "T34", |entries| {
        entries.push(KernelEntry::file("boot_aggregate", b"a second boot"));
    });
    let mut listed = |name, list: &[u8]| {
        let mut draft = draft(&measured(), kernel_log(&measured()));
        draft.file_list = Some(list.to_vec());
        build.add(name, Expected::Refuse("T34"), draft);
    };
    let digest = hex(&sha256(&[b"worker"]));
    let binary_mark = format!("{digest} */usr/bin/probity-worker\n");
    listed("file-list-empty", b"");
    listed("file-list-open-line", &list()[..list().len() - 1]);
    listed("file-list-upper-case", &list().to_ascii_uppercase());
    listed("file-list-relative-path", format!("{digest}  usr/bin/probity-worker\n").as_bytes());
    listed("file-list-binary-mark", binary_mark.as_bytes());
    listed("file-list-sha1", format!("{}  /usr/bin/true\n", "11".repeat(20)).as_bytes());
}
