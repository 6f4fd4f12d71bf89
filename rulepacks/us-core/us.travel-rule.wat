;; us.travel-rule: 31 CFR 1010.410(f), what a transmittal order of 3,000 USD or more must carry.
;; Made for rule ABI 1 (shared/vm/ABI.md); offsets below are those of its sections 3 and 5.
;;
;; Branches: 0 the transaction is a transmittal of funds; 1 it is in USD; 2 it is at or above the
;;           threshold; 3 to 7 a field is there, in the order of the table at 192.
;; Memory:   8 result head, 16 to 87 three values, 88 the threshold, 112 texts, 192 field table,
;;           256 the record.
(module
  (import "env" "branch" (func $branch (param i32 i32)))
  (memory (export "memory") 1)
  (global (export "rule_abi_version") i32 (i32.const 1))
  (global (export "input_base") i32 (i32.const 256))

  ;; Money, scale 2, USD, mantissa 300,000.
  (data (i32.const 88) "\02\02\00\00USD\00\e0\93\04\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (data (i32.const 112)
    "source.name" "source.account" "source.address" "destination.institution"
    "source.institution")
  ;; For each field, in the order of the paragraph: presence bit, address and length of its name.
  (data (i32.const 192)
    "\06\00\00\00\70\00\00\00\0b\00\00\00"
    "\04\00\00\00\7b\00\00\00\0e\00\00\00"
    "\07\00\00\00\89\00\00\00\0e\00\00\00"
    "\0e\00\00\00\97\00\00\00\17\00\00\00"
    "\08\00\00\00\ae\00\00\00\12\00\00\00")

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

  ;; Amount and threshold as the values at $at and behind it.
  (func $compared (param $at i32) (param $in i32)
    (i32.store8 (local.get $at) (i32.const 2))
    (i32.store8 offset=1 (local.get $at) (i32.load8_u offset=68 (local.get $in)))
    (i32.store offset=4 (local.get $at) (i32.load offset=64 (local.get $in)))
    (i64.store offset=8 (local.get $at) (i64.load offset=48 (local.get $in)))
    (i64.store offset=16 (local.get $at) (i64.load offset=56 (local.get $in)))
    (i64.store offset=24 (local.get $at) (i64.load (i32.const 88)))
    (i64.store offset=32 (local.get $at) (i64.load (i32.const 96)))
    (i64.store offset=40 (local.get $at) (i64.load (i32.const 104))))

  (func (export "evaluate") (param $in i32) (param $length i32) (result i64)
    (local $type i32)
    (local $field i32)
    (local.set $type (i32.load offset=40 (local.get $in)))
    ;; Types 1 and 8: wire transfer and crypto transfer.
    (if (i32.eqz (call $decide (i32.const 0)
          (i32.or
            (i32.eq (local.get $type) (i32.const 1))
            (i32.eq (local.get $type) (i32.const 8)))))
      (then (return (call $result (i32.const 0) (i32.const 0) (i32.const 0)))))
    (if (i32.eqz (call $decide (i32.const 1)
          (i32.eq (i32.load offset=64 (local.get $in)) (i32.const 0x445355))))
      (then
        ;; Value 0: the currency, packed.
        (i32.store8 (i32.const 16) (i32.const 5))
        (i32.store (i32.const 24) (i32.load offset=64 (local.get $in)))
        (return (call $result (i32.const 4) (i32.const 4) (i32.const 1)))))
    ;; Amounts are not negative: either half alone can lift the i128 to the threshold.
    (if (i32.eqz (call $decide (i32.const 2)
          (i32.or
            (i64.ne (i64.load offset=56 (local.get $in)) (i64.const 0))
            (i64.ge_u (i64.load offset=48 (local.get $in)) (i64.load (i32.const 96))))))
      (then
        (call $compared (i32.const 16) (local.get $in))
        (return (call $result (i32.const 0) (i32.const 1) (i32.const 2)))))
    (local.set $field (i32.const 192))
    (loop $next
      (if (i32.eqz (call $decide
            (i32.add
              (i32.const 3)
              (i32.div_u (i32.sub (local.get $field) (i32.const 192)) (i32.const 12)))
            (i32.wrap_i64
              (i64.and
                (i64.const 1)
                (i64.shr_u
                  (i64.load offset=8 (local.get $in))
                  (i64.load32_u (local.get $field)))))))
        (then
          ;; Value 0: the name of the first field that is missing.
          (i32.store8 (i32.const 16) (i32.const 4))
          (i64.store (i32.const 24) (i64.load offset=4 (local.get $field)))
          (call $compared (i32.const 40) (local.get $in))
          (return (call $result (i32.const 4) (i32.const 3) (i32.const 3)))))
      (local.set $field (i32.add (local.get $field) (i32.const 12)))
      (br_if $next (i32.lt_u (local.get $field) (i32.const 252))))
    (call $compared (i32.const 16) (local.get $in))
    (call $result (i32.const 0) (i32.const 2) (i32.const 2))))
