//! What holds the process, seen from outside: the kernel's own files on a worker that serves.

use crate::host::{Host, Mode, Worker, program};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

fn file(worker: &Worker, name: &str) -> String {
    let path = format!("/proc/{}/{name}", worker.id());
    std::fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{path}: {problem}"))
}

fn status(worker: &Worker) -> BTreeMap<String, String> {
    let text = file(worker, "status");
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The four numbers of a line of users or groups.
fn four(number: u32) -> String {
    [number; 4].map(|number| number.to_string()).join("\t")
}

/// What is so however it was started.
fn judge(worker: &Worker, user: u32, group: u32) {
    let status = status(worker);
    assert_eq!((&status["Uid"], &status["Gid"]), (&four(user), &four(group)));
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status[set], "0000000000000000", "{set}");
    }
    assert_eq!((&status["NoNewPrivs"][..], &status["Seccomp"][..]), ("1", "2"));
    let limits = file(worker, "limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect("a limit");
        line[name.len()..].split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(limit("Max core file size"), "0 0");
    assert_eq!(limit("Max file size"), "0 0", "its standard error is a pipe");
    assert_eq!(limit("Max open files"), "256 256");
    assert_ne!(limit("Max data size"), "unlimited unlimited");
}

/// Each item is said once: held, or not held and why.
fn items(worker: &Worker) -> BTreeMap<String, bool> {
    worker.hear("serving");
    let mut items = BTreeMap::new();
    for line in worker.said() {
        let line = line.strip_prefix("probity-worker: ").expect("its name").to_owned();
        let (held, item) = match (line.strip_prefix("held: "), line.strip_prefix("not held: ")) {
            (Some(item), _) => (true, item),
            (_, Some(item)) => (false, item),
            _ => continue,
        };
        let name = item.split([',', ':']).next().expect("a name").to_owned();
        assert!(held || item.contains(": "), "{line} gives no reason");
        assert!(items.insert(name, held).is_none(), "{line} was said before");
    }
    println!("{:#?}", worker.said());
    items
}

const REQUIRED: [&str; 5] =
    ["no core dumps", "memory limit", "not root", "no new privileges", "syscall filter"];
const WISHED: [&str; 7] = [
    "own user namespace",
    "own network namespace",
    "own mount namespace",
    "own IPC namespace",
    "own UTS namespace",
    "landlock",
    "locked memory",
];

fn all_are_said(items: &BTreeMap<String, bool>) {
    assert!(REQUIRED.iter().all(|name| items.get(*name) == Some(&true)), "{items:?}");
    assert!(WISHED.iter().all(|name| items.contains_key(*name)), "{items:?}");
    assert_eq!(items.len(), REQUIRED.len() + WISHED.len(), "{items:?}");
}

/// Own namespaces are others than this test's, and the network has one interface, which is down.
fn apart(worker: &Worker, items: &BTreeMap<String, bool>) {
    for (kind, name) in [
        ("user", WISHED[0]),
        ("net", WISHED[1]),
        ("mnt", WISHED[2]),
        ("ipc", WISHED[3]),
        ("uts", WISHED[4]),
    ] {
        let link = |id: &str| std::fs::read_link(format!("/proc/{id}/ns/{kind}"));
        // Only root may look.
        let Ok(theirs) = link(&worker.id().to_string()) else { continue };
        assert_eq!(theirs != link("self").expect("own"), items[name], "{name}");
    }
    if items["own network namespace"] && is_root() {
        let interfaces = file(worker, "net/dev");
        let names: Vec<_> = interfaces.lines().skip(2).filter_map(|l| l.split_once(':')).collect();
        assert!(names.iter().all(|(name, _)| name.trim() == "lo"), "{interfaces}");
        // At most the heading.
        assert!(file(worker, "net/route").lines().count() <= 1, "a route");
    }
}

#[test]
fn a_worker_is_held_by_what_it_says() {
    let host = Host::new();
    let (worker, _device) = host.start(&[], Mode::Answer);
    let items = items(&worker);
    all_are_said(&items);
    let own = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let (user, group) = if is_root() { (65_534, 65_534) } else { own };
    judge(&worker, user, group);
    apart(&worker, &items);
    if is_root() {
        assert_eq!(status(&worker)["Groups"], "", "root's groups");
    }
    let locked = status(&worker)["VmLck"] != "0 kB";
    assert_eq!(locked, items["locked memory"]);
}

#[test]
fn what_its_starter_left_open_is_closed() {
    let host = Host::new();
    let forgotten = std::fs::File::create(host.path("forgotten")).expect("a file");
    let keep = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
    nix::fcntl::fcntl(&forgotten, keep).expect("inherited by every child");
    let (worker, _device) = host.start(&[], Mode::Answer);
    worker.hear("serving");
    let folder = format!("/proc/{}/fd", worker.id());
    let Ok(open) = std::fs::read_dir(&folder) else {
        println!("not root: its descriptors cannot be seen");
        return;
    };
    let links = open.map(|entry| std::fs::read_link(entry.expect("entry").path()).expect("link"));
    let links: Vec<_> = links.map(|link| link.to_string_lossy().into_owned()).collect();
    // Standard input, output and error, the listener, and the quote link for each direction.
    assert_eq!(links.len(), 6, "{links:?}");
    let kinds = ["socket:", "pipe:"];
    assert!(links.iter().all(|link| kinds.iter().any(|kind| link.starts_with(kind))), "{links:?}");
}

#[test]
fn root_becomes_the_user_that_it_is_told() {
    if !is_root() {
        println!("not root: not tried");
        return;
    }
    let host = Host::new();
    let (worker, _device) = host.start(&["--user", "12345:23456"], Mode::Answer);
    all_are_said(&items(&worker));
    judge(&worker, 12_345, 23_456);
}

#[test]
fn a_user_starts_it_too_and_stays() {
    if !is_root() {
        println!("not root: the first test is this one");
        return;
    }
    let host = Host::new();
    // Where every user can execute it.
    let copy = host.path("worker");
    std::fs::copy(program(), &copy).expect("a copy");
    for path in [host.path(""), copy.clone()] {
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(path, all).expect("permissions");
    }
    let (worker, _device) = host.start_as(&copy, &[], Mode::Answer, Some(61_234));
    let items = items(&worker);
    all_are_said(&items);
    judge(&worker, 61_234, 61_234);
    apart(&worker, &items);
    // Its own numbers may be named; another's may not.
    let own = ["--user", "61234:61234"];
    let (worker, _device) = host.start_as(&copy, &own, Mode::Answer, Some(61_234));
    worker.hear("serving");
    let other = ["--user", "12345:12345"];
    let (mut worker, _device) = host.start_as(&copy, &other, Mode::Answer, Some(61_234));
    assert_eq!(worker.end().code(), Some(1));
    worker.hear("its own user and group");
    // A file that the user may not execute again is said before anything is left.
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o700)).expect("permissions");
    let (mut worker, _device) = host.start_as(&copy, &[], Mode::Answer, None);
    assert_eq!(worker.end().code(), Some(1));
    worker.hear("has to be executable for the user");
}

#[test]
fn started_again_by_another_it_does_not_serve_as_root() {
    if !is_root() {
        println!("not root: not tried");
        return;
    }
    let host = Host::new();
    let (mut worker, _device) = host.start(&["--outside", "net:[1]"], Mode::Answer);
    assert_eq!(worker.end().code(), Some(1));
    worker.hear("no root does not hold");
}
