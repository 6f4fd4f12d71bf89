;; us.ofac.country: 31 CFR chapter V, a side of the transaction in a country under comprehensive
;; sanctions. Made for rule ABI 1 (shared/vm/ABI.md); offsets below are those of its sections 3
;; and 5.
;;
;; Branches: 0 the destination's country is given; 1 the source's country is given; 2 the
;;           transaction is a transmittal of funds. List 0: the countries.
;; Memory:   8 result head, 16 value 0, 40 texts, 96 the record.
(module
  (import "env" "branch" (func $branch (param i32 i32)))
  (import "env" "list_contains" (func $list_contains (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global (export "rule_abi_version") i32 (i32.const 1))
  (global (export "input_base") i32 (i32.const 96))

  (data (i32.const 40) "destination.country" "source.country")

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

  ;; Whether the packed country at $at is on the list; then it is value 0. The record spells
  ;; packed texts first character first, so its two bytes are the text.
  (func $listed (param $at i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 5))
    (i32.store (i32.const 24) (i32.load (local.get $at)))
    (call $list_contains (i32.const 0) (local.get $at) (i32.const 2)))

  ;; Missing data, the name of the field being value 0.
  (func $missing (param $name i32) (param $bytes i32) (result i64)
    (i32.store8 (i32.const 16) (i32.const 4))
    (i32.store (i32.const 24) (local.get $name))
    (i32.store (i32.const 28) (local.get $bytes))
    (call $result (i32.const 4) (i32.const 3) (i32.const 1)))

  (func (export "evaluate") (param $in i32) (param $length i32) (result i64)
    (local $presence i64)
    (local $type i32)
    (local $destination i32)
    (local $source i32)
    (local.set $presence (i64.load offset=8 (local.get $in)))
    ;; Presence bits 11 and 5.
    (local.set $destination
      (i32.wrap_i64 (i64.and (i64.shr_u (local.get $presence) (i64.const 11)) (i64.const 1))))
    (local.set $source
      (i32.wrap_i64 (i64.and (i64.shr_u (local.get $presence) (i64.const 5)) (i64.const 1))))
    (if (call $decide (i32.const 0) (local.get $destination))
      (then
        (if (call $listed (i32.add (local.get $in) (i32.const 136)))
          (then (return (call $result (i32.const 3) (i32.const 1) (i32.const 1)))))))
    (if (call $decide (i32.const 1) (local.get $source))
      (then
        (if (call $listed (i32.add (local.get $in) (i32.const 88)))
          (then (return (call $result (i32.const 3) (i32.const 2) (i32.const 1)))))))
    ;; Only now: a listed country blocks, whatever else is missing. Types 1 and 8: wire transfer
    ;; and crypto transfer.
    (local.set $type (i32.load offset=40 (local.get $in)))
    (if (call $decide (i32.const 2)
          (i32.or
            (i32.eq (local.get $type) (i32.const 1))
            (i32.eq (local.get $type) (i32.const 8))))
      (then
        (if (i32.eqz (local.get $destination))
          (then (return (call $missing (i32.const 40) (i32.const 19)))))
        (if (i32.eqz (local.get $source))
          (then (return (call $missing (i32.const 59) (i32.const 14)))))))
    (call $result (i32.const 0) (i32.const 0) (i32.const 0))))
