//! The compiled module in the VM against the reference interpreter: random rules over random
//! records must give the same results and the same events, to the byte; and folding must change
//! neither. `PROBITY_INPUTS` asks for that many records for the rules that people would write,
//! `PROBITY_RULES` for that many random rules.

mod choices;
mod generator;
mod records;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use choices::Choices;
use compiler::data::{Calendar, Rates};
use compiler::draft::{Draft, DraftCase, DraftDecision, Located};
use compiler::fold;
use compiler::front::check;
use compiler::interpret::{Event, Interpretation, Lists, interpret};
use compiler::typed::{Mode, Program};
use compiler::wasm::compile;
use facts::Currency;
use generator::Source;
use rules::{Outcome, RuleResult, Severity};

use super::differential_vm::{NAMES, PLAIN, PLAIN_ENTRIES, Run, names, run_all};

/// Rules of the normal test, records of each, and most history rows of a record.
const PROGRAMS: usize = 300;
const RECORDS: usize = 30;
const ROWS: usize = 60;
/// Records that are held at once.
const RECORDS_AT_ONCE: usize = 500;
/// Rules that a failure shows.
const EXAMPLES: usize = 3;

/// The lists of `differential_vm`.
struct Known(screen::Index);

impl Known {
    fn new() -> Known {
        Known(screen::Index::build(names()))
    }
}

impl Lists for Known {
    fn contains(&self, list: u32, text: &str) -> bool {
        list == 0 && PLAIN_ENTRIES.contains(&text)
    }

    fn sees_whole(&self, name: &str, mode: Mode) -> bool {
        screen::Index::sees_whole(name, mode_of(mode))
    }

    fn screen(
        &self,
        _: u32,
        name: &str,
        birth: Option<i32>,
        threshold: u16,
        mode: Mode,
    ) -> Option<(u16, u32)> {
        let mode = mode_of(mode);
        best(&self.0.screen(&screen::Query { name, birth, mode, threshold }))
    }

    fn screen_id(&self, _: u32, text: &str) -> Option<(u16, u32)> {
        best(&self.0.identifier(text))
    }

    fn entry_id(&self, _: u32, entry: u32) -> String {
        self.0.snapshot().entries[entry as usize].id.clone()
    }
}

fn mode_of(mode: Mode) -> screen::Mode {
    match mode {
        Mode::Default => screen::Mode::Default,
        Mode::Ofac => screen::Mode::Ofac,
        Mode::JaroWinkler => screen::Mode::JaroWinkler,
    }
}

fn best(hits: &screen::Hits) -> Option<(u16, u32)> {
    hits.best.first().map(|hit| (hit.score, hit.entry))
}

#[test]
fn compiled_rules_answer_as_interpreted_ones() {
    let (sources, programs) = programs(asked("PROBITY_RULES").unwrap_or(PROGRAMS), 0);
    let tally = compare(&sources, &programs, RECORDS);
    println!("differential, random rules: {tally:?}");
    tally.check();
}

#[test]
fn written_rules_answer_as_interpreted_ones() {
    let inputs = asked("PROBITY_INPUTS");
    let sources = written::rules();
    let programs: Vec<Program> = sources
        .iter()
        .map(|source| check(&draft(source)).unwrap_or_else(|errors| panic!("{errors:?}")))
        .collect();
    let tally = compare(&sources, &programs, inputs.unwrap_or(10 * RECORDS));
    println!("differential, written rules: {tally:?}");
    assert!(tally.decided * 2 > tally.missing && tally.traps == 0, "{tally:?}");
}

/// What a fuzzer does: any bytes are a rule, which the checker takes or refuses.
#[test]
fn any_bytes_make_a_rule() {
    let mut choices = Choices::seed(3);
    let mut taken = 0;
    for length in 0..400 {
        let bytes: Vec<u8> = (0..length).map(|_| choices.below(256) as u8).collect();
        let source = generator::rule(&mut Choices::Bytes(bytes.into_iter()));
        taken += usize::from(check(&draft(&source)).is_ok());
    }
    assert!(taken > 200, "{taken}");
}

