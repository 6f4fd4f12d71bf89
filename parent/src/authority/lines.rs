//! Lines of two texts that differ, for somebody who has to approve the second one. It must never
//! leave a change out.

/// Lines that went, with `-`, and lines that came, with `+`, in the order of the texts.
pub(crate) fn changed(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut lines = Vec::new();
    let mut line = |mark: &str, text: &str| lines.push(format!("{mark} {}", text.trim_end()));
    if old.len().saturating_mul(new.len()) > CELLS_MAX {
        old.iter().for_each(|text| line("-", text));
        new.iter().for_each(|text| line("+", text));
        return lines;
    }
    // How many lines the rests from here on have in common.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a][b] = match old[a] == new[b] {
                true => common[a + 1][b + 1] + 1,
                false => common[a + 1][b].max(common[a][b + 1]),
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || (a < old.len() && common[a + 1][b] >= common[a][b + 1]) {
            line("-", old[a]);
            a += 1;
        } else {
            line("+", new[b]);
            b += 1;
        }
    }
    lines
}

/// Most pairs of lines that are compared; of longer texts all lines in between are shown.
const CELLS_MAX: usize = 4_000_000;
