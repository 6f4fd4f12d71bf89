//! How far a long command is, on standard error: a bar on a terminal, else a line every tenth.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Progress by bytes read.
pub(super) struct Progress {
    total: u64,
    done: u64,
    lines: u64,
    begun: Instant,
    shown: Instant,
    tenths: u64,
    is_terminal: bool,
}

impl Progress {
    /// Nothing done yet of so many bytes.
    pub(super) fn new(total: u64) -> Self {
        let now = Instant::now();
        let is_terminal = std::io::stderr().is_terminal();
        Self { total, done: 0, lines: 0, begun: now, shown: now, tenths: 0, is_terminal }
    }

    /// One more line.
    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        self.lines += 1;
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
        let text = line(self.done, self.total, self.lines, self.begun.elapsed());
        let _ = match self.is_terminal {
            true => write!(std::io::stderr(), "\r\x1b[K{text}"),
            false => writeln!(std::io::stderr(), "{text}"),
        };
    }
}

/// `[#####-----]  50 %  1200 requests/s  4 s left`.
fn line(done: u64, total: u64, lines: u64, elapsed: Duration) -> String {
    let percent = (done * 100).checked_div(total).unwrap_or(0).min(100);
    let filled = (percent / 5) as usize;
    let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = lines.saturating_mul(1000) / ms;
    let left = ms.saturating_mul(total.saturating_sub(done)).checked_div(done).unwrap_or(0) / 1000;
    format!(
        "[{}{}] {percent:>3} %  {rate} requests/s  {left} s left",
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
        assert_eq!(at(0, 0), "[--------------------]   0 %  0 requests/s  0 s left");
        assert_eq!(at(500, 2000), "[##########----------]  50 %  25 requests/s  2 s left");
        assert_eq!(at(1000, 4000), "[####################] 100 %  25 requests/s  0 s left");
        // A file that grows while it is read.
        assert_eq!(at(2000, 4000), "[####################] 100 %  50 requests/s  0 s left");
    }
}
