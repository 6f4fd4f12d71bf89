//! Figures as a table and as JSON.

use serde_json::{Value, json};

/// One figure beside its floor.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The group it was measured in.
    pub group: String,
    /// What was measured.
    pub name: String,
    /// Median.
    pub median: f64,
    /// The fastest sample, where samples were kept: what a quiet machine would come near to.
    pub fastest: Option<f64>,
    /// Unit of the median and the floor.
    pub unit: String,
    /// What cannot be undercut, or the peer, measured in the same run: name and median.
    pub floor: Option<(String, f64)>,
    /// Measured in an earlier run.
    pub earlier: bool,
}

/// Three digits that mean something, or all that stand before the point.
fn plain(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures {
    group: String,
    all: Vec<Figure>,
}

impl Figures {
    /// The group of what is added from here on.
    pub fn start(&mut self, group: &str) {
        group.clone_into(&mut self.group);
    }

    /// Adds one.
    pub fn add(&mut self, name: &str, median: f64, unit: &str, floor: Option<(&str, f64)>) {
        self.add_sampled(name, (median, None), unit, floor);
    }

    /// Adds one with its fastest sample.
    pub fn add_sampled(
        &mut self,
        name: &str,
        (median, fastest): (f64, Option<f64>),
        unit: &str,
        floor: Option<(&str, f64)>,
    ) {
        let floor = floor.map(|(name, value)| (name.to_owned(), value));
        let (group, name, unit) = (self.group.clone(), name.to_owned(), unit.to_owned());
        self.all.push(Figure { group, name, median, fastest, unit, floor, earlier: false });
    }

    /// The figures of `group` that a JSON file holds, as they were measured there.
    pub fn add_from(&mut self, json: &Value, group: &str, earlier: bool) {
        for row in json["figures"].as_array().into_iter().flatten() {
            if row["group"].as_str() != Some(group) {
                continue;
            }
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
            let floor = &row["floor"];
            self.all.push(Figure {
                group: group.to_owned(),
                name: text(&row["name"]),
                median: number(&row["median"]),
                fastest: row["fastest"].as_f64(),
                unit: text(&row["unit"]),
                floor: floor.is_object().then(|| (text(&floor["name"]), number(&floor["median"]))),
                earlier: earlier || row["earlier"].as_bool() == Some(true),
            });
        }
    }

    /// The median of a figure that was added.
    pub fn median(&self, name: &str) -> f64 {
        self.all.iter().find(|figure| figure.name == name).map_or(f64::NAN, |figure| figure.median)
    }

    /// The table.
    pub fn table(&self) -> String {
        let head = ["median", "fastest", "unit", "floor or peer of the same run"];
        let mut text =
            format!("{:<58} {:>8} {:>8} {:<4} {}\n", "what", head[0], head[1], head[2], head[3]);
        for figure in &self.all {
            let unit = &figure.unit;
            let floor = figure.floor.as_ref().map_or(String::new(), |(name, value)| {
                let ratio = plain(figure.median / value);
                format!("{} {unit} ({name}), × {ratio}", plain(*value))
            });
            let mark = if figure.earlier { " *" } else { "" };
            let name = format!("{}{mark}", figure.name);
            let fastest = figure.fastest.map_or(String::new(), plain);
            let line =
                format!("{name:<58} {:>8} {fastest:>8} {unit:<4} {floor}", plain(figure.median));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        if self.all.iter().any(|figure| figure.earlier) {
            text.push_str("* of an earlier run: BENCH_ONLY left it out of this one\n");
        }
        text
    }

    /// The same in JSON.
    pub fn json(&self, machine: &str) -> Value {
        let figures: Vec<_> = self
            .all
            .iter()
            .map(|figure| {
                let floor = figure.floor.as_ref();
                json!({
                    "group": figure.group,
                    "name": figure.name,
                    "median": figure.median,
                    "fastest": figure.fastest,
                    "unit": figure.unit,
                    "floor": floor.map(|(name, value)| json!({"name": name, "median": value})),
                    "earlier": figure.earlier,
                })
            })
            .collect();
        json!({ "machine": machine, "figures": figures })
    }
}
