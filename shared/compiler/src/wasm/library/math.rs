//! 128-bit numbers as a low and a high half. Fault 1 is overflow, as in `typed::Fault`; nothing
//! here ever divides by zero: callers look first.

use super::Helper;

/// The body of `scale_short` and `scale_tiny`, which differ in how they divide.
macro_rules! scale_body {
    ($divide:literal) => {
        concat!(
            "get nl get t i64.or i64 32 i64.shr_u get nh i64.or i64.eqz if
                get nl get t i64.mul set pl
            else
                get nl get t call widen get nh get t i64.mul i64.add set ph set pl
            end
            get ph i64.eqz if
                get pl get d i64.rem_u set ph
                get pl get d i64.div_u set pl
            else
                get ph get d i64.div_u set q
                get ph get d i64.rem_u get pl get d call ",
            $divide,
            " set ph set pl
            end
            get pl
            get mask
            get ph get d get ph i64.sub i64.eq if32
                get pl wrap i32 1 i32.and i32 1 i32.add
            else
                get ph get d get ph i64.sub i64.gt_u i32 3 i32.mul
            end
            i32.shr_u i32 1 i32.and get ph i64.eqz i32.eqz i32.and
            extend_u tee ph i64.add tee pl
            get q get pl get ph i64.lt_u extend_u i64.add"
        )
    };
}

