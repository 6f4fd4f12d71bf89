"""Policy files, read from POLICY.md: envelope and signers (section 1), the payload's keys in formats
1 to 3 (section 2), and what may be written (section 3)."""

import copy
import hashlib

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common import canonical, check, one_item

TYP = "application/probity-policy+cbor"
KINDS = ["nitro", "nitrotpm", "tpm"]
CHECKS = ({f"P{n}" for n in range(1, 23)} - {"P9"}) | {f"N{n}" for n in range(1, 43)} | {
    f"T{n}" for n in range(1, 35)}


def read(signed):
    """The content, signed by k of the signers that it names; the policy's hash."""
    tag = one_item(signed)
    check("COSE_Sign", tag.tag == 98)
    body, unprotected, payload, signatures = tag.value
    check("headers of a policy", canonical(body) == {16: TYP} and unprotected == {})
    content, signers = canonical(payload), []
    for protected, empty, signature in signatures:
        header = canonical(protected)
        check("signer's header", sorted(header) == [1, 4] and header[1] == -8 and empty == {})
        message = cbor2.dumps(["Signature", body, protected, b"", payload])
        Ed25519PublicKey.from_public_bytes(header[4]).verify(signature, message)
        signers.append(header[4])
    check("signatures are sorted, one a key", signers == sorted(set(signers)))
    keys, threshold = content[6]
    check("k of its own signers", len(set(signers) & set(keys)) >= threshold)
    return content, hashlib.sha384(b"probity/v1/policy\0" + payload).hexdigest()


def ordered(entries):
    """Sorted by the first element, or by itself; none twice."""
    firsts = [e[0] if isinstance(e, list) else e for e in entries]
    firsts = [f.encode() if isinstance(f, str) else f for f in firsts]
    return all(a < b for a, b in zip(firsts, firsts[1:]))


def is_register(value, widths):
    return len(value) in widths and set(value) != {0} and set(value) != {0xFF}


def is_name(value):
    return (value[:2], len(value)) in [(b"\0\x0b", 34), (b"\0\x0c", 50)]


def texts_of(item):
    if isinstance(item, str):
        return [item]
    return [t for part in item for t in texts_of(part)] if isinstance(item, list) else []


def of_releases(c):
    """Key 9: which registers a release has."""
    yield "a register is all 00 or all ff", any(
        not is_register(value, [48]) for r in c[9] for _, value in r[2])
    for name, kind, registers, start, end in c[9]:
        have = {index for index, _ in registers}
        yield f"registers of {name} are not sorted", not ordered(registers)
        yield f"{name} is accepted at no moment", end is not None and end <= start
        if kind == "nitro":
            yield f"{name} lacks PCR0, 1 or 2", not {0, 1, 2} <= have
            yield f"{name} has a register that it must not", bool(have - set(range(32))) or 16 in have
        else:
            yield f"kind of {name}", kind != "nitrotpm"
            yield f"{name} has neither PCR4 nor PCR7", not {4, 7} & have
            yield f"{name} has a register that it must not", bool(have - set(range(23))) or 16 in have
    of = [(r[0], r[1], {(index, value) for index, value in r[2]}) for r in c[9]]
    yield "a release has all registers of another", any(
        a[0] != b[0] and a[1] == b[1] and a[2] <= b[2] for a in of for b in of)


def of_kinds(c):
    """What each kind needs, and what only kind `tpm` may have."""
    kinds, tpm = c[7], c[16]
    names, roots, endorsement, registers, log, boot = tpm[:6]
    yield "kinds are not in their order", not kinds or kinds != [k for k in KINDS if k in kinds]
    for kind in {"nitro", "nitrotpm"} & set(kinds):
        yield f"{kind} without a root", not c[8]
        yield f"{kind} without a release", not any(r[1] == kind for r in c[9])
    if "tpm" in kinds:
        yield "tpm without a key or a root", not names and not roots
        yield "tpm without reference values", not registers
    else:
        yield "key 16 without tpm", any([names, roots, endorsement, registers, log])
    yield "an AK's name", not all(is_name(name) for name in names)
    yield "a TPM's register", any(
        not is_register(v, [32, 48]) or i > 22 or i == 16 for i, v in registers)
    yield "registers of two widths", len({len(value) for _, value in registers}) > 1
    yield "boot register", boot is not None and (
        boot not in range(8, 16) or boot in [index for index, _ in registers])
    yield "a boot register where only enclaves are", boot is not None and kinds == ["nitro"]
    workers = len(tpm) == 9 and tpm[7] is not None
    measured = boot is not None or not ("nitrotpm" in kinds or "tpm" in kinds and not workers)
    yield "no boot register and not one boot configuration", not measured and len(c[12]) != 1


