//! Own namespaces. The kernel names each with a number, and an own one has another than that
//! outside, which the process gives to itself when it starts again. Users and network are looked
//! at besides.

use crate::{WorkerError, failed, say};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use wire::Confinement;

/// One kind of namespace: the kernel's name for it, ours, the flag that makes one.
struct Namespace(&'static str, &'static str, CloneFlags, Confinement);

const USER: Namespace = Namespace(
    "user",
    "own user namespace",
    CloneFlags::CLONE_NEWUSER,
    Confinement::OwnUserNamespace,
);

const OTHERS: [Namespace; 4] = [
    Namespace(
        "net",
        "own network namespace",
        CloneFlags::CLONE_NEWNET,
        Confinement::OwnNetworkNamespace,
    ),
    Namespace(
        "mnt",
        "own mount namespace",
        CloneFlags::CLONE_NEWNS,
        Confinement::OwnMountNamespace,
    ),
    Namespace("ipc", "own IPC namespace", CloneFlags::CLONE_NEWIPC, Confinement::OwnIpcNamespace),
    Namespace("uts", "own UTS namespace", CloneFlags::CLONE_NEWUTS, Confinement::OwnUtsNamespace),
];

/// Makes an own user namespace, or says why there is none.
pub(crate) fn leave_users() {
    leave(&USER);
}

/// Makes the other namespaces, as far as the kernel permits, and says what it does not.
pub(crate) fn leave_others() {
    for own in &OTHERS {
        // Only on mounts of its own: elsewhere this would change the host's.
        if leave(own) && own.2 == CloneFlags::CLONE_NEWNS {
            let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            if let Err(problem) = mount(None::<&str>, "/", None::<&str>, flags, None::<&str>) {
                say(&format!("mounts of the host still reach its own: {problem}"));
            }
        }
    }
}

fn leave(Namespace(_, name, flag, _): &Namespace) -> bool {
    let left = unshare(*flag);
    if let Err(problem) = left {
        say(&format!("not held: {name}: {problem}"));
    }
    left.is_ok()
}

/// The namespaces that the process is in, as one word: `user:[4026531837],net:…`.
pub(crate) fn present() -> Result<String, WorkerError> {
    let link = |Namespace(kind, ..): &Namespace| {
        let link = std::fs::read_link(format!("/proc/self/ns/{kind}"));
        link.map(|link| link.to_string_lossy().into_owned()).map_err(failed("/proc/self/ns"))
    };
    let links: Result<Vec<_>, _> = [USER].iter().chain(&OTHERS).map(link).collect();
    Ok(links?.join(","))
}

/// Which namespaces are the process's own, where those outside were `outside`: held, and its name.
pub(crate) fn own(outside: &str) -> Result<Vec<(Confinement, &'static str)>, WorkerError> {
    let (present, outside) = (present()?, outside.split(',').collect::<Vec<_>>());
    let of = |links: &[&'_ str], kind: &str| {
        let is_kind = |link: &&&str| link.split_once(':').is_some_and(|link| link.0 == kind);
        links.iter().find(is_kind).map(|link| (*link).to_owned())
    };
    let present = present.split(',').collect::<Vec<_>>();
    let is_own = |kind: &str| of(&outside, kind).is_some_and(|was| of(&present, kind) != Some(was));
    let all = [USER].into_iter().chain(OTHERS);
    Ok(all.filter(|own| is_own(own.0) && is_empty(own.0)).map(|own| (own.3, own.1)).collect())
}

/// Whether a namespace looks as a new one does, where that can be seen: no user is mapped, there is
/// neither a route nor an address. Tunnels that some kernels put into every network are down there.
fn is_empty(kind: &str) -> bool {
    let lines = |path: &str| std::fs::read_to_string(path).map_or(0, |text| text.lines().count());
    match kind {
        "user" => lines("/proc/self/uid_map") == 0,
        // The first line of the routes is a heading.
        "net" => lines("/proc/self/net/route") <= 1 && lines("/proc/self/net/if_inet6") == 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_number_than_outside_is_own() {
        let here = present().expect("proc is mounted");
        assert_eq!(here.split(',').count(), 5, "{here}");
        assert_eq!(own(&here), Ok(vec![]));
        // What nobody knows the number of is not claimed.
        assert_eq!(own(""), Ok(vec![]));
        let other = |link: &str| link.split_once(':').map(|link| format!("{}:[1]", link.0));
        let others: Vec<_> = here.split(',').filter_map(other).collect();
        let all = own(&others.join(",")).expect("proc is mounted");
        let numbers: Vec<_> = all.iter().map(|(by, _)| *by as u64).collect();
        // This test has users, and mostly a network, whatever the numbers say.
        assert!(!numbers.contains(&8), "{numbers:?}");
        assert!(numbers.ends_with(&[10, 11, 12]), "{numbers:?}");
        let one = own(&others[2]).expect("proc is mounted");
        assert_eq!(one, [(Confinement::OwnMountNamespace, "own mount namespace")]);
    }
}
