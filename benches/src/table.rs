//! Figures as a table and as JSON.

use serde_json::{Value, json};

/// One figure beside its floor.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Median.
    pub median: f64,
    /// Unit of the median and the floor.
    pub unit: &'static str,
    /// What cannot be undercut, measured in the same run: name and median.
    pub floor: Option<(String, f64)>,
}

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures(Vec<Figure>);

impl Figures {
    /// Adds one.
    pub fn add(&mut self, name: &str, median: f64, unit: &'static str, floor: Option<(&str, f64)>) {
        let floor = floor.map(|(name, value)| (name.to_owned(), value));
        self.0.push(Figure { name: name.to_owned(), median, unit, floor });
    }

    /// The median of a figure that was added.
    pub fn median(&self, name: &str) -> f64 {
        self.0.iter().find(|figure| figure.name == name).map_or(f64::NAN, |figure| figure.median)
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut text = format!("{:<52} {:>12} {:<9} {}\n", "what", "median", "unit", "floor");
        for figure in &self.0 {
            let floor = figure.floor.as_ref().map_or(String::new(), |(name, value)| {
                format!("{value:.2} {} ({name}), × {:.2}", figure.unit, figure.median / value)
            });
            let Figure { name, median, unit, .. } = figure;
            text.push_str(format!("{name:<52} {median:>12.2} {unit:<9} {floor}").trim_end());
            text.push('\n');
        }
        text
    }

    /// The same in JSON.
    pub fn json(&self, machine: &str) -> Value {
        let figures: Vec<_> = self
            .0
            .iter()
            .map(|figure| {
                let floor = figure.floor.as_ref();
                json!({
                    "name": figure.name,
                    "median": figure.median,
                    "unit": figure.unit,
                    "floor": floor.map(|(name, value)| json!({"name": name, "median": value})),
                })
            })
            .collect();
        json!({ "machine": machine, "figures": figures })
    }
}
