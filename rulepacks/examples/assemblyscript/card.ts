// A rule written by hand in AssemblyScript: card payments of 1,000.00 EUR or more abroad are
// looked at. It shows that any module on the ABI of shared/vm/ABI.md is accepted; the record's
// offsets are those of section 3, the result's those of section 5.

// @ts-ignore: decorator
@external("env", "branch")
declare function branch(id: i32, taken: i32): void;

export const rule_abi_version: i32 = 1;
export const input_base: i32 = 4096;

const TYPE: usize = 40;
const AMOUNT: usize = 48;
const SOURCE_COUNTRY: usize = 88;
const DESTINATION_COUNTRY: usize = 136;
const PRESENCE: usize = 8;
const BOTH_COUNTRIES: u64 = (1 << 5) | (1 << 11);

const CARD_PAYMENT: u32 = 5;
const EUR: u32 = 0x00525545;
const LIMIT: u64 = 100_000;

// The result lies below input_base: a head of 8 bytes, then values of 24.
const RESULT: usize = 256;

function answer(outcome: u8, values: u8, reason: u16): u64 {
  store<u8>(RESULT, outcome);
  store<u8>(RESULT + 1, values);
  store<u16>(RESULT + 2, reason);
  store<u32>(RESULT + 4, 0);
  return (<u64>(8 + 24 * <u32>values) << 32) | <u64>RESULT;
}

export function evaluate(record: usize, length: u32): u64 {
  const applies =
    load<u32>(record + TYPE) == CARD_PAYMENT && load<u32>(record + AMOUNT + 16) == EUR;
  branch(0, applies ? 1 : 0);
  if (!applies) return answer(0, 0, 0);
  if ((load<u64>(record + PRESENCE) & BOTH_COUNTRIES) != BOTH_COUNTRIES) return answer(4, 0, 1);

  const low = load<u64>(record + AMOUNT);
  const high = load<u64>(record + AMOUNT + 8);
  const large = high != 0 || low >= LIMIT; // amounts are never negative
  const abroad = load<u32>(record + SOURCE_COUNTRY) != load<u32>(record + DESTINATION_COUNTRY);
  branch(1, large && abroad ? 1 : 0);

  // The amount: kind 2, its scale, its currency, its mantissa.
  store<u32>(RESULT + 8, 2 | (<u32>load<u8>(record + AMOUNT + 20) << 8));
  store<u32>(RESULT + 12, EUR);
  store<u64>(RESULT + 16, low);
  store<u64>(RESULT + 24, high);
  return large && abroad ? answer(2, 1, 2) : answer(0, 1, 3);
}