pub(super) const HELPERS: &[Helper] = &[
    Helper {
        name: "add",
        params: "al:i64 ah:i64 bl:i64 bh:i64",
        results: "i64 i64 i32",
        locals: "lo:i64 hi:i64",
        body: "get al get bl i64.add tee lo
            get ah get bh i64.add get lo get al i64.lt_u extend_u i64.add tee hi
            get ah get hi i64.xor get bh get hi i64.xor i64.and i64 0 i64.lt_s",
    },
    Helper {
        name: "sub",
        params: "al:i64 ah:i64 bl:i64 bh:i64",
        results: "i64 i64 i32",
        locals: "hi:i64",
        body: "get al get bl i64.sub
            get ah get bh i64.sub get al get bl i64.lt_u extend_u i64.sub tee hi
            get ah get bh i64.xor get ah get hi i64.xor i64.and i64 0 i64.lt_s",
    },
    Helper {
        name: "absolute",
        params: "lo:i64 hi:i64",
        results: "i64 i64 i32",
        locals: "",
        body: "get lo get hi call magnitude set hi get hi get hi i64 0 i64.lt_s",
    },
    // The size without the sign, as an unsigned number.
    Helper {
        name: "magnitude",
        params: "lo:i64 hi:i64",
        results: "i64 i64",
        locals: "s:i64",
        body: "get lo get hi i64 63 i64.shr_s tee s i64.xor get s i64.sub tee lo
            get hi get s i64.xor
            get lo i64.eqz extend_u get s i64.and i64.add",
    },
    // 64 × 64 bits, unsigned.
    Helper {
        name: "widen",
        params: "a:i64 b:i64",
        results: "i64 i64",
        locals: "t:i64 k:i64",
        body: "get a get b i64.mul
            get a i64 0xffffffff i64.and get b i64 0xffffffff i64.and i64.mul i64 32 i64.shr_u
            get a i64 32 i64.shr_u get b i64 0xffffffff i64.and i64.mul i64.add tee t
            i64 0xffffffff i64.and
            get a i64 0xffffffff i64.and get b i64 32 i64.shr_u i64.mul i64.add i64 32 i64.shr_u
            get t i64 32 i64.shr_u i64.add
            get a i64 32 i64.shr_u get b i64 32 i64.shr_u i64.mul i64.add",
    },
    // Unsigned product and whether it does not fit.
    Helper {
        name: "umul",
        params: "al:i64 ah:i64 bl:i64 bh:i64",
        results: "i64 i64 i32",
        locals: "lo:i64 hi:i64 c:i64 o:i64",
        body: "get al get bl call widen set hi set lo
            get ah get bh i64.or i64.eqz if get lo get hi i32 0 return end
            get ah get bh i64.or get al get bl get ah i64.eqz select call widen set o set c
            get lo get hi get c i64.add tee hi
            get hi get c i64.lt_u get o i64.eqz i32.eqz i32.or
            get ah i64.eqz get bh i64.eqz i32.or i32.eqz i32.or",
    },
    Helper {
        name: "mul",
        params: "al:i64 ah:i64 bl:i64 bh:i64",
        results: "i64 i64 i32",
        locals: "s:i64 over:i32",
        body: "get ah get bh i64.xor i64 63 i64.shr_s set s
            get al get ah call magnitude get bl get bh call magnitude call umul
            set over set ah set al
            get al get s i64.xor get s i64.sub tee al
            get ah get s i64.xor get al i64.eqz extend_u get s i64.and i64.add tee ah
            get ah get s i64.xor i64 0 i64.lt_s get al get ah i64.or i64.eqz i32.eqz i32.and
            get over i32.or",
    },
    // Signed product of 64 bits.
    Helper {
        name: "mul64",
        params: "a:i64 b:i64",
        results: "i64 i32",
        locals: "p:i64",
        body: "get a i64.eqz if i64 0 i32 0 return end
            get a i64 -1 i64.eq if
                i64 0 get b i64.sub get b i64 -9223372036854775808 i64.eq return
            end
            get a get b i64.mul tee p get p get a i64.div_s get b i64.ne",
    },
    // One 32-bit digit of a quotient: v has its top bit set, n < v.
    Helper {
        name: "digit",
        params: "n:i64 low:i64 v:i64",
        results: "i64",
        locals: "q:i64 r:i64",
        body: "get n get n get v i64 32 i64.shr_u i64.div_u tee q
            get v i64 32 i64.shr_u i64.mul i64.sub set r
            block done loop next 3
                get q i64 32 i64.shr_u i64.eqz if
                    get q get v i64 0xffffffff i64.and i64.mul
                    get r i64 32 i64.shl get low i64.or i64.le_u br_if done
                end
                get q i64 1 i64.sub set q
                get r get v i64 32 i64.shr_u i64.add tee r
                i64 32 i64.shr_u i64.eqz br_if next
            end end
            get q",
    },
    // 128 by 64 bits, unsigned; the high half is below the divisor.
    Helper {
        name: "divlong",
        params: "hi:i64 lo:i64 v:i64",
        results: "i64 i64",
        locals: "s:i64 q:i64 p:i64",
        body: "get v get v i64.clz tee s i64.shl set v
            get hi get s i64.shl get lo i64 1 i64.shr_u i64 63 get s i64.sub i64.shr_u i64.or set hi
            get lo get s i64.shl set lo
            get hi get lo i64 32 i64.shr_u get v call digit set q
            get hi i64 32 i64.shl get lo i64 32 i64.shr_u i64.or get q get v i64.mul i64.sub set hi
            get hi get lo i64 0xffffffff i64.and get v call digit set p
            get q i64 32 i64.shl get p i64.add
            get hi i64 32 i64.shl get lo i64 0xffffffff i64.and i64.or get p get v i64.mul i64.sub
            get s i64.shr_u",
    },
    // Unsigned quotient and remainder; the divisor is not zero.
    Helper {
        name: "udivmod",
        params: "nl:i64 nh:i64 dl:i64 dh:i64",
        results: "i64 i64 i64 i64",
        locals: "q:i64 h:i64 s:i64",
        body: "get dh i64.eqz if
                get nh i64.eqz if
                    get nl get dl i64.div_u i64 0 get nl get dl i64.rem_u i64 0 return
                end
                get nh get dl i64.rem_u get nl get dl call divlong set h
                get nh get dl i64.div_u get h i64 0 return
            end
            get nh i64 1 i64.shr_u
            get nh i64 63 i64.shl get nl i64 1 i64.shr_u i64.or
            get dh get dh i64.clz tee s i64.shl
            get dl i64 1 i64.shr_u i64 63 get s i64.sub i64.shr_u i64.or
            call divlong drop i64 63 get s i64.sub i64.shr_u tee q
            get q i64.eqz i32.eqz extend_u i64.sub set q
            get q get dl call widen get q get dh i64.mul i64.add set h set s
            get nh get h i64.sub get nl get s i64.lt_u extend_u i64.sub set nh
            get nl get s i64.sub set nl
            get nl get dl i64.ge_u get nh get dh i64.gt_u get nh get dh i64.eq select if
                get q i64 1 i64.add set q
                get nh get dh i64.sub get nl get dl i64.lt_u extend_u i64.sub set nh
                get nl get dl i64.sub set nl
            end
            get q i64 0 get nl get nh",
    },
    // A quotient with its remainder to a rounded, signed number. Bits of the mask say for which
    // of below half, half after even, half after odd, above half it rounds away from zero, for
    // plus and then for minus. Sticky: something was dropped below the remainder.
    Helper {
        name: "finish",
        params: "ql:i64 qh:i64 rl:i64 rh:i64 dl:i64 dh:i64 s:i64 mask:i32 sticky:i32 over:i32",
        results: "i64 i64 i32",
        locals: "el:i64 eh:i64",
        body: "get dh get rh i64.sub get dl get rl i64.lt_u extend_u i64.sub set eh
            get dl get rl i64.sub set el
            get mask
            get rl get el i64.eq get rh get eh i64.eq i32.and if32
                i32 3 get ql wrap i32 1 i32.and i32 1 i32.add get sticky select
            else
                get rl get el i64.gt_u get rh get eh i64.gt_u get rh get eh i64.eq select
                i32 3 i32.mul
            end
            get s i64 63 i64.shr_u wrap i32 2 i32.shl i32.add i32.shr_u i32 1 i32.and
            get rl get rh i64.or i64.eqz i32.eqz get sticky i32.or i32.and
            extend_u tee el get ql i64.add tee ql get el i64.lt_u extend_u get qh i64.add set qh
            get s i64 63 i64.shr_s set s
            get ql get s i64.xor get s i64.sub tee ql
            get qh get s i64.xor get ql i64.eqz extend_u get s i64.and i64.add tee qh
            get qh get s i64.xor i64 0 i64.lt_s get ql get qh i64.or i64.eqz i32.eqz i32.and
            get over i32.or",
    },
    // n ÷ d, rounded.
    Helper {
        name: "divide",
        params: "nl:i64 nh:i64 dl:i64 dh:i64 mask:i32",
        results: "i64 i64 i32",
        locals: "s:i64",
        body: "get nh get dh i64.xor set s
            get dl get dh call magnitude set dh set dl
            get nl get nh call magnitude get dl get dh call udivmod
            get dl get dh get s get mask i32 0 i32 0 call finish",
    },
    // n ÷ d ÷ t, rounded once; t is even.
    Helper {
        name: "divide_down",
        params: "nl:i64 nh:i64 dl:i64 dh:i64 tl:i64 th:i64 mask:i32",
        results: "i64 i64 i32",
        locals: "s:i64 sticky:i32",
        body: "get nh get dh i64.xor set s
            get nl get nh call magnitude get dl get dh call magnitude call udivmod
            i64.or i64.eqz i32.eqz set sticky
            get tl get th call udivmod
            get tl get th get s get mask get sticky i32 0 call finish",
    },
    // n × t ÷ d, rounded once and exact however large the product is: the whole part of n ÷ d times
    // t, and the remainder times t by doubling.
    Helper {
        name: "scale",
        params: "nl:i64 nh:i64 tl:i64 th:i64 dl:i64 dh:i64 mask:i32",
        results: "i64 i64 i32",
        locals: "s:i64 rl:i64 rh:i64 xl:i64 xh:i64 yl:i64 yh:i64 ge:i64 over:i32 i:i64",
        body: "get nh get dh i64.xor set s
            get dl get dh call magnitude set dh set dl
            get nl get nh call magnitude get dl get dh call udivmod set rh set rl
            get tl get th call umul set over set nh set nl
            i64 64 get tl i64.clz i64.sub i64 128 get th i64.clz i64.sub get th i64.eqz select set i
            block done loop next size
                get i i64.eqz br_if done
                get i i64 1 i64.sub set i
                get yh i64 1 i64.shl get yl i64 63 i64.shr_u i64.or set yh
                get yl i64 1 i64.shl set yl
                get xl i64 1 i64.shl get xh i64 1 i64.shl get xl i64 63 i64.shr_u i64.or
                get dl get dh call reduce set ge set xh set xl
                get yl get ge i64.or set yl
                get tl get th get i i64 64 i64.lt_u select get i i64.shr_u wrap i32 1 i32.and if
                    get xl get rl i64.add tee xl
                    get xh get rh i64.add get xl get rl i64.lt_u extend_u i64.add
                    get dl get dh call reduce set ge set xh set xl
                    get yl get ge i64.add tee yl get ge i64.lt_u extend_u get yh i64.add set yh
                end
                br next
            end end
            get nl get yl i64.add tee nl
            get nh get yh i64.add get nl get yl i64.lt_u extend_u i64.add tee yh
            get xl get xh get dl get dh get s get mask i32 0
            get over get yh get nh i64.lt_u i32.or call finish",
    },
    // n × t ÷ d, rounded; n is an amount, t and d are positive, n × t has 127 bits at most.
    Helper {
        name: "scale_short",
        params: "nl:i64 nh:i64 t:i64 d:i64 mask:i32",
        results: "i64 i64",
        locals: "pl:i64 ph:i64 q:i64",
        body: scale_body!("divlong"),
    },
    // The same for d below 2^32.
    Helper {
        name: "scale_tiny",
        params: "nl:i64 nh:i64 t:i64 d:i64 mask:i32",
        results: "i64 i64",
        locals: "pl:i64 ph:i64 q:i64",
        body: scale_body!("divshort"),
    },
    // As `divlong`, for a divisor below 2^32.
    Helper {
        name: "divshort",
        params: "hi:i64 lo:i64 v:i64",
        results: "i64 i64",
        locals: "q:i64",
        body: "get hi i64 32 i64.shl get lo i64 32 i64.shr_u i64.or tee hi get v i64.div_u
            i64 32 i64.shl set q
            get hi get v i64.rem_u i64 32 i64.shl get lo i64 0xffffffff i64.and i64.or tee lo
            get v i64.div_u get q i64.add
            get lo get v i64.rem_u",
    },
    // x or x − d, and 1 when it is x − d.
    Helper {
        name: "reduce",
        params: "xl:i64 xh:i64 dl:i64 dh:i64",
        results: "i64 i64 i64",
        locals: "",
        body: "get xl get dl i64.ge_u get xh get dh i64.gt_u get xh get dh i64.eq select if
                get xl get dl i64.sub
                get xh get dh i64.sub get xl get dl i64.lt_u extend_u i64.sub
                i64 1 return
            end
            get xl get xh i64 0",
    },
    // Address of the entry of a sorted table with that key, or 0.
    Helper {
        name: "find",
        params: "table:i32 stride:i32 n:i32 key:i32",
        results: "i32",
        locals: "half:i32 at:i32",
        body: "loop next log
                get n i32 2 i32.ge_u if
                    get n i32 1 i32.shr_u tee half get stride i32.mul get table i32.add tee at
                    get table get at i32.load 0 get key i32.le_u select set table
                    get n get half i32.sub set n
                    br next
                end
            end
            get table i32 0 get table i32.load 0 get key i32.eq select",
    },
    // How many different numbers stand in an array of n; sorts it by merging, b is as large.
    Helper {
        name: "distinct",
        params: "a:i32 b:i32 n:i32",
        results: "i64",
        locals: "w:i32 k:i32 l:i32 m:i32 r:i32 e:i32 t:i32 x:i64 count:i64",
        body: "get n i32.eqz if i64 0 return end
            i32 8 set w
            get n i32 3 i32.shl set n
            loop pass log
                get w get n i32.lt_u if
                    i32 0 set k
                    i32 0 set e
                    loop merge size
                        get k get e i32.eq rare
                            get k get a i32.add set l
                            get k get w i32.add tee m get n get m get n i32.lt_u select
                            get a i32.add tee m set r
                            get m get w i32.add get a i32.sub tee e get n get e get n i32.lt_u
                            select tee e get a i32.add set t
                        end
                        block done block right
                            get l get m i32.ge_u br_if right
                            get l i64.load 0 set x
                            get r get t i32.lt_u if
                                get r i64.load 0 get x i64.lt_s br_if right
                            end
                            get l i32 8 i32.add set l
                            br done
                        end
                            get r i64.load 0 set x
                            get r i32 8 i32.add set r
                        end
                        get b get k i32.add get x i64.store 0
                        get k i32 8 i32.add tee k get n i32.lt_u br_if merge
                    end
                    get a get b set a set b
                    get w i32 1 i32.shl set w
                    br pass
                end
            end
            i64 1 set count
            i32 8 set k
            loop each size
                get k get n i32.lt_u if
                    get a get k i32.add tee l i64.load 0
                    get l i32 8 i32.sub i64.load 0 i64.ne extend_u get count i64.add set count
                    get k i32 8 i32.add set k
                    br each
                end
            end
            get count",
    },
];
