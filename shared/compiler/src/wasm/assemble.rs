//! A small assembler: the text of our own instructions to instructions. A word that it does not
//! know is a mistake of ours, so it must never be given text from outside of this crate.

use wasm_encoder::{Instruction, MemArg, ValType};

use super::code::{Access, Arm, Function, Host, Names, Op, Size, Target, Trips};
use super::library::helper;

/// Adds the instructions of `text` to a function. `names` are those of locals; labels with names
/// are new ones.
pub(super) fn assemble<'a>(function: &mut Function, text: &'a str, names: &mut Names<'a>) {
    let all: Vec<&str> = text.split_ascii_whitespace().collect();
    for pair in all.windows(2).filter(|pair| matches!(pair[0], "block" | "block32" | "loop")) {
        if pair[1].parse::<u32>().is_err() {
            names.insert(pair[1], function.label());
        }
    }
    let mut words = all.into_iter();
    while let Some(word) = words.next() {
        let op = instruction(word, &mut words, names);
        function.push(op);
    }
}

fn instruction<'a>(word: &str, words: &mut impl Iterator<Item = &'a str>, names: &Names<'_>) -> Op {
    let mut operand = || words.next().unwrap_or_default();
    match word {
        "get" => Op::Get(number(operand(), names)),
        "set" => Op::Set(number(operand(), names)),
        "tee" => Op::Tee(number(operand(), names)),
        "i32" => {
            let value = operand();
            match value.strip_prefix('@') {
                Some(place) => Op::Record(number(place, names)),
                None => Op::Plain(Instruction::I32Const(integer(value) as i32)),
            }
        }
        "i64" => Op::Plain(Instruction::I64Const(integer(operand()))),
        "block" => Op::Block(number(operand(), names), None),
        "block32" => Op::Block(number(operand(), names), Some(ValType::I32)),
        "loop" => Op::Loop(number(operand(), names), trips(operand()), None),
        "br" => Op::Br(number(operand(), names)),
        "br_if" => Op::BrIf(number(operand(), names)),
        "if" => Op::If(Arm::Usual, None),
        "if32" => Op::If(Arm::Usual, Some(ValType::I32)),
        "if64" => Op::If(Arm::Usual, Some(ValType::I64)),
        "once" => Op::If(Arm::Once, None),
        "rare" => Op::If(Arm::Rare, None),
        "else" => Op::Else,
        "end" => Op::End,
        "return" => Op::Plain(Instruction::Return),
        "memory.copy" => Op::Bulk(true, trips(operand())),
        "memory.fill" => Op::Bulk(false, trips(operand())),
        "call" => {
            let name = operand();
            let known = helper(name).unwrap_or_else(|| unknown(name));
            Op::Call(Target::Helper(known.name), Size::Inherit)
        }
        "host" => Op::Call(Target::Host(host(operand())), Size::Inherit),
        _ => match access(word) {
            Some(access) => {
                let place = operand();
                let is_record = place.starts_with('@');
                Op::Memory(access, number(place.trim_start_matches('@'), names), is_record)
            }
            None => Op::Plain(plain(word).unwrap_or_else(|| unknown(word))),
        },
    }
}

fn unknown<T>(word: &str) -> T {
    panic!("`{word}` is no instruction of ours")
}

fn number(word: &str, names: &Names<'_>) -> u32 {
    let signed = || word.parse::<i32>().ok().map(|number| number as u32);
    let known = || names.get(word).copied();
    word.parse().ok().or_else(signed).or_else(known).unwrap_or_else(|| unknown(word))
}

fn integer(word: &str) -> i64 {
    let parsed = match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).map(|bits| bits as i64),
        None => word.parse(),
    };
    parsed.unwrap_or_else(|_| unknown(word))
}

fn trips(word: &str) -> Trips {
    match word {
        "rows" => Trips::Rows,
        "size" => Trips::Size,
        "words" => Trips::Words,
        "eights" => Trips::Eights,
        "log" => Trips::Log,
        _ => Trips::Times(word.parse().unwrap_or_else(|_| unknown(word))),
    }
}

