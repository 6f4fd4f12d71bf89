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
        let median = self.median(name, routine);
        if median >= MILLISECONDS_FROM {
            let floor = floor.map(|(name, value)| (name, value / 1000.0));
            self.figures.add(name, median / 1000.0, "ms", floor);
        } else {
            self.figures.add(name, median, "µs", floor);
        }
        median
    }

    /// Measures without a row.
    pub fn median(&mut self, name: &str, routine: impl FnMut(&mut Bencher<'_>)) -> f64 {
        assert!(name.len() <= NAME_BYTES_MAX, "{name:?} is too long");
        self.criterion.bench_function(name, routine);
        // Criterion writes these as underscores.
        let file = name.replace([':', '/', '*', '?', '<', '>', '|', '"', '\\', '^'], "_");
        let file = self.folder.join(file).join("new/estimates.json");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let median = json["median"]["point_estimate"].as_f64();
        median.unwrap_or_else(|| panic!("criterion left no median in {}", file.display())) / 1000.0
    }
}
