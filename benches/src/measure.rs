//! One figure at a time: criterion measures, the median goes into the table at once.

use crate::table::Figures;
use criterion::{Bencher, Criterion};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest name: criterion cuts the folder's name there.
const NAME_BYTES_MAX: usize = 64;
/// From how many microseconds on a figure is written in milliseconds.
const MILLISECONDS_FROM: f64 = 10_000.0;

/// Criterion and the figures so far.
pub struct Bench {
    criterion: Criterion,
    folder: PathBuf,
    /// What was measured.
    pub figures: Figures,
}

impl Bench {
    /// Criterion's own files go below `folder`.
    pub fn new(folder: &Path) -> Self {
        let folder = folder.join("criterion");
        let (samples, milliseconds) = if crate::is_quick() { (10, 500) } else { (40, 2000) };
        let criterion = Criterion::default()
            .output_directory(&folder)
            .sample_size(samples)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_millis(milliseconds));
        Self { criterion, folder, figures: Figures::default() }
    }

    /// Measures and adds a row; gives the median in microseconds.
    pub fn row(
        &mut self,
        name: &str,
        floor: Option<(&str, f64)>,
        routine: impl FnMut(&mut Bencher<'_>),
    ) -> f64 {
        let (median, fastest) = self.measure(name, routine);
        let (factor, unit) =
            if median >= MILLISECONDS_FROM { (1000.0, "ms") } else { (1.0, "µs") };
        let floor = floor.map(|(name, value)| (name, value / factor));
        let values = (median / factor, Some(fastest / factor));
        self.figures.add_sampled(name, values, unit, floor);
        median
    }

    /// Measures without a row.
    pub fn median(&mut self, name: &str, routine: impl FnMut(&mut Bencher<'_>)) -> f64 {
        self.measure(name, routine).0
    }

    /// Median and fastest sample in microseconds.
    fn measure(&mut self, name: &str, routine: impl FnMut(&mut Bencher<'_>)) -> (f64, f64) {
        assert!(name.len() <= NAME_BYTES_MAX, "{name:?} is too long");
        self.criterion.bench_function(name, routine);
        // Criterion writes these as underscores.
        let file = name.replace([':', '/', '*', '?', '<', '>', '|', '"', '\\', '^'], "_");
        let folder = self.folder.join(file).join("new");
        let read = |file: &str| -> serde_json::Value {
            let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
            serde_json::from_str(&text).unwrap_or_default()
        };
        let median = read("estimates.json")["median"]["point_estimate"].as_f64();
        let median = median.unwrap_or_else(|| panic!("no median in {}", folder.display()));
        let sample = read("sample.json");
        let numbers = |key: &str| sample[key].as_array().cloned().unwrap_or_default();
        let (times, runs) = (numbers("times"), numbers("iters"));
        let each = times.iter().zip(&runs).filter_map(|(t, n)| Some(t.as_f64()? / n.as_f64()?));
        (median / 1000.0, each.fold(median, f64::min) / 1000.0)
    }
}
