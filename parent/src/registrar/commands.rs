//! The registrar's commands but `serve`: each does one thing to the folder and says what it did.
//! A token's text is printed once and kept nowhere.

use super::book::{Book, RevokedEk, sha256};
use super::options::{InitOptions, ListOptions, RevokeOptions, TokenOptions};
use super::{paper, random};
use crate::accepted::now_ms;
use crate::error::Error;
use crypto::to_hex;
use enrol::{EkRoots, Record, Revocation, Token, revocation_of};
use facts::Millis;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fmt::Write as _;
use std::path::Path;

/// `registrar init`.
pub(super) fn init(options: &InitOptions) -> Result<String, Error> {
    // Nothing is made before every root was read.
    let mut roots = Vec::new();
    for path in &options.ek_root {
        for der in certificates(path)? {
            EkRoots::new().with_root(path.display().to_string(), &der).map_err(Error::enrol)?;
            roots.push(der);
        }
    }
    let book = Book::make(&options.data, options.ak_days)?;
    let _held = book.hold()?;
    let mut added = 0;
    for der in &roots {
        added += usize::from(book.add_root(der)?);
    }
    let (_, certificate) = book.authority();
    let file = book.certificate_file();
    let mut text = String::new();
    // Writing to a String does not fail.
    writeln!(text, "EK roots   {added} added, {} there before", roots.len() - added).ok();
    writeln!(text, "authority  {}", file.display()).ok();
    writeln!(text, "SHA-256    {}", sha256(certificate)).ok();
    writeln!(
        text,
        "next       probity policy add ak-root --name registrar --file {}",
        file.display()
    )
    .ok();
    Ok(text)
}

/// `registrar token`: the token's text, alone on its line.
pub(super) fn token(options: &TokenOptions) -> Result<String, Error> {
    let book = Book::open(&options.data)?;
    let _held = book.hold()?;
    let now_ms = now_ms()?;
    if let Some(Record { revoked: Some(revoked), .. }) = book.record(&options.identity)? {
        return Err(Error::Registrar {
            problem: format!(
                "{}: expected an identity that is not revoked, found one revoked at {}",
                options.identity,
                Millis(revoked.at_ms)
            ),
            remedy: "give the machine another identity: a revoked one is never used again",
        });
    }
    book.remove_tokens(|token| now_ms >= token.expires_at_ms)?;
    let (text, token) = Token::issue(options.identity.clone(), &random()?, now_ms, options.valid);
    book.write_token(&Token::key(&text).map_err(Error::enrol)?, &token)?;
    eprintln!("for {} until {}, once", token.identity, Millis(token.expires_at_ms));
    Ok(format!("{text}\n"))
}

/// `registrar list`.
pub(super) fn list(options: &ListOptions) -> Result<String, Error> {
    let book = Book::open(&options.data)?;
    let records = book.records()?;
    if options.json {
        let text = serde_json::to_string_pretty(&records).expect("records always serialize");
        return Ok(format!("{text}\n"));
    }
    let now_ms = now_ms()?;
    let mut text = String::new();
    for record in &records {
        let state = match &record.revoked {
            Some(_) => "revoked",
            None if now_ms > record.expires_at_ms => "expired",
            None => "enrolled",
        };
        let tpm: Vec<&str> = record.tpm.iter().flatten().map(String::as_str).collect();
        // Writing to a String does not fail.
        writeln!(text, "{}  {state}", record.identity).ok();
        let mut line = |name: &str, value: &str| writeln!(text, "  {name:<16}{value}").ok();
        line("TPM", &tpm.join(" "));
        line("EK hash", &record.ek_hash);
        line("AK name", &record.ak_name);
        line("qualified name", &record.qualified_name);
        line("certificate", &format!("{} until {}", record.serial, Millis(record.expires_at_ms)));
        line("enrolled", &Millis(record.enrolled_at_ms).to_string());
        for old in &record.superseded {
            line("before", &format!("{} until {}", old.serial, Millis(old.at_ms)));
        }
        if let Some(revoked) = &record.revoked {
            line("revoked", &format!("{} {}", Millis(revoked.at_ms), revoked.reason));
        }
    }
    if records.iter().any(|record| !record.superseded.is_empty()) {
        // What a policy's revoked certificates take, beside the serial numbers above.
        let (issuer, _) = revocation_of(book.authority().1).map_err(Error::enrol)?;
        writeln!(text, "certificates before are believed until they end or a policy revokes them")
            .ok();
        writeln!(text, "  issuer          {}", to_hex(&issuer)).ok();
    }
    if records.is_empty() {
        text.push_str("no machine is enrolled\n");
    }
    Ok(text)
}

