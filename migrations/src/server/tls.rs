//! Who a server has to prove to be, by the mode of its URL.
//!
//! | `sslmode` | the connection | the certificate |
//! |---|---|---|
//! | `disable` | in the clear | |
//! | `prefer` (also where none is given) | encrypted if the server can, else in the clear | not looked at |
//! | `require`, `verify-full` | encrypted, or none | checked, the host's name included |
//!
//! `prefer` is libpq's: whoever can refuse TLS gets a connection in the clear anyway, so that checking would only turn
//! away servers with a self-made certificate, such as every Debian's. `require` is stricter than libpq's, which
//! believes any certificate: a password that goes to whoever answers is not what its writer wants. The roots are the
//! platform's (those that outgoing HTTP uses, `SSL_CERT_FILE` and `SSL_CERT_DIR` included), or the file of
//! `sslrootcert`.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where the roots of trust are from.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// The machine's.
    #[default]
    Platform,
    /// Those in a PEM file, and no others.
    File(PathBuf),
}

/// Whom a connection believes.
#[derive(Debug)]
pub(super) enum Trust {
    /// Anybody.
    All,
    /// Who has a certificate for the host's name from one of these.
    Only(Roots),
}

impl Trust {
    pub(super) fn of(mode: SslMode, roots: Roots) -> Self {
        match mode {
            SslMode::Disable | SslMode::Prefer => Self::All,
            _ => Self::Only(roots),
        }
    }
}

/// The TLS side of connections; the error is for the operator.
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3");
    let config = match trust {
        Trust::All => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth()
        }
        Trust::Only(Roots::Platform) => {
            let builder = builder.with_platform_verifier();
            builder.map_err(|error| format!("the machine's CA certificates: {error}"))?.with_no_client_auth()
        }
        Trust::Only(Roots::File(path)) => {
            let unusable = |why: &dyn std::fmt::Display| format!("sslrootcert {}: {why}", path.display());
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
            if roots.is_empty() {
                return Err(unusable(&"holds no certificate"));
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Takes every certificate; the handshake is still that of its holder.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
