//! TLS 1.3 and nothing older. Without a certificate of one's own a development certificate is
//! made once and kept: clients are given that file as their root. It must never be taken for more
//! than that, and its key must never be readable by others.

use crate::error::Error;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names that the development certificate is good for.
const DEVELOPMENT_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Owner may read and write, nobody else anything.
const PRIVATE_MODE: u32 = 0o600;

/// The server's side of TLS.
pub fn server_config(certificate: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, Error> {
    let pem = fs::read(certificate).map_err(Error::file(certificate))?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|e| Error::Tls(format!("{}: {e}", certificate.display())))?;
    let pem = fs::read(key).map_err(Error::file(key))?;
    let private = PrivateKeyDer::from_pem_slice(&pem);
    let private = private.map_err(|e| Error::Tls(format!("{}: {e}", key.display())))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| Error::Tls(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| Error::Tls(e.to_string()))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// The client's side of TLS, which trusts one file of roots.
pub fn client_config(roots: &Path) -> Result<Arc<rustls::ClientConfig>, Error> {
    let pem = fs::read(roots).map_err(Error::file(roots))?;
    let mut store = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let wrong = |e: String| Error::Tls(format!("{}: {e}", roots.display()));
        let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
        store.add(certificate).map_err(|e| wrong(e.to_string()))?;
    }
    if store.is_empty() {
        return Err(Error::Tls(format!("{}: no certificate in it", roots.display())));
    }
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| Error::Tls(e.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// Files of the development certificate in a data folder, made if they are not there.
pub fn development_files(data: &Path) -> Result<(PathBuf, PathBuf), Error> {
    let folder = data.join("tls");
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let (certificate_pem, key_pem) =
        make_development().map_err(|e| Error::Tls(format!("development certificate: {e}")))?;
    // The certificate comes last: its presence means that the pair is complete.
    write_private(&key, key_pem.as_bytes())?;
    fs::write(&certificate, certificate_pem).map_err(Error::file(&certificate))?;
    tracing::info!(path = %certificate.display(), "made a development certificate");
    Ok((certificate, key))
}

fn make_development() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(DEVELOPMENT_NAMES.map(String::from))?;
    params.distinguished_name.push(DnType::CommonName, "Probity development certificate");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // A key without its certificate is left over from a run that was cut short.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file(path)(error));
        }
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_MODE).open(path);
    file.and_then(|mut file| file.write_all(bytes)).map_err(Error::file(path))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The only application protocol.
const ALPN: &[u8] = b"http/1.1";

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_development_certificate_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = development_files(folder.path()).unwrap();
        let first = fs::read(&certificate).unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        server_config(&certificate, &key).unwrap();
        client_config(&certificate).unwrap();
        development_files(folder.path()).unwrap();
        assert_eq!(fs::read(&certificate).unwrap(), first);
        assert!(server_config(&key, &key).is_err());
        assert!(client_config(&key).is_err());
    }
}