def of_format_2(c):
    """Format 2 where key 16 has a seventh part, which then says something."""
    tpm = c[16]
    yield "format and parts of key 16", (c[1], len(tpm)) not in [(1, 6), (2, 7), (3, 9)]
    if len(tpm) < 7:
        return
    firmware, dedicated, keys = tpm[6]
    yield "a seventh part that says nothing", len(tpm) == 7 and tpm[6] == [None, [], []]
    yield "an empty list of firmware", firmware == []
    yield "a dedicated root that is no root", not set(dedicated) <= {name for name, _ in tpm[1]}
    yield "parts that are not sorted", not all(map(ordered, [firmware or [], dedicated, keys]))
    for name, qualified, clock in keys:
        yield "a key that is not among the AKs", name not in tpm[0]
        yield "a key of which nothing is said", qualified is None and clock is None
        yield "a qualified name", qualified is not None and not is_name(qualified)
        yield "a clock", clock is not None and not (
            len(clock) == 3 and clock[1] < 2**32 and clock[2] < 2**32)


def of_format_3(c):
    """Format 3 where key 16 has an eighth and a ninth part, of which one says something."""
    tpm = c[16]
    if len(tpm) < 9:
        return
    workers, files = tpm[7:]
    yield "two parts that say nothing", workers is None and files is None
    yield "a list of files", files is not None and not is_register(files, [48])
    if workers is None:
        return
    register, releases = workers
    yield "the workers' register", register not in range(8, 16) or register in dict(tpm[3])
    yield "workers and a boot register", tpm[5] is not None
    yield "no release of the worker", not releases
    yield "releases of the worker are not sorted", not ordered(releases)
    programs = [program for _, program, _, _ in releases]
    yield "a worker's program", not all(is_register(program, [32]) for program in programs)
    yield "one program under two names", len(set(programs)) != len(programs)
    yield "a worker accepted at no moment", any(
        end is not None and end <= start for _, _, start, end in releases)


def of_rest(c):
    """Boot configurations, revocations, thresholds, witnesses, required checks."""
    yield "keys", sorted(c) != list(range(1, 21))
    yield "order", not all(ordered(c[key]) for key in [8, 9, 10, 11, 12, 14, 15, 20])
    yield "order of signers and of key 16", not all(ordered(x) for x in [c[6][0], *c[16][:4]])
    yield "order of revoked certificates", not all(
        a < b for a, b in zip(c[13], c[13][1:]))
    yield "order of regions", c[19] is not None and not ordered(c[19])
    yield "times", c[4] >= c[5]
    yield "a root that is not given", any(
        (der is None) != (name == "aws-nitro-g1") for name, der in c[8])
    yield "a required register", any(
        not is_register(v, [48]) or i not in range(3, 32) or i == 16 for i, v in c[11])
    yield "no boot configuration", not c[12]
    yield "a revoked release that is none", not {r[0] for r in c[10]} <= {r[0] for r in c[9]}
    yield "a key that is revoked and retired", bool({k[0] for k in c[14]} & {k[0] for k in c[15]})
    yield "a serial with a leading zero", any(serial[:1] == b"\0" for _, serial in c[13])
    yield "threshold of the signers", not 1 <= c[6][1] <= len(c[6][0])
    witnesses = {key.split("+")[0] for key in c[17][0]}
    yield "threshold of the witnesses", not (
        1 <= c[17][1] <= len(witnesses) if witnesses else c[17][1] == 0)
    yield "an unknown check", not set(c[20]) <= CHECKS
    yield "P20 without witnesses", "P20" in c[20] and not witnesses
    yield "an empty text or a control character", any(
        not t or any(ord(x) < 32 or 127 <= ord(x) < 160 for x in t) for t in texts_of(list(c.values())))


def problems(content):
    """Everything that section 3 does not allow."""
    found = []
    for part in [of_releases, of_kinds, of_format_2, of_format_3, of_rest]:
        found += [name for name, wrong in part(content) if wrong]
    return found


def without_boot_register(c):
    c[16][5] = None
    c[12].append(b"\xff" + c[12][-1])
    if len(c[16]) == 9:
        c[16][7] = None


