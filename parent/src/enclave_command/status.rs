//! `status`: what the state says, as far as the lock bears it out, and what the enclave says of
//! itself. A state without a living supervisor must never be told as running.

use super::health;
use super::options::StatusOptions;
use super::state::{Phase, State};
use super::supervise::{folder, now_ms, spoken};
use crate::error::Error;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;
use wire::Health;

/// What there is to tell.
#[derive(Debug)]
pub struct Status {
    /// What to print.
    pub text: String,
    /// Whether an enclave runs and a supervisor watches over it.
    pub is_running: bool,
}

/// Tells how the enclave of a folder stands.
pub async fn status(options: &StatusOptions) -> Result<Status, Error> {
    let folder = folder(&options.folder)?;
    let Some(found) = State::find(&folder)? else {
        let text = match options.json {
            true => format!("{}\n", json!({ "phase": "stopped", "running": false })),
            false => format!("no enclave was started with the state in {}\n", folder.display()),
        };
        return Ok(Status { text, is_running: false });
    };
    let is_orphaned = found.orphaned.is_some();
    // Whoever looks must not keep others from running.
    drop(found.orphaned);
    let state = found.state;
    let is_running = !is_orphaned && state.phase == Phase::Running;
    let health = match (is_running, state.address.parse()) {
        (true, Ok(address)) => Some(health::ask(&address).await),
        _ => None,
    };
    let text = match options.json {
        true => view(&state, is_running, is_orphaned, health.as_ref()),
        false => table(&state, is_running, is_orphaned, health.as_ref()),
    };
    Ok(Status { text, is_running })
}

fn phase(state: &State, is_orphaned: bool) -> &'static str {
    match (state.phase, is_orphaned) {
        (Phase::Stopped, _) => "stopped",
        (_, true) => "left over: its supervisor was killed; `probity enclave stop` cleans up",
        (Phase::Starting, _) => "starting",
        (Phase::Running, _) => "running",
        (Phase::Waiting, _) => "ended, and is started again soon",
        (Phase::CrashLoop, _) => "crash loop: it ends again and again",
    }
}

fn uptime(state: &State, is_running: bool) -> Option<Duration> {
    let since = state.up_since_ms.filter(|_| is_running)?;
    Some(Duration::from_millis(now_ms().saturating_sub(since)))
}

fn view(
    state: &State,
    is_running: bool,
    is_orphaned: bool,
    health: Option<&Result<Health, Error>>,
) -> String {
    let phase = match is_orphaned && state.phase != Phase::Stopped {
        true => json!("left-over"),
        false => json!(state.phase),
    };
    let uptime = uptime(state, is_running).map(|time| time.as_secs());
    let (answer, problem) = match health {
        Some(Ok(health)) => (Some(health::view(health)), None),
        Some(Err(error)) => (None, Some(error.to_string())),
        None => (None, None),
    };
    let view = json!({
        "running": is_running,
        "phase": phase,
        "name": state.name,
        "runner": state.runner,
        "supervisor_pid": (!is_orphaned).then_some(state.supervisor),
        "processes": state.members,
        "enclave_id": state.enclave_id,
        "cid": state.cid,
        "address": state.address,
        "image": state.image,
        "console": state.console,
        "heartbeat_ms": state.heartbeat_ms,
        "uptime_s": uptime,
        "restarts": state.restarts,
        "last_end": state.last_end,
        "health": answer,
        "health_problem": problem,
    });
    format!("{view:#}\n")
}

fn table(
    state: &State,
    is_running: bool,
    is_orphaned: bool,
    health: Option<&Result<Health, Error>>,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String does not fail.
        writeln!(text, "{name:<11} {value}").ok();
    };
    line("state", phase(state, is_orphaned).into());
    let runner = match state.console {
        true => format!("{} with a console: its documents say zeros", state.runner.name()),
        false => state.runner.name().into(),
    };
    line("runner", runner);
    if !is_orphaned && state.phase != Phase::Stopped {
        let one = |member: &super::state::Member| format!("{} {}", member.role, member.pid);
        let members = state.members.iter().map(one);
        let ours = std::iter::once(format!("supervisor {}", state.supervisor));
        line("processes", ours.chain(members).collect::<Vec<_>>().join(", "));
    }
    if let Some(id) = &state.enclave_id {
        line("enclave", id.clone());
    }
    line("address", state.address.clone());
    line("image", state.image.path.display().to_string());
    let release = state.image.release.as_deref();
    line("release", release.unwrap_or("not compared: no --expect was given").into());
    for (name, value) in
        [("PCR0", &state.image.pcr0), ("PCR1", &state.image.pcr1), ("PCR2", &state.image.pcr2)]
    {
        line(name, value.clone());
    }
    if let Some(ms) = state.heartbeat_ms {
        line("heartbeat", format!("{ms} ms after its start"));
    }
    if let Some(time) = uptime(state, is_running) {
        line("uptime", spoken(time));
    }
    line("restarts", state.restarts.to_string());
    if let Some(end) = &state.last_end {
        line("last end", end.clone());
    }
    match health {
        Some(Ok(health)) => {
            text.push_str(&health::lines(health).join("\n"));
            text.push('\n');
        }
        Some(Err(error)) => line("health", format!("not told: {error}")),
        None => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::sample;
    use super::*;

    #[test]
    fn a_state_without_a_supervisor_is_not_running() {
        let state = State { phase: Phase::Running, ..sample() };
        let text = table(&state, false, true, None);
        assert!(text.starts_with("state       left over: its supervisor was killed"), "{text}");
        assert!(!text.contains("uptime"), "{text}");
        let view: serde_json::Value =
            serde_json::from_str(&view(&state, false, true, None)).unwrap();
        assert_eq!((&view["running"], &view["phase"]), (&json!(false), &json!("left-over")));
        assert_eq!(view["supervisor_pid"], json!(null));
    }

    #[test]
    fn a_running_one_tells_everything() {
        let state = State { phase: Phase::Running, ..sample() };
        let health = Ok(Health { kernel_ms: 7, ..Health::default() });
        let text = table(&state, true, false, Some(&health));
        for wanted in [
            "state       running\n",
            "processes   supervisor 1, qemu 3\n",
            "release     0.1.0\n",
            "PCR0        b\n",
            "heartbeat   5 ms after its start\n",
            "restarts    6\n",
            "times       kernel 7 ms",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        let view: serde_json::Value =
            serde_json::from_str(&view(&state, true, false, Some(&health))).unwrap();
        assert_eq!((&view["running"], &view["cid"]), (&json!(true), &json!(16)));
        assert_eq!(view["health"]["kernel_ms"], 7);
        let silent = Err(Error::Enclave("silent".into()));
        assert!(table(&state, true, false, Some(&silent)).contains("not told: enclave: silent"));
    }
}