/// `registrar revoke`.
pub(super) fn revoke(options: &RevokeOptions) -> Result<String, Error> {
    let book = Book::open(&options.data)?;
    let _held = book.hold()?;
    if let Some(path) = &options.ek_certificate {
        return revoke_ek(&book, path, &options.reason);
    }
    let identity = options.identity.as_ref().expect("an identity because clap asks for one");
    let tokens = book.remove_tokens(|token| token.identity == *identity && token.used.is_none())?;
    let Some(mut record) = book.record(identity)? else {
        if tokens > 0 {
            return Ok(format!("{identity} was not enrolled; {tokens} unused tokens removed\n"));
        }
        return Err(Error::Registrar {
            problem: format!("expected an identity of the registry, found {identity}"),
            remedy: "see `probity registrar list`",
        });
    };
    let (at_ms, reason) = (now_ms()?, options.reason.clone());
    record.revoked.get_or_insert(Revocation { at_ms, reason });
    book.write_record(&record)?;
    // What a policy names: verifiers learn of it from their policy alone.
    let (issuer, _) = revocation_of(book.authority().1).map_err(Error::enrol)?;
    let before = record.superseded.iter().map(|old| &old.serial);
    let mut text = format!("{identity} is revoked; {tokens} unused tokens removed\n");
    text.push_str("verifiers believe its certificates until their policy revokes them:\n");
    for serial in before.chain([&record.serial]) {
        writeln!(text, "  issuer {}\n  serial {serial}", to_hex(&issuer)).ok();
    }
    Ok(text)
}

fn revoke_ek(book: &Book, path: &Path, reason: &str) -> Result<String, Error> {
    let mut all = book.revoked_eks()?;
    let mut text = String::new();
    for der in certificates(path)? {
        let (issuer, serial) = revocation_of(&der).map_err(Error::enrol)?;
        let (issuer, serial) = (to_hex(&issuer), to_hex(&serial));
        writeln!(text, "serial {serial} counts no more").ok();
        if !all.iter().any(|one| one.issuer == issuer && one.serial == serial) {
            all.push(RevokedEk { issuer, serial, reason: reason.to_owned(), at_ms: now_ms()? });
        }
    }
    book.write_revoked_eks(&all)?;
    text.push_str("machines that enrolled with it stay enrolled: see `probity registrar list`\n");
    Ok(text)
}

/// Certificates of a PEM file, or the one of a DER file.
fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let not_found = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let bytes = paper::read(path)?.ok_or_else(|| Error::file(path)(not_found()))?;
    // DER begins with a sequence; PEM may begin with words.
    if bytes.first() == Some(&DER_SEQUENCE) {
        return Ok(vec![bytes]);
    }
    let wrong = |problem: String| Error::Registrar {
        problem: format!(
            "{}: expected certificates in PEM or one in DER: {problem}",
            path.display()
        ),
        remedy: "give the vendor's certificate file as it was published",
    };
    let parsed = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let parsed = parsed.map_err(|error| wrong(error.to_string()))?;
    match parsed.is_empty() {
        true => Err(wrong("none in it".into())),
        false => Ok(parsed.iter().map(|one| one.to_vec()).collect()),
    }
}

const DER_SEQUENCE: u8 = 0x30;
