;; us.bsa.structuring: 31 CFR 1010.314, a sign that transactions in currency are kept below the
;; reporting threshold. Purpose is intent, which no computation sees: the gravest answer is review.
;; Made for rule ABI 1 (shared/vm/ABI.md); offsets below are those of its sections 3 and 5.
;;
;; Branches: 0 the present transaction counts; 1 the count reaches the limit. Rows are not branches:
;;           10,000 of them would overrun the trace, and facts_hash already holds every one.
;; Memory:   8 result head, 16 value 0 (the count), 40 value 1 (the sum), 64 the record.
(module
  (import "env" "branch" (func $branch (param i32 i32)))
  (memory (export "memory") 1)
  (global (export "rule_abi_version") i32 (i32.const 1))
  (global (export "input_base") i32 (i32.const 64))

  ;; Value 0: an integer. Value 1: money, scale 2, USD. Their numbers are written below.
  (data (i32.const 16) "\01")
  (data (i32.const 40) "\02\02\00\00USD\00")

  (func $decide (param $id i32) (param $taken i32) (result i32)
    (call $branch (local.get $id) (local.get $taken))
    (local.get $taken))

  ;; A type of currency (2, 3, 4), in USD, from 8,000.00 to 10,000.00.
  (func $counts (param $type i32) (param $currency i32) (param $low i64) (param $high i64)
    (result i32)
    (i32.and
      (i32.and
        (i32.lt_u (i32.sub (local.get $type) (i32.const 2)) (i32.const 3))
        (i32.eq (local.get $currency) (i32.const 0x445355)))
      (i32.and
        (i64.eqz (local.get $high))
        ;; One comparison for both ends: below the band the difference wraps around.
        (i64.le_u (i64.sub (local.get $low) (i64.const 800000)) (i64.const 200000)))))

  (func (export "evaluate") (param $in i32) (param $length i32) (result i64)
    (local $row i32)
    (local $first i32)
    (local $after i64)
    (local $count i64)
    (local $sum i64)
    (local $outcome i32)
    (if (call $decide (i32.const 0)
          (call $counts
            (i32.load offset=40 (local.get $in))
            (i32.load offset=64 (local.get $in))
            (i64.load offset=48 (local.get $in))
            (i64.load offset=56 (local.get $in))))
      (then
        (local.set $count (i64.const 1))
        (local.set $sum (i64.load offset=48 (local.get $in)))))
    (local.set $after (i64.sub (i64.load offset=16 (local.get $in)) (i64.const 86400000)))
    (local.set $first (i32.add (local.get $in) (i32.load offset=28 (local.get $in))))
    (local.set $row
      (i32.add
        (local.get $first)
        (i32.mul (i32.load offset=24 (local.get $in)) (i32.const 48))))
    ;; Rows are sorted by time: from the last one back, until one is too old.
    (block $done
      (loop $next
        (br_if $done (i32.le_u (local.get $row) (local.get $first)))
        (local.set $row (i32.sub (local.get $row) (i32.const 48)))
        (br_if $done (i64.le_s (i64.load (local.get $row)) (local.get $after)))
        (if (call $counts
              (i32.load8_u offset=29 (local.get $row))
              (i32.load offset=24 (local.get $row))
              (i64.load offset=8 (local.get $row))
              (i64.load offset=16 (local.get $row)))
          (then
            (local.set $count (i64.add (local.get $count) (i64.const 1)))
            (local.set $sum (i64.add (local.get $sum) (i64.load offset=8 (local.get $row))))))
        (br $next)))
    ;; At most 10,001 amounts of 10,000.00: the sum stays far below 64 bits.
    (i64.store (i32.const 24) (local.get $count))
    (i64.store (i32.const 48) (local.get $sum))
    ;; Head: outcome 0 or 2, two values, reason 0 or 1.
    (local.set $outcome
      (call $decide (i32.const 1) (i64.ge_u (local.get $count) (i64.const 3))))
    (i32.store8 (i32.const 8) (i32.shl (local.get $outcome) (i32.const 1)))
    (i32.store8 (i32.const 9) (i32.const 2))
    (i32.store16 (i32.const 10) (local.get $outcome))
    ;; 56 bytes at address 8.
    (i64.const 0x3800000008)))
