//! Temporary.
use benches::eight;
fn main() {
    let pack = eight::pack();
    let program = tests::rulebook::program(&pack);
    let selection = eight::selection(&program);
    let (_, record) = eight::record(&eight::body(50));
    let mut all = Vec::new();
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 6 {
        let t = std::time::Instant::now();
        for _ in 0..20 { std::hint::black_box(program.run(&selection, &record)); }
        all.push(t.elapsed().as_nanos() as f64 / 20e3);
    }
    all.sort_by(f64::total_cmp);
    println!("min {:.1} p10 {:.1} p50 {:.1} p90 {:.1}", all[0], all[all.len()/10], all[all.len()/2], all[all.len()*9/10]);
    let run = program.run(&selection, &record);
    for (r, t) in run.results.iter().zip(&run.traces) { println!("{} {:?} fuel {}", r.id, r.outcome, t.fuel); }
    for m in &pack.rules { println!("{} {} bytes wasm", m.read.header.id, m.wasm.len()); }
    println!("record {} bytes", record.as_bytes().len());
}