fn host(word: &str) -> Host {
    match word {
        "branch" => Host::Branch,
        "list_contains" => Host::ListContains,
        "trap" => Host::Trap,
        "screen" => Host::Screen,
        "screen_id" => Host::ScreenId,
        _ => unknown(word),
    }
}

fn access(word: &str) -> Option<Access> {
    Some(match word {
        "i32.load" => |at: MemArg| Instruction::I32Load(at),
        "i32.load8_u" => |at: MemArg| Instruction::I32Load8U(at),
        "i32.load16_u" => |at: MemArg| Instruction::I32Load16U(at),
        "i64.load" => |at: MemArg| Instruction::I64Load(at),
        "i64.load16_s" => |at: MemArg| Instruction::I64Load16S(at),
        "i64.load32_u" => |at: MemArg| Instruction::I64Load32U(at),
        "i32.store" => |at: MemArg| Instruction::I32Store(at),
        "i32.store8" => |at: MemArg| Instruction::I32Store8(at),
        "i64.store" => |at: MemArg| Instruction::I64Store(at),
        _ => return None,
    })
}

fn plain(word: &str) -> Option<Instruction<'static>> {
    use Instruction as I;
    Some(match word {
        "drop" => I::Drop,
        "select" => I::Select,
        "unreachable" => I::Unreachable,
        "wrap" => I::I32WrapI64,
        "extend_s" => I::I64ExtendI32S,
        "extend_u" => I::I64ExtendI32U,
        "i32.eqz" => I::I32Eqz,
        "i32.eq" => I::I32Eq,
        "i32.ne" => I::I32Ne,
        "i32.lt_s" => I::I32LtS,
        "i32.lt_u" => I::I32LtU,
        "i32.gt_s" => I::I32GtS,
        "i32.gt_u" => I::I32GtU,
        "i32.le_s" => I::I32LeS,
        "i32.le_u" => I::I32LeU,
        "i32.ge_s" => I::I32GeS,
        "i32.ge_u" => I::I32GeU,
        "i32.add" => I::I32Add,
        "i32.sub" => I::I32Sub,
        "i32.mul" => I::I32Mul,
        "i32.div_u" => I::I32DivU,
        "i32.rem_u" => I::I32RemU,
        "i32.and" => I::I32And,
        "i32.or" => I::I32Or,
        "i32.xor" => I::I32Xor,
        "i32.shl" => I::I32Shl,
        "i32.shr_u" => I::I32ShrU,
        "i32.ctz" => I::I32Ctz,
        _ => return plain64(word),
    })
}

fn plain64(word: &str) -> Option<Instruction<'static>> {
    use Instruction as I;
    Some(match word {
        "i64.eqz" => I::I64Eqz,
        "i64.eq" => I::I64Eq,
        "i64.ne" => I::I64Ne,
        "i64.lt_s" => I::I64LtS,
        "i64.lt_u" => I::I64LtU,
        "i64.gt_s" => I::I64GtS,
        "i64.gt_u" => I::I64GtU,
        "i64.le_s" => I::I64LeS,
        "i64.le_u" => I::I64LeU,
        "i64.ge_s" => I::I64GeS,
        "i64.ge_u" => I::I64GeU,
        "i64.add" => I::I64Add,
        "i64.sub" => I::I64Sub,
        "i64.mul" => I::I64Mul,
        "i64.div_s" => I::I64DivS,
        "i64.div_u" => I::I64DivU,
        "i64.rem_s" => I::I64RemS,
        "i64.rem_u" => I::I64RemU,
        "i64.and" => I::I64And,
        "i64.or" => I::I64Or,
        "i64.xor" => I::I64Xor,
        "i64.shl" => I::I64Shl,
        "i64.shr_s" => I::I64ShrS,
        "i64.shr_u" => I::I64ShrU,
        "i64.clz" => I::I64Clz,
        "i64.popcnt" => I::I64Popcnt,
        _ => return None,
    })
}