/// The number in a variable of the environment.
fn asked(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs each program over each record in both engines.
fn compare(sources: &[Source], programs: &[Program], inputs: usize) -> Tally {
    let mut choices = Choices::seed(7);
    let lists = Known::new();
    let mut tally = Tally::default();
    let (mut wrong, mut examples) = (BTreeSet::new(), Vec::new());
    // Every other rule is compiled in its folded form, which must not show.
    let forms: Vec<Program> = programs
        .iter()
        .zip(0..)
        .map(|(program, index)| if index % 2 == 0 { program.clone() } else { fold(program) })
        .collect();
    for first in (0..inputs).step_by(RECORDS_AT_ONCE) {
        let count = RECORDS_AT_ONCE.min(inputs - first);
        let (records, bodies): (Vec<_>, Vec<_>) =
            (0..count).map(|_| records::record(&mut choices, ROWS)).unzip();
        let runs = run_all(&forms, &records);
        for ((source, program), runs) in sources.iter().zip(programs).zip(&runs) {
            for ((record, body), run) in records.iter().zip(&bodies).zip(runs) {
                let expected = interpret(program, record.as_bytes(), &lists);
                tally.add(&expected, run);
                if same(&expected, run) || !wrong.insert(format!("{source:#?}")) {
                    continue;
                }
                let Run { result, events, fuel, cost } = run;
                examples.push(format!(
                    "{source:#?}\n{body}\ninterpreted {expected:?}\n\
                     compiled {result:?} {events:?}, fuel {fuel} of {cost}"
                ));
            }
        }
    }
    // The shortest tells most.
    examples.sort_by_key(String::len);
    examples.truncate(EXAMPLES);
    assert!(wrong.is_empty(), "{} rules differ, such as\n{}", wrong.len(), examples.join("\n\n"));
    tally
}

#[test]
fn folding_changes_nothing() {
    let mut choices = Choices::seed(11);
    let records: Vec<_> = (0..RECORDS).map(|_| records::record(&mut choices, ROWS)).collect();
    let lists = Known::new();
    let (sources, programs) = programs(PROGRAMS, 1 << 32);
    let mut smaller = 0;
    for (source, program) in sources.iter().zip(&programs) {
        let folded = fold(program);
        smaller += usize::from(folded != *program);
        for (record, body) in &records {
            let plain = interpret(program, record.as_bytes(), &lists);
            let other = interpret(&folded, record.as_bytes(), &lists);
            assert_eq!(plain, other, "{source:#?}\n{body}\n{folded:#?}");
        }
    }
    assert!(smaller > PROGRAMS / 2, "only {smaller} programs had something to fold");
}

/// How often each kind of answer came.
#[derive(Debug, Default)]
struct Tally {
    decided: usize,
    missing: usize,
    errors: usize,
    traps: usize,
    list_calls: usize,
    most_fuel: u64,
}

impl Tally {
    fn add(&mut self, answer: &Interpretation, run: &Run) {
        let is_list = |event: &&Event| !matches!(event, Event::Branch { .. });
        self.list_calls += answer.events.iter().filter(is_list).count();
        self.most_fuel = self.most_fuel.max(run.fuel);
        match (answer.outcome, answer.fault) {
            (Outcome::MissingData, Some(_)) => self.missing += 1,
            (Outcome::Error, Some(_)) => self.errors += 1,
            (Outcome::Error, None) => self.traps += 1,
            _ => self.decided += 1,
        }
    }

    /// Each kind has to come, else the generator tests nothing.
    fn check(&self) {
        let all = self.decided + self.missing + self.errors + self.traps;
        let least = [self.decided, self.missing, self.errors].map(|count| count * 20 > all);
        assert!(least == [true; 3] && self.list_calls > 100, "{self:?}");
    }
}

/// Whether the VM's result and events are those of the interpreter, within the fuel that the
/// compiler promised.
fn same(expected: &Interpretation, run: &Run) -> bool {
    let answer = RuleResult {
        outcome: expected.outcome,
        reason: expected.reason,
        values: expected.values.clone(),
        ..run.result.clone()
    };
    answer.to_bytes() == run.result.to_bytes()
        && expected.events == run.events
        && run.fuel <= run.cost
}

/// Rules that the checker and the back end take.
fn programs(count: usize, first: u64) -> (Vec<Source>, Vec<Program>) {
    let (mut sources, mut programs) = (Vec::new(), Vec::new());
    let mut refused = Vec::new();
    let mut reasons = BTreeMap::new();
    for seed in first.. {
        if programs.len() == count {
            break;
        }
        let source = generator::rule(&mut Choices::seed(seed));
        let checked = check(&draft(&source))
            .and_then(|program| compile(&program).map(|_| program).map_err(|error| vec![error]));
        match checked {
            Ok(program) => {
                sources.push(source);
                programs.push(program);
            }
            Err(errors) => {
                let why = format!("{}; {}", errors[0].expected, errors[0].hint);
                *reasons.entry(why).or_insert(0) += 1;
                refused.push(format!("{}: {source:?}", errors[0]));
            }
        }
        assert!(refused.len() < 2 * count, "too much is refused:\n{}", refused[..20].join("\n"));
    }
    println!("rules: {} taken, {} refused", programs.len(), refused.len());
    for (reason, count) in reasons {
        println!("  {count:4} {reason}");
    }
    (sources, programs)
}

fn draft(source: &Source) -> Draft {
    let located = |text: &str| Located { text: text.to_owned(), line: 1, column: 1 };
    let decision = |outcome, reason: &str| DraftDecision {
        outcome,
        severity: Severity::Low,
        reason: located(reason),
    };
    let cases = source.cases.iter().map(|(when, reason)| DraftCase {
        when: located(when),
        decision: decision(Outcome::Review, reason),
    });
    Draft {
        params: Vec::new(),
        lets: source.lets.iter().map(|(name, text)| (located(name), located(text))).collect(),
        cases: cases.collect(),
        otherwise: decision(Outcome::Pass, &source.otherwise),
        missing_severity: Severity::High,
        lists: vec![PLAIN.to_owned(), NAMES.to_owned()],
        calendars: vec![calendar()],
        rates: vec![rates()],
    }
}

/// Some years of a calendar with two offsets, holidays and a cut-off.
fn calendar() -> Calendar {
    Calendar {
        id: "cal".into(),
        source: "test".into(),
        first_day: 19_000,
        last_day: 20_600,
        offsets: vec![(0, -300), (1_741_503_600_000, -240), (1_762_063_200_000, -300)],
        weekend: 0b100_0001,
        holidays: vec![20_447, 20_514, 20_515],
        cutoff_minute: 1020,
    }
}

/// Rates without one of the currencies that records have.
fn rates() -> Rates {
    let currency = |code| Currency::parse(code).expect("a known currency");
    Rates {
        id: "fx".into(),
        source: "test".into(),
        rates: vec![
            (currency("ETH"), 312_345_678_901, 15),
            (currency("EUR"), 1, 0),
            (currency("JPY"), 16_347, 2),
            (currency("USD"), 10_834, 4),
        ],
    }
}
