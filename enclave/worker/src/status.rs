//! What the kernel says of this process, in `/proc/self/status` (proc(5)). To be read before
//! Landlock closes it.

use crate::{WorkerError, failed};

/// The lines of the file.
pub(crate) struct Status(String);

impl Status {
    pub(crate) fn read() -> Result<Self, WorkerError> {
        std::fs::read_to_string("/proc/self/status").map(Self).map_err(failed("/proc/self/status"))
    }

    /// The value of a line, without the blanks around it.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let value = |line: &'_ str| line.strip_prefix(name)?.strip_prefix(':').map(str::len);
        let line = self.0.lines().find(|line| value(line).is_some())?;
        Some(line[name.len() + 1..].trim())
    }

    /// Whether the process has no capability, now or in reserve.
    pub(crate) fn has_no_capability(&self) -> bool {
        ["CapPrm", "CapEff", "CapInh", "CapAmb"].iter().all(|name| {
            self.field(name).is_some_and(|set| set.len() == 16 && set.bytes().all(|b| b == b'0'))
        })
    }

    /// Memory that is locked, in KiB.
    pub(crate) fn locked_kib(&self) -> u64 {
        let field = self.field("VmLck").and_then(|value| value.strip_suffix(" kB"));
        field.and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let none = "0000000000000000";
        let text = |effective: &str| {
            Status(format!(
                "Name:\tworker\nVmLck:\t    1234 kB\nCapInh:\t{none}\nCapPrm:\t{none}\n\
                 CapEff:\t{effective}\nCapAmb:\t{none}\n"
            ))
        };
        assert_eq!(text(none).field("Name"), Some("worker"));
        assert_eq!(text(none).field("Nam"), None);
        assert_eq!(text(none).locked_kib(), 1234);
        assert!(text(none).has_no_capability());
        for effective in ["0000000000000001", "000001ffffffffff", "", "0"] {
            assert!(!text(effective).has_no_capability(), "{effective}");
        }
        assert!(!Status(String::new()).has_no_capability());
        assert_eq!(Status(String::new()).locked_kib(), 0);
    }
}
