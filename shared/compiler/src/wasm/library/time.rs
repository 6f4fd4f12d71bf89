//! Dates and calendars, in numbers that never overflow for the years 1 to 9999. Fault 5 is a time
//! outside of a calendar.

use super::Helper;

const _: () = assert!(facts::ROW_BYTES == 48, "`rows_until` steps by it");

pub(super) const HELPERS: &[Helper] = &[
    Helper {
        name: "floor_div",
        params: "n:i64 d:i64",
        results: "i64",
        locals: "",
        body: "get n get d i64.div_s get n get d i64.rem_s i64 63 i64.shr_u i64.sub",
    },
    Helper {
        name: "floor_rem",
        params: "n:i64 d:i64",
        results: "i64",
        locals: "",
        body: "get n get d i64.rem_s tee n get n i64 63 i64.shr_s get d i64.and i64.add",
    },
    // Part 0 is the year, 1 the month from 0, 2 the day from 1, 3 the day of the year from 0.
    Helper {
        name: "civil",
        params: "day:i64 part:i32",
        results: "i64",
        locals: "era:i64 year:i64 month:i64",
        body: "get day i64 719468 i64.add tee day i64 146097 i64.div_u set era
            get day i64 146097 i64.rem_u set day
            get day get day i64 1460 i64.div_u i64.sub get day i64 36524 i64.div_u i64.add
            get day i64 146096 i64.div_u i64.sub i64 365 i64.div_u set year
            get day get year i64 365 i64.mul i64.sub get year i64 2 i64.shr_u i64.sub
            get year i64 100 i64.div_u i64.add set day
            get era i64 400 i64.mul get year i64.add set year
            get day i64 5 i64.mul i64 2 i64.add i64 153 i64.div_u set month
            get part i32 2 i32.eq if
                get day get month i64 153 i64.mul i64 2 i64.add i64 5 i64.div_u i64.sub
                i64 1 i64.add return
            end
            get month i64 10 i64.ge_u if
                get part i32 3 i32.eq if get day i64 306 i64.sub return end
                get month i64 10 i64.sub set month
                get year i64 1 i64.add set year
            else
                get part i32 3 i32.eq if
                    get day i64 59 i64.add
                    get year i64 3 i64.and i64.eqz
                    get year i64 100 i64.rem_u i64.eqz i32.eqz
                    get year i64 400 i64.rem_u i64.eqz i32.or i32.and extend_u i64.add return
                end
                get month i64 2 i64.add set month
            end
            get month get year get part select",
    },
    // The offset in minutes at a time: of the last entry at or before it, or of the first.
    Helper {
        name: "zone",
        params: "t:i64 table:i32 n:i32",
        results: "i64",
        locals: "half:i32 at:i32",
        body: "loop next log
                get n i32 2 i32.ge_u if
                    get n i32 1 i32.shr_u tee half i32 10 i32.mul get table i32.add tee at
                    get table get at i64.load 0 get t i64.le_s select set table
                    get n get half i32.sub set n
                    br next
                end
            end
            get table i64.load16_s 8",
    },
    // How many of the history's rows are at or before a time; `row` is where the first row stands.
    Helper {
        name: "rows_until",
        params: "time:i64 row:i32 n:i32",
        results: "i64",
        locals: "first:i32 half:i32 at:i32",
        body: "get n i32.eqz if i64 0 return end
            get row i64.load 0 get time i64.gt_s if i64 0 return end
            get row set first
            loop next log
                get n i32 2 i32.ge_u if
                    get n i32 1 i32.shr_u tee half i32 48 i32.mul get row i32.add tee at
                    get row get at i64.load 0 get time i64.le_s select set row
                    get n get half i32.sub set n
                    br next
                end
            end
            get row get first i32.sub i32 48 i32.div_u extend_u i64 1 i64.add",
    },
    // The first business day at or after a day, both counted from the calendar's first day.
    Helper {
        name: "business",
        params: "day:i64 map:i32 days:i64",
        results: "i64 i32",
        locals: "",
        body: "loop next size
                get day get days i64.ge_u if get day i32 5 return end
                get day i64 3 i64.shr_u wrap get map i32.add i32.load8_u 0
                get day wrap i32 7 i32.and i32.shr_u i32 1 i32.and i32.eqz if
                    get day i64 1 i64.add set day
                    br next
                end
            end
            get day i32 0",
    },
];
