//! Rule files: what is read, and what newcomers are told.

use compiler::pack::{Body, RuleFile};

const CTR: &str = include_str!("pack/ctr.yaml");

#[test]
fn probe() {
    let rule = RuleFile::parse("ctr.yaml", CTR);
    println!("{rule:#?}");
    let rule = rule.expect("sound");
    if let Body::Cases(draft) = &rule.body {
        println!("{:?}", draft.cases);
    }
    panic!("x");
}
