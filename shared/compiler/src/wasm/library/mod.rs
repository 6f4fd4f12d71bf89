//! Helper functions in our assembler's text. A module gets those that it calls, each once. They
//! must never fault by trapping: a helper that can fail answers with a fault number.

mod math;
mod text;
mod time;

use wasm_encoder::ValType;

use super::assemble::assemble;
use super::code::{Function, Names};

/// One helper.
#[derive(Debug)]
pub(super) struct Helper {
    pub(super) name: &'static str,
    /// Parameters: `name:i32 other:i64`.
    params: &'static str,
    /// Results: `i64 i32`.
    results: &'static str,
    /// Further locals, as the parameters.
    locals: &'static str,
    body: &'static str,
}

/// A helper by its name.
pub(super) fn helper(name: &str) -> Option<&'static Helper> {
    let all = [math::HELPERS, text::HELPERS, time::HELPERS];
    all.into_iter().flatten().find(|helper| helper.name == name)
}

/// The helper's function.
pub(super) fn build(helper: &'static Helper) -> Function {
    let typed = |text: &'static str| text.split_ascii_whitespace().map(split);
    let params: Vec<ValType> = typed(helper.params).map(|(_, ty)| ty).collect();
    let results: Vec<ValType> = typed(helper.results).map(|(_, ty)| ty).collect();
    let mut function = Function::new(&params, &results);
    let mut names = Names::new();
    for (at, (name, _)) in (0..).zip(typed(helper.params)) {
        names.insert(name, at);
    }
    for (name, ty) in typed(helper.locals) {
        names.insert(name, function.local(ty));
    }
    assemble(&mut function, helper.body, &mut names);
    function
}

fn split(word: &'static str) -> (&'static str, ValType) {
    let (name, ty) = word.split_once(':').unwrap_or(("", word));
    (name, if ty == "i64" { ValType::I64 } else { ValType::I32 })
}

#[cfg(test)]
mod tests {
    use super::{build, helper, math, text, time};
    use crate::wasm::code::{Op, Target};

    #[test]
    fn helpers_assemble_and_call_only_helpers() {
        let mut names = Vec::new();
        for known in [math::HELPERS, text::HELPERS, time::HELPERS].into_iter().flatten() {
            assert!(!names.contains(&known.name), "{} twice", known.name);
            names.push(known.name);
            for op in build(known).ops {
                if let Op::Call(Target::Helper(name), _) = op {
                    assert!(helper(name).is_some(), "{} calls {name}", known.name);
                }
            }
        }
        assert!(names.len() > 20);
    }
}
