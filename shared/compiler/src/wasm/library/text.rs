//! Texts as an address and a length in bytes; nothing outside of them is ever read. Fault 3 is a
//! conversion out of range.

use super::Helper;

pub(super) const HELPERS: &[Helper] = &[
    Helper {
        name: "bytes_eq",
        params: "p:i32 q:i32 n:i32",
        results: "i32",
        locals: "",
        body: "block differ
                get n i32 8 i32.lt_u if
                    get n i32 4 i32.ge_u if
                        get p i32.load 0 get q i32.load 0 i32.ne br_if differ
                        get n i32 4 i32.sub tee n get p i32.add i32.load 0
                        get n get q i32.add i32.load 0 i32.eq return
                    end
                    loop byte 4
                        get n i32.eqz if i32 1 return end
                        get p i32.load8_u 0 get q i32.load8_u 0 i32.ne br_if differ
                        get p i32 1 i32.add set p
                        get q i32 1 i32.add set q
                        get n i32 1 i32.sub set n
                        br byte
                    end
                else
                get q get p i32.sub set q
                get p get n i32.add i32 8 i32.sub set n
                block tail loop word words
                    get p i32 8 i32.add get n i32.ge_u br_if tail
                    get p i64.load 0 get p get q i32.add i64.load 0 i64.ne br_if differ
                    get p i64.load 8 get p get q i32.add i64.load 8 i64.ne br_if differ
                    get p i32 16 i32.add set p
                    br word
                end end
                get p get n i32.lt_u if
                    get p i64.load 0 get p get q i32.add i64.load 0 i64.ne br_if differ
                end
                get n i64.load 0 get n get q i32.add i64.load 0 i64.eq return
                end
            end
            i32 0",
    },
    // Below, at or above zero as the first is below, equal to or above the second.
    Helper {
        name: "text_cmp",
        params: "p:i32 l:i32 q:i32 m:i32",
        results: "i32",
        locals: "n:i32 d:i32",
        body: "get l get m get l get m i32.lt_u select set n
            block end loop byte size
                get n i32.eqz br_if end
                get p i32.load8_u 0 get q i32.load8_u 0 i32.sub tee d if get d return end
                get p i32 1 i32.add set p
                get q i32 1 i32.add set q
                get n i32 1 i32.sub set n
                br byte
            end end
            get l get m i32.sub",
    },
    Helper {
        name: "contains",
        params: "p:i32 l:i32 q:i32 m:i32",
        results: "i32",
        locals: "",
        body: "block no
                get l get m i32.lt_u br_if no
                get p get l i32.add get m i32.sub set l
                loop next size
                    get p get q get m call bytes_eq if i32 1 return end
                    get p i32 1 i32.add tee p get l i32.le_u br_if next
                end
            end
            i32 0",
    },
    Helper {
        name: "starts_with",
        params: "p:i32 l:i32 q:i32 m:i32",
        results: "i32",
        locals: "",
        body: "get l get m i32.lt_u if i32 0 return end get p get q get m call bytes_eq",
    },
    Helper {
        name: "ends_with",
        params: "p:i32 l:i32 q:i32 m:i32",
        results: "i32",
        locals: "",
        body: "get l get m i32.lt_u if i32 0 return end
            get p get l i32.add get m i32.sub get q get m call bytes_eq",
    },
    // Code points: all bytes but those that continue one, whose upper bits are 10.
    Helper {
        name: "characters",
        params: "p:i32 l:i32",
        results: "i64",
        locals: "n:i64 x:i64",
        body: "get l extend_u set n
            block tail loop word eights
                get l i32 8 i32.lt_u br_if tail
                get n
                get p i64.load 0 tee x i64 7 i64.shr_u get x i64 6 i64.shr_u i64 -1 i64.xor i64.and
                i64 0x0101010101010101 i64.and i64.popcnt i64.sub set n
                get p i32 8 i32.add set p
                get l i32 8 i32.sub set l
                br word
            end end
            block end loop byte 8
                get l i32.eqz br_if end
                get n
                get p i32.load8_u 0 i32 0xc0 i32.and i32 0x80 i32.eq extend_u i64.sub set n
                get p i32 1 i32.add set p
                get l i32 1 i32.sub set l
                br byte
            end end
            get n",
    },
    // The same text, or one with the case of the 26 letters from `first` changed, in a buffer.
    Helper {
        name: "letters",
        params: "p:i32 l:i32 to:i32 first:i32",
        results: "i32 i32",
        locals: "n:i32 b:i32",
        body: "block end loop byte size
                get n get l i32.eq br_if end
                get to get n i32.add
                get p get n i32.add i32.load8_u 0 tee b
                get b get first i32.sub i32 26 i32.lt_u i32 5 i32.shl i32.xor i32.store8 0
                get n i32 1 i32.add set n
                br byte
            end end
            get to get l",
    },
    Helper {
        name: "trim",
        params: "p:i32 l:i32",
        results: "i32 i32",
        locals: "",
        body: "block end loop byte size
                get l i32.eqz br_if end
                get p i32.load8_u 0 call is_space i32.eqz br_if end
                get p i32 1 i32.add set p
                get l i32 1 i32.sub set l
                br byte
            end end
            block end2 loop byte2 size
                get l i32.eqz br_if end2
                get p get l i32.add i32 1 i32.sub i32.load8_u 0 call is_space i32.eqz br_if end2
                get l i32 1 i32.sub set l
                br byte2
            end end
            get p get l",
    },
    Helper {
        name: "is_space",
        params: "b:i32",
        results: "i32",
        locals: "",
        body: "get b i32 32 i32.eq get b i32 9 i32.sub i32 5 i32.lt_u i32.or",
    },
    // A number in decimal, ending at `to`; with a minus sign when asked.
    Helper {
        name: "decimal",
        params: "n:i64 minus:i32 to:i32",
        results: "i32 i32",
        locals: "at:i32",
        body: "get to set at
            loop digit size
                get at i32 1 i32.sub tee at
                get n i64 10 i64.rem_u wrap i32 48 i32.add i32.store8 0
                get n i64 10 i64.div_u set n
                get n i64.eqz i32.eqz br_if digit
            end
            get minus if
                get at i32 1 i32.sub tee at i32 45 i32.store8 0
            end
            get at get to get at i32.sub",
    },
    Helper {
        name: "parse",
        params: "p:i32 l:i32 signed:i32",
        results: "i64 i32",
        locals: "n:i64 d:i64 minus:i32",
        body: "block bad
                get l i32.eqz br_if bad
                get signed if
                    get p i32.load8_u 0 i32 45 i32.eq tee minus if
                        get p i32 1 i32.add set p
                        get l i32 1 i32.sub tee l i32.eqz br_if bad
                    end
                end
                loop digit size
                    get n i64 1844674407370955161 i64.gt_u br_if bad
                    get p i32.load8_u 0 i32 48 i32.sub extend_u tee d i64 9 i64.gt_u br_if bad
                    get n i64 10 i64.mul get d i64.add tee n get d i64.lt_u br_if bad
                    get p i32 1 i32.add set p
                    get l i32 1 i32.sub tee l br_if digit
                end
                get signed if
                    get n i64 0x7fffffffffffffff get minus extend_u i64.add i64.gt_u br_if bad
                    i64 0 get n i64.sub get n get minus select set n
                end
                get n i32 0 return
            end
            i64 0 i32 3",
    },
    // Names of absent fields: the table has bit and length of each, the names follow one another
    // with a comma and a space before each.
    Helper {
        name: "absent",
        params: "table:i32 n:i32 name:i32 to:i32",
        results: "i32 i32",
        locals: "at:i32 length:i32",
        body: "get to set at
            loop next size
                get table i32.load8_u 1 set length
                i32 0 i64.load @8 get table i32.load8_u 0 extend_u i64.shr_u wrap
                i32 1 i32.and i32.eqz if
                    get at get name get length memory.copy 64
                    get at get length i32.add set at
                end
                get name get length i32.add set name
                get table i32 2 i32.add set table
                get n i32 1 i32.sub tee n br_if next
            end
            get to i32 2 i32.add
            i32 0 get at get to i32.sub i32 2 i32.sub get at get to i32.eq select",
    },
    // Two texts into one buffer.
    Helper {
        name: "join",
        params: "p:i32 l:i32 q:i32 m:i32 to:i32",
        results: "i32 i32",
        locals: "",
        body: "get to get p get l memory.copy size
            get to get l i32.add get q get m memory.copy size
            get to get l get m i32.add",
    },
    // Length of a text that is cut at a character at or before 256 bytes.
    Helper {
        name: "cut",
        params: "p:i32 l:i32",
        results: "i32",
        locals: "",
        body: "get l i32 256 i32.le_u if get l return end
            i32 256 set l
            loop back 4
                get p get l i32.add i32.load8_u 0 i32 0xc0 i32.and i32 0x80 i32.eq if
                    get l i32 1 i32.sub set l
                    br back
                end
            end
            get l",
    },
];
