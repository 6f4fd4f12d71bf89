//! Archives and the list that they are made from.

use eif::EifError;
use eif::cpio::{Entry, Node, archive};
use eif::list::{Part, entries};

fn entry(path: &str, permissions: u32, node: Node) -> Entry {
    Entry { path: path.into(), permissions, node }
}

fn content(text: &str) -> Node {
    Node::File(text.as_bytes().to_vec())
}

#[test]
fn an_archive_is_these_bytes() {
    let bytes = archive(&[
        entry("/dev", 0o755, Node::Directory),
        entry("/dev/null", 0o666, Node::Device { major: 1, minor: 3 }),
        entry("/init", 0o755, content("hello")),
        entry("/sh", 0o777, Node::Link("init".into())),
    ])
    .expect("archive");
    let zeros = "00000000";
    let head = |inode: u32, mode: u32, links: u32, size: u32, device: (u32, u32), name: &str| {
        let (major, minor) = device;
        let length = name.len() + 1;
        let mut head = format!(
            "070701{inode:08X}{mode:08X}{zeros}{zeros}{links:08X}{zeros}{size:08X}{zeros}{zeros}\
             {major:08X}{minor:08X}{length:08X}{zeros}{name}\0"
        )
        .into_bytes();
        head.resize(head.len().next_multiple_of(4), 0);
        head
    };
    let mut expected = head(1, 0o40755, 2, 0, (0, 0), "dev");
    expected.extend(head(2, 0o20666, 1, 0, (1, 3), "dev/null"));
    expected.extend(head(3, 0o100755, 1, 5, (0, 0), "init"));
    expected.extend(b"hello\0\0\0");
    expected.extend(head(4, 0o120777, 1, 4, (0, 0), "sh"));
    expected.extend(b"init");
    expected.extend(head(0, 0, 1, 0, (0, 0), "TRAILER!!!"));
    expected.resize(expected.len().next_multiple_of(512), 0);
    assert_eq!(bytes, expected);
}

#[test]
fn another_reader_takes_the_same_out() {
    let scratch = std::env::temp_dir().join(format!("eif-cpio-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("folder");
    let bytes = archive(&[
        entry("/dev", 0o755, Node::Directory),
        entry("/dev/null", 0o666, Node::Device { major: 1, minor: 3 }),
        entry("/init", 0o750, content("hello")),
    ])
    .expect("archive");
    let path = scratch.join("archive");
    std::fs::write(&path, bytes).expect("written");
    let input = std::fs::File::open(&path).expect("opened");
    let listed = std::process::Command::new("cpio")
        .args(["--list", "--verbose", "--numeric-uid-gid", "--quiet"])
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(input)
        .output();
    std::fs::remove_dir_all(&scratch).expect("removed");
    let Ok(listed) = listed else {
        eprintln!("ignored: no cpio on this machine to compare with");
        return;
    };
    let text = String::from_utf8(listed.stdout).expect("text");
    let words: Vec<Vec<&str>> =
        text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words.len(), 3, "{text}");
    assert_eq!((words[0][0], words[0].last()), ("drwxr-xr-x", Some(&"dev")));
    assert_eq!((words[1][0], words[1].last()), ("crw-rw-rw-", Some(&"dev/null")));
    assert_eq!((words[2][0], words[2].last()), ("-rwxr-x---", Some(&"init")));
    assert!(words.iter().all(|line| line[2..4] == ["0", "0"]), "{text}");
    assert!(text.lines().all(|line| line.contains("Jan  1  1970")), "{text}");
}

fn refused(list: &[Entry]) -> &'static str {
    match archive(list) {
        Err(EifError::Entry { expected, .. }) => expected,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

#[test]
fn entries_that_the_kernel_could_take_two_ways_are_refused() {
    let plain = "an absolute path of plain names";
    let paths = ["init", "", "/", "/a/", "/a//b", "/./a", "/a/../b", "/a b", "/a\n", "/\u{e9}"];
    for path in paths.into_iter().chain(["/TRAILER!!!"]) {
        assert_eq!(refused(&[entry(path, 0o755, content("x"))]), plain, "{path:?}");
    }
    let file = |path: &str| entry(path, 0o755, content("x"));
    let long = format!("/{}", "a".repeat(255));
    assert_eq!(refused(&[file(&long)]), "a shorter path");
    assert_eq!(refused(&[entry("/a", 0o10000, content("x"))]), "permissions up to 7777");
    assert_eq!(refused(&[file("/a"), file("/a")]), "each path once");
    assert_eq!(refused(&[file("/a"), file("/a/b")]), "a directory above it");
    let late = [file("/a/b"), entry("/a", 0o755, Node::Directory)];
    assert_eq!(refused(&late), "its directory before it");
    assert_eq!(refused(&[entry("/a", 0o777, Node::Link(String::new()))]), "a target");
    let many: Vec<_> = (0..1025).map(|n| file(&format!("/{n}"))).collect();
    assert_eq!(refused(&many), "fewer entries");
    assert!(archive(&many[..1024]).is_ok());
}

const LIST: &str = "\
# which kind path …
base dir  /dev          0755 0 0
base nod  /dev/console  0600 0 0 c 5 1   # the kernel opens it

app  file /init         probity-enclave 0755 0 0
app  slink /link        init 0777 0 0
";

fn given(name: &str) -> Option<Vec<u8>> {
    (name == "probity-enclave").then(|| b"binary".to_vec())
}

#[test]
fn a_list_is_two_archives() {
    let base = entries(LIST, Part::Base, |_| None).expect("no file is asked for");
    let console = Node::Device { major: 5, minor: 1 };
    let expected = [entry("/dev", 0o755, Node::Directory), entry("/dev/console", 0o600, console)];
    assert_eq!(base, expected);
    let app = entries(LIST, Part::App, given).expect("app");
    let expected = [
        entry("/init", 0o755, content("binary")),
        entry("/link", 0o777, Node::Link("init".into())),
    ];
    assert_eq!(app, expected);
}

#[test]
fn a_wrong_line_is_named() {
    let refused = |line: &str| match entries(&format!("\n{line}\n"), Part::App, given) {
        Err(EifError::List { line: 2, expected, .. }) => expected,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(refused("boot dir /dev 0755 0 0"), "base or app");
    let fields = "a dir, nod, slink or file with its fields";
    for line in ["app", "app dir /dev 0755 0", "app pipe /p 0755 0 0", "app dir /d 0755 0 0 x"] {
        assert_eq!(refused(line), fields);
    }
    assert_eq!(refused("app nod /dev/sda 0600 0 0 b 8 0"), fields);
    assert_eq!(refused("app dir /dev 0755 0 1000"), "owner 0 0");
    assert_eq!(refused("app dir /dev rwx 0 0"), "permissions in octal");
    assert_eq!(refused("app nod /n 0600 0 0 c 5 -1"), "a device number");
    assert_eq!(refused("app file /x other 0755 0 0"), "a file that was given by this name");
}