# A change of the content and what section 3 says about it; these are the same for every format.
HOSTILE = [
    ("a register is all 00 or all ff", lambda c: c[9][0][2][0].__setitem__(1, bytes(48))),
    ("a register is all 00 or all ff", lambda c: c[9][0][2][0].__setitem__(1, b"\xff" * 48)),
    ("a TPM's register", lambda c: c[16][3][0].__setitem__(1, bytes(len(c[16][3][0][1])))),
    ("a required register", lambda c: c[11].insert(0, [2, b"\1" * 48])),
    ("nitro without a release", lambda c: c.update({9: [r for r in c[9] if r[1] != "nitro"], 10: []})),
    ("kinds are not in their order", lambda c: c[7].reverse()),
    ("key 16 without tpm", lambda c: c[7].remove("tpm")),
    ("a boot register where only enclaves are", lambda c: (
        c.update({7: ["nitro"]}), c[16].__setitem__(5, 12))),
    ("a root that is not given", lambda c: c[8][-1].__setitem__(1, None)),
    ("no boot configuration", lambda c: c[12].clear()),
    ("boot register", lambda c: c[16].__setitem__(5, 7)),
    ("no boot register and not one boot configuration", without_boot_register),
    ("a revoked release that is none", lambda c: c[10][0].__setitem__(0, "9.9")),
    ("a key that is revoked and retired", lambda c: c[15][0].__setitem__(0, c[14][0][0])),
    ("threshold of the signers", lambda c: c[6].__setitem__(1, len(c[6][0]) + 1)),
    ("threshold of the witnesses", lambda c: c[17].__setitem__(1, 0)),
    ("P20 without witnesses", lambda c: c.update({17: [[], 0]})),
    ("an unknown check", lambda c: c[20].insert(0, "N43")),
    ("an unknown check", lambda c: c.update({20: ["P9"]})),
    ("times", lambda c: c.update({5: c[4]})),
    ("order", lambda c: c[9].reverse()),
    ("format and parts of key 16", lambda c: c.update({1: c[1] % 3 + 1})),
]
HOSTILE_2 = [
    ("a seventh part that says nothing", lambda c: c[16].__setitem__(6, [None, [], []])),
    ("an empty list of firmware", lambda c: c[16][6].__setitem__(0, [])),
    ("a dedicated root that is no root", lambda c: c[16][6].__setitem__(1, ["other"])),
    ("a key that is not among the AKs", lambda c: c[16][6][2][0].__setitem__(0, b"\0\x0b" + bytes(32))),
    ("a key of which nothing is said", lambda c: c[16][6][2].__setitem__(0, [c[16][0][0], None, None])),
    ("a qualified name", lambda c: c[16][6][2][0].__setitem__(1, b"\0\x0b" + bytes(31))),
    ("format and parts of key 16", lambda c: c[16].pop()),
]
HOSTILE_3 = [
    ("two parts that say nothing", lambda c: c[16].__setitem__(slice(7, 9), [None, None])),
    ("a list of files", lambda c: c[16].__setitem__(8, bytes(48))),
    ("a list of files", lambda c: c[16].__setitem__(8, b"\1" * 32)),
    ("the workers' register", lambda c: c[16][7].__setitem__(0, 16)),
    ("the workers' register", lambda c: c[16][3].append([c[16][7][0], c[16][3][-1][1]])),
    ("workers and a boot register", lambda c: c[16].__setitem__(5, 15)),
    ("no release of the worker", lambda c: c[16][7].__setitem__(1, [])),
    ("a worker's program", lambda c: c[16][7][1][0].__setitem__(1, bytes(32))),
    ("a worker's program", lambda c: c[16][7][1][0].__setitem__(1, b"\xff" * 32)),
    ("one program under two names", lambda c: c[16][7][1].append(["~", *c[16][7][1][0][1:]])),
    ("a worker accepted at no moment", lambda c: c[16][7][1][0].__setitem__(3, c[16][7][1][0][2])),
    ("format and parts of key 16", lambda c: c[16].pop()),
]
HASH_1 = ("e4381a626848729059d8c8e54c12e4fa6f5e622808fd838303ff37e3e40bdf3f"
          "3082eefe956ee5249f54f1e3bb0c9c30")


def run(folder):
    """The frozen policies hold by the document, and every change of the lists above does not."""
    first, hash_1 = read((folder / "policy.cbor").read_bytes())
    second, hash_2 = read((folder / "policy-2.cbor").read_bytes())
    third, hash_3 = read((folder / "policy-3.cbor").read_bytes())
    check("formats", [first[1], second[1], third[1]] == [1, 2, 3])
    check("policy hash", hash_1 == HASH_1 and len({hash_1, hash_2, hash_3}) == 3)
    for content, own in [(first, []), (second, HOSTILE_2), (third, HOSTILE_3)]:
        check(f"format {content[1]}: {problems(content)}", problems(content) == [])
        for name, change in HOSTILE + own:
            changed = copy.deepcopy(content)
            change(changed)
            check(f"format {content[1]}, changed: {name}, found {problems(changed)}",
                  name in problems(changed))
    # Format 2 adds its part and nothing else.
    again = copy.deepcopy(second)
    again[1] = 1
    again[16].pop()
    check("what format 2 adds to the vector of format 1", again == first)
