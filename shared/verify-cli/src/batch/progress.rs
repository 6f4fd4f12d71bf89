//! How far a batch is, on standard error: a bar on a terminal, else a line every tenth. Standard
//! input has no known size; then only the count is said.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Progress by bytes read.
pub(super) struct Progress {
    total: u64,
    done: u64,
    proofs: u64,
    begun: Instant,
    shown: Instant,
    tenths: u64,
    is_terminal: bool,
}

impl Progress {
    /// Nothing done yet of so many bytes; 0 is unknown.
    pub(super) fn new(total: u64) -> Self {
        let now = Instant::now();
        let is_terminal = std::io::stderr().is_terminal();
        Self { total, done: 0, proofs: 0, begun: now, shown: now, tenths: 0, is_terminal }
    }

    /// One more proof.
    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        self.proofs += 1;
        let tenths = (self.done * 10).checked_div(self.total).unwrap_or(0).min(10);
        let is_due = match self.is_terminal {
            true => self.shown.elapsed() >= EVERY,
            false => tenths > self.tenths && self.begun.elapsed() >= QUIET,
        };
        if is_due {
            self.tenths = tenths;
            self.shown = Instant::now();
            self.show();
        }
    }

    /// Clears the bar.
    pub(super) fn finish(&self) {
        if self.is_terminal {
            // A terminal that is gone is no reason to fail.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn show(&self) {
        let text = line(self.done, self.total, self.proofs, self.begun.elapsed());
        let _ = match self.is_terminal {
            true => write!(std::io::stderr(), "\r\x1b[K{text}"),
            false => writeln!(std::io::stderr(), "{text}"),
        };
    }
}

/// `[#####-----]  50 %  1200 proofs, 1200/s  4 s left`.
fn line(done: u64, total: u64, proofs: u64, elapsed: Duration) -> String {
    let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = proofs.saturating_mul(1000) / ms;
    if total == 0 {
        return format!("{proofs} proofs, {rate}/s");
    }
    let percent = (done * 100 / total).min(100);
    let filled = (percent / 5) as usize;
    let left = ms.saturating_mul(total.saturating_sub(done)).checked_div(done).unwrap_or(0) / 1000;
    format!(
        "[{}{}] {percent:>3} %  {proofs} proofs, {rate}/s  {left} s left",
        "#".repeat(filled),
        "-".repeat(BAR_CHARS - filled)
    )
}

const BAR_CHARS: usize = 20;
/// A terminal is drawn so often.
const EVERY: Duration = Duration::from_millis(100);
/// A short run says nothing in a log.
const QUIET: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let at = |done, ms| line(done, 1000, done / 10, Duration::from_millis(ms));
        assert_eq!(at(0, 0), "[--------------------]   0 %  0 proofs, 0/s  0 s left");
        assert_eq!(at(500, 2000), "[##########----------]  50 %  50 proofs, 25/s  2 s left");
        assert_eq!(at(1000, 4000), "[####################] 100 %  100 proofs, 25/s  0 s left");
        // A file that grows while it is read.
        assert_eq!(at(2000, 4000), "[####################] 100 %  200 proofs, 50/s  0 s left");
        assert_eq!(line(5, 0, 7, Duration::from_secs(1)), "7 proofs, 7/s");
    }
}
