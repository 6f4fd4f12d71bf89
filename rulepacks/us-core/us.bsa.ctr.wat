;; us.bsa.ctr: 31 CFR 1010.311, a report of each transaction in currency of more than 10,000 USD.
;; Made for rule ABI 1 (shared/vm/ABI.md); offsets below are those of its sections 3 and 5.
;;
;; Branches: 0 the transaction is in currency; 1 it is in USD; 2 it is above the threshold.
;; Memory:   8 result head, 16 value 0 (the amount), 40 value 1 (the threshold), 64 the record.
(module
  (import "env" "branch" (func $branch (param i32 i32)))
  (memory (export "memory") 1)
  (global (export "rule_abi_version") i32 (i32.const 1))
  (global (export "input_base") i32 (i32.const 64))

  ;; Value 1: money, scale 2, USD, mantissa 1,000,000.
  (data (i32.const 40) "\02\02\00\00USD\00\40\42\0f\00\00\00\00\00\00\00\00\00\00\00\00\00")

  (func $decide (param $id i32) (param $taken i32) (result i32)
    (call $branch (local.get $id) (local.get $taken))
    (local.get $taken))

  ;; Length in the high half, address 8 in the low half.
  (func $result (param $outcome i32) (param $reason i32) (param $values i32) (result i64)
    (i32.store8 (i32.const 8) (local.get $outcome))
    (i32.store8 (i32.const 9) (local.get $values))
    (i32.store16 (i32.const 10) (local.get $reason))
    (i64.or
      (i64.const 8)
      (i64.shl
        (i64.extend_i32_u
          (i32.add (i32.const 8) (i32.mul (i32.const 24) (local.get $values))))
        (i64.const 32))))

  (func (export "evaluate") (param $in i32) (param $length i32) (result i64)
    (local $low i64)
    (local $high i64)
    ;; Types 2, 3 and 4 are transactions in currency.
    (if (i32.eqz (call $decide (i32.const 0)
          (i32.lt_u (i32.sub (i32.load offset=40 (local.get $in)) (i32.const 2)) (i32.const 3))))
      (then (return (call $result (i32.const 0) (i32.const 0) (i32.const 0)))))
    (if (i32.eqz (call $decide (i32.const 1)
          (i32.eq (i32.load offset=64 (local.get $in)) (i32.const 0x445355))))
      (then
        ;; Value 0: the currency, packed.
        (i32.store8 (i32.const 16) (i32.const 5))
        (i32.store (i32.const 24) (i32.load offset=64 (local.get $in)))
        (return (call $result (i32.const 4) (i32.const 3) (i32.const 1)))))
    (local.set $low (i64.load offset=48 (local.get $in)))
    (local.set $high (i64.load offset=56 (local.get $in)))
    ;; Value 0: the amount.
    (i32.store8 (i32.const 16) (i32.const 2))
    (i32.store8 (i32.const 17) (i32.load8_u offset=68 (local.get $in)))
    (i32.store (i32.const 20) (i32.load offset=64 (local.get $in)))
    (i64.store (i32.const 24) (local.get $low))
    (i64.store (i32.const 32) (local.get $high))
    ;; Amounts are not negative: either half alone can lift the i128 above the threshold.
    (if (call $decide (i32.const 2)
          (i32.or
            (i64.ne (local.get $high) (i64.const 0))
            (i64.gt_u (local.get $low) (i64.load (i32.const 48)))))
      (then (return (call $result (i32.const 1) (i32.const 2) (i32.const 2)))))
    (call $result (i32.const 0) (i32.const 1) (i32.const 2))))
